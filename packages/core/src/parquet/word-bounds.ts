import { Buffer } from "node:buffer";
import type { ColumnType } from "../schema/types.ts";
import type { Scratch } from "./scratch.ts";
import type { Bounds } from "./statistics.ts";

/**
 * Bounds of fixed-width values. `min` and `max` are the values as doubles; where those are not exact (`exact` is false), or the type
 * has four words, the bounds are the values at `minAt` and `maxAt`. Without values that count, `minAt` is -1.
 */
export interface WordBounds {
  readonly min: number;
  readonly max: number;
  readonly exact: boolean;
  /** 64-bit integers that all fit 32 bits: the scratch integers hold them. Otherwise the scratch doubles do. */
  readonly narrow: boolean;
  readonly minAt: number;
  readonly maxAt: number;
  readonly values: Int32Array;
  readonly sawNaN: boolean;
}

const SAFE_TOP = 2 ** 20;

/** Finds the bounds. For 64-bit integers it leaves the values in the scratch, see {@link WordBounds.narrow}. */
export function wordBounds(
  type: ColumnType,
  values: Int32Array,
  count: number,
  scratch: Scratch,
): WordBounds {
  switch (type.kind) {
    case "float32":
      return floatBounds(values, new Float32Array(values.buffer, values.byteOffset, count));
    case "float64":
      return floatBounds(values, new Float64Array(values.buffer, values.byteOffset, count));
    case "uuid":
      return wideBounds(values, count, uuidOrder);
    case "decimal":
      if (type.precision > 18) return wideBounds(values, count, decimalOrder);
      return type.precision > 9 ? longBounds(values, count, scratch) : intBounds(values, count);
    case "int64":
    case "time":
    case "timestamp":
      return longBounds(values, count, scratch);
    default:
      return intBounds(values, count);
  }
}

function intBounds(values: Int32Array, count: number): WordBounds {
  let min = 0x7fff_ffff;
  let max = -0x8000_0000;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max, exact: true, narrow: false, minAt: count > 0 ? 0 : -1, maxAt: 0, values, sawNaN: false };
}

function longBounds(values: Int32Array, count: number, scratch: Scratch): WordBounds {
  const lows = scratch.ints(count);
  let low = 0x7fff_ffff;
  let high = -0x8000_0000;
  let wider = 0;
  for (let i = 0; i < count; i++) {
    const value = values[2 * i]!;
    // What stands above the low word is more than its sign.
    wider |= values[2 * i + 1]! ^ (value >> 31);
    lows[i] = value;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const minAt = count > 0 ? 0 : -1;
  if (wider === 0)
    return { min: low, max: high, narrow: true, exact: true, minAt, maxAt: 0, values, sawNaN: false };
  const doubles = scratch.doubles(count);
  let min = Infinity;
  let max = -Infinity;
  let tops = 0;
  for (let i = 0; i < count; i++) {
    const top = values[2 * i + 1]!;
    const value = top * 4294967296 + (values[2 * i]! >>> 0);
    // Bits that differ from the sign: together they tell the largest magnitude.
    tops |= top ^ (top >> 31);
    doubles[i] = value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const base = { min, max, narrow: false, values, sawNaN: false };
  if (tops < SAFE_TOP) return { ...base, exact: true, minAt, maxAt: 0 };
  return { ...wideBounds(values, count, longOrder), ...base };
}

function floatBounds(values: Int32Array, floats: Float32Array | Float64Array): WordBounds {
  let min = Infinity;
  let max = -Infinity;
  let sawNaN = false;
  for (let i = 0; i < floats.length; i++) {
    const value = floats[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
    if (value !== value) sawNaN = true;
  }
  // Nothing but NaN leaves both at their starts; then the flag says that there are no bounds.
  return {
    min: min === 0 ? -0 : min,
    max: max === 0 ? 0 : max,
    exact: true,
    narrow: false,
    minAt: floats.length > 0 && !sawNaN ? 0 : -1,
    maxAt: 0,
    values,
    sawNaN,
  };
}

type Order = (values: Int32Array, a: number, b: number) => number;

function wideBounds(values: Int32Array, count: number, order: Order): WordBounds {
  let minAt = count > 0 ? 0 : -1;
  let maxAt = minAt;
  for (let i = 1; i < count; i++) {
    if (order(values, i, minAt) < 0) minAt = i;
    else if (order(values, i, maxAt) > 0) maxAt = i;
  }
  return { min: -Infinity, max: Infinity, exact: false, narrow: false, minAt, maxAt, values, sawNaN: false };
}

function longOrder(values: Int32Array, a: number, b: number): number {
  return values[2 * a + 1]! - values[2 * b + 1]! || (values[2 * a]! >>> 0) - (values[2 * b]! >>> 0);
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

/** The bounds as values of the column's type. */
export function wordsToBounds(type: ColumnType, found: WordBounds): Bounds | undefined {
  if (found.minAt < 0) return undefined;
  const { values } = found;
  switch (type.kind) {
    case "int64":
    case "time":
    case "timestamp":
    case "decimal":
      if (found.exact) return { min: BigInt(found.min), max: BigInt(found.max) };
      if (type.kind === "decimal" && type.precision > 18)
        return { min: wideInteger(values, found.minAt), max: wideInteger(values, found.maxAt) };
      return { min: longInteger(values, found.minAt), max: longInteger(values, found.maxAt) };
    case "uuid":
      return { min: uuidBytes(values, found.minAt), max: uuidBytes(values, found.maxAt) };
    default:
      return { min: found.min, max: found.max };
  }
}

function longInteger(values: Int32Array, i: number): bigint {
  return (BigInt(values[2 * i + 1]!) << 32n) | BigInt(values[2 * i]! >>> 0);
}

function wideInteger(values: Int32Array, i: number): bigint {
  let value = BigInt(values[4 * i + 3]!);
  for (let w = 2; w >= 0; w--) value = (value << 32n) | BigInt(values[4 * i + w]! >>> 0);
  return value;
}

function uuidBytes(values: Int32Array, i: number): Uint8Array {
  return new Uint8Array(Buffer.from(values.buffer, values.byteOffset + 16 * i, 16));
}
