import { fixedStride, fixedValues } from "../columns/builder.ts";
import type { FixedValues, Vector } from "../columns/vector.ts";
import { AlluviumError } from "../errors.ts";
import { invalid } from "./invalid.ts";
import type { ReadLeaf } from "./read-type.ts";
import type { StoredValues } from "./stored-values.ts";

/** What becomes of times of finer resolution than a microsecond. */
export type Nanoseconds = "floor" | "refuse";

/** Stored values as a vector of the leaf's type, without nulls. */
export function denseVector(
  leaf: ReadLeaf,
  stored: StoredValues,
  count: number,
  nanoseconds: Nanoseconds,
): Vector {
  const { type } = leaf;
  const base = { type, length: count, nullCount: 0, validity: undefined };
  switch (stored.kind) {
    case "bits":
      return { ...base, layout: "boolean", values: stored.values };
    case "floats":
    case "doubles":
      return { ...base, layout: "fixed", values: stored.values };
    case "ints":
      return { ...base, layout: "fixed", values: ofInts(leaf, stored.values, count) };
    case "longs":
      return { ...base, layout: "fixed", values: ofLongs(leaf, stored.values, count, nanoseconds) };
    case "fixed":
      if (type.kind === "uuid") return { ...base, layout: "fixed", values: stored.values };
      if (type.kind === "decimal") {
        const { width } = stored;
        const at = (i: number) => i * width;
        return { ...base, layout: "fixed", values: bigEndians(leaf, stored.values, count, at) };
      }
      if (leaf.conversion === "half")
        return { ...base, layout: "fixed", values: halfFloats(stored.values, count) };
      if (leaf.conversion === "julian")
        return { ...base, layout: "fixed", values: julianTimes(leaf, stored.values, count, nanoseconds) };
      return { ...base, layout: "bytes", offsets: evenOffsets(count, stored.width), data: stored.values };
    case "bytes": {
      const { offsets, data } = stored;
      if (type.kind === "decimal")
        return { ...base, layout: "fixed", values: bigEndians(leaf, data, count, (i) => offsets[i]!) };
      return { ...base, layout: "bytes", offsets, data };
    }
  }
}

function ofInts({ type, conversion }: ReadLeaf, values: Int32Array, count: number): FixedValues {
  if (type.kind === "int32" || type.kind === "date") return values;
  const out = fixedValues(type, count * fixedStride(type));
  if (out instanceof BigInt64Array) {
    const words = new Int32Array(out.buffer);
    const step = words.length / Math.max(1, count);
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      words[step * i] = value;
      const sign = conversion === "unsigned" ? 0 : value >> 31;
      for (let w = 1; w < step; w++) words[step * i + w] = sign;
    }
    if (conversion === "millis") for (let i = 0; i < count; i++) out[i]! *= 1000n;
    return out;
  }
  for (let i = 0; i < count; i++) out[i] = values[i]!;
  return out;
}

function ofLongs(
  leaf: ReadLeaf,
  values: BigInt64Array,
  count: number,
  nanoseconds: Nanoseconds,
): FixedValues {
  const { type, conversion } = leaf;
  if (conversion === "millis") {
    for (let i = 0; i < count; i++) {
      const value = values[i]! * 1000n;
      if (BigInt.asIntN(64, value) !== value) throw outOfRange(leaf, `${values[i]} ms`);
      values[i] = value;
    }
    return values;
  }
  if (conversion === "nanos") {
    for (let i = 0; i < count; i++) values[i] = microseconds(leaf, values[i]!, nanoseconds);
    return values;
  }
  if (type.kind === "decimal" && type.precision > 18) {
    const wide = new BigInt64Array(2 * count);
    for (let i = 0; i < count; i++) {
      wide[2 * i] = values[i]!;
      wide[2 * i + 1] = conversion === "unsigned" || values[i]! >= 0n ? 0n : -1n;
    }
    return wide;
  }
  if (type.kind === "int8" || type.kind === "int16" || type.kind === "int32") {
    // A 64-bit column that is annotated as a narrower integer.
    const narrow = fixedValues(type, count);
    for (let i = 0; i < count; i++) narrow[i] = Number(BigInt.asIntN(32, values[i]!));
    return narrow;
  }
  return values;
}

/** Nanoseconds to microseconds, downwards. */
function microseconds({ path }: ReadLeaf, value: bigint, nanoseconds: Nanoseconds): bigint {
  const whole = value / 1000n;
  const rest = value % 1000n;
  if (rest === 0n) return whole;
  if (nanoseconds === "refuse")
    throw new AlluviumError(
      "ALV_VALUE_UNREPRESENTABLE",
      `column ${path.join(".")} holds a time of ${value} ns, which lies between two microseconds; read the file with nanoseconds "floor"`,
    );
  return rest < 0n ? whole - 1n : whole;
}

/** INT96: nanoseconds of the day in eight bytes, then a Julian day. Never in 64-bit nanoseconds, which end in 2262. */
function julianTimes(
  leaf: ReadLeaf,
  bytes: Uint8Array,
  count: number,
  nanoseconds: Nanoseconds,
): BigInt64Array {
  const out = new BigInt64Array(count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < count; i++) {
    const day = view.getInt32(12 * i + 8, true) - 2_440_588;
    out[i] = BigInt(day) * 86_400_000_000n + microseconds(leaf, view.getBigInt64(12 * i, true), nanoseconds);
  }
  return out;
}

function halfFloats(bytes: Uint8Array, count: number): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const bits = bytes[2 * i]! | (bytes[2 * i + 1]! << 8);
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const sign = bits & 0x8000 ? -1 : 1;
    if (exponent === 0) out[i] = sign * fraction * 2 ** -24;
    else if (exponent === 31) out[i] = fraction === 0 ? sign * Infinity : NaN;
    else out[i] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return out;
}

/** Decimals in two's complement, highest byte first. `start(i)` is where value i begins, `start(i + 1)` where it ends. */
function bigEndians(
  leaf: ReadLeaf,
  bytes: Uint8Array,
  count: number,
  start: (i: number) => number,
): BigInt64Array {
  const stride = fixedStride(leaf.type);
  const out = new BigInt64Array(count * stride);
  const words = new Int32Array(out.buffer);
  const size = 8 * stride;
  for (let i = 0; i < count; i++) {
    const from = start(i);
    const to = start(i + 1);
    if (to === from) throw invalid(`column ${leaf.path.join(".")} holds a decimal without bytes`);
    const sign = bytes[from]! & 0x80 ? 0xff : 0;
    // More bytes than are needed repeat the sign.
    for (let at = to - size - 1; at >= from; at--)
      if (bytes[at] !== sign) throw outOfRange(leaf, "a longer number");
    if (to - from > size && (bytes[to - size]! ^ sign) & 0x80) throw outOfRange(leaf, "a longer number");
    for (let byte = 0; byte < size; byte++) {
      const at = to - 1 - byte;
      const value = at >= from ? bytes[at]! : sign;
      words[2 * stride * i + (byte >> 2)]! |= value << (8 * (byte & 3));
    }
  }
  return out;
}

function evenOffsets(count: number, width: number): Int32Array {
  const offsets = new Int32Array(count + 1);
  for (let i = 1; i <= count; i++) offsets[i] = i * width;
  return offsets;
}

function outOfRange({ path, type }: ReadLeaf, value: string): AlluviumError {
  return new AlluviumError(
    "ALV_VALUE_UNREPRESENTABLE",
    `column ${path.join(".")} of type ${type.kind} holds ${value}, which is out of its range`,
  );
}
