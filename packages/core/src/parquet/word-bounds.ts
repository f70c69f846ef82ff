import { Buffer } from "node:buffer";
import type { ColumnType } from "../schema/types.ts";
import { bounds32, bounds64 } from "./integers.ts";
import type { Bounds } from "./statistics.ts";

/** Bounds of fixed-width values; absent where there are none. */
export interface WordBounds {
  readonly bounds: Bounds | undefined;
  readonly sawNaN: boolean;
}

/** Finds the bounds of `count` values of a type. */
export function wordBounds(type: ColumnType, values: Int32Array, count: number): WordBounds {
  switch (type.kind) {
    case "float32":
      return floatBounds(new Float32Array(values.buffer, values.byteOffset, count));
    case "float64":
      return floatBounds(new Float64Array(values.buffer, values.byteOffset, count));
    default:
      return { bounds: count === 0 ? undefined : orderedBounds(type, values, count), sawNaN: false };
  }
}

function orderedBounds(type: ColumnType, values: Int32Array, count: number): Bounds {
  switch (type.kind) {
    case "uuid":
      return wideBounds(values, count, uuidOrder, uuidBytes);
    case "decimal": {
      if (type.precision > 18) return wideBounds(values, count, decimalOrder, wideInteger);
      if (type.precision > 9) return bounds64(values, count);
      const { min, max } = bounds32(values, count);
      return { min: BigInt(min), max: BigInt(max) };
    }
    case "int64":
    case "time":
    case "timestamp":
      return bounds64(values, count);
    default:
      return bounds32(values, count);
  }
}

function floatBounds(floats: Float32Array | Float64Array): WordBounds {
  let min = Infinity;
  let max = -Infinity;
  let sawNaN = false;
  for (let i = 0; i < floats.length; i++) {
    const value = floats[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
    if (value !== value) sawNaN = true;
  }
  // The zeros are equal: each bound is the one that includes both.
  const bounds = { min: min === 0 ? -0 : min, max: max === 0 ? 0 : max };
  return { bounds: floats.length > 0 && !sawNaN ? bounds : undefined, sawNaN };
}

type Order = (values: Int32Array, a: number, b: number) => number;

function wideBounds<Value extends bigint | Uint8Array>(
  values: Int32Array,
  count: number,
  order: Order,
  valueAt: (values: Int32Array, i: number) => Value,
): { readonly min: Value; readonly max: Value } {
  let minAt = 0;
  let maxAt = 0;
  for (let i = 1; i < count; i++) {
    if (order(values, i, minAt) < 0) minAt = i;
    else if (order(values, i, maxAt) > 0) maxAt = i;
  }
  return { min: valueAt(values, minAt), max: valueAt(values, maxAt) };
}

function decimalOrder(values: Int32Array, a: number, b: number): number {
  const top = values[4 * a + 3]! - values[4 * b + 3]!;
  if (top !== 0) return top;
  for (let w = 2; w >= 0; w--) {
    const difference = (values[4 * a + w]! >>> 0) - (values[4 * b + w]! >>> 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function uuidOrder(values: Int32Array, a: number, b: number): number {
  for (let w = 0; w < 4; w++) {
    const x = values[4 * a + w]!;
    const y = values[4 * b + w]!;
    if (x === y) continue;
    // The first byte stands in the lowest bits.
    for (let shift = 0; shift < 32; shift += 8) {
      const difference = ((x >>> shift) & 255) - ((y >>> shift) & 255);
      if (difference !== 0) return difference;
    }
  }
  return 0;
}

function wideInteger(values: Int32Array, i: number): bigint {
  let value = BigInt(values[4 * i + 3]!);
  for (let w = 2; w >= 0; w--) value = (value << 32n) | BigInt(values[4 * i + w]! >>> 0);
  return value;
}

function uuidBytes(values: Int32Array, i: number): Uint8Array {
  return new Uint8Array(Buffer.from(values.buffer, values.byteOffset + 16 * i, 16));
}
