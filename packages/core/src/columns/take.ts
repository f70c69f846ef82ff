import { AlluviumError } from "../errors.ts";
import type { Batch, Changes } from "./batch.ts";
import { bitAt } from "./bitmap.ts";
import { fixedStride, fixedValues } from "./builder.ts";
import { nullVector } from "./null-vector.ts";
import {
  isValid,
  type BytesVector,
  type FixedValues,
  type FixedVector,
  type ListVector,
  type MapVector,
  type Vector,
} from "./vector.ts";

/**
 * The rows named by `indexes`, in that order; an index may come several times, and a negative one gives a null.
 * Indexes past the end are the caller's mistake and are not checked.
 */
export function takeVector(vector: Vector, indexes: Int32Array): Vector {
  const length = indexes.length;
  const { type } = vector;
  if (vector.layout === "null" || vector.length === 0) return nullVector(type, length);
  const base = { type, length, ...takeValidity(vector, indexes) };
  switch (vector.layout) {
    case "boolean":
      return { ...base, layout: "boolean", values: takeBits(vector.values, indexes) };
    case "fixed":
      return { ...base, layout: "fixed", values: takeFixed(vector, indexes) };
    case "bytes":
      return { ...base, layout: "bytes", ...takeBytes(vector, indexes) };
    case "list": {
      const { offsets, rows } = takeRanges(vector, indexes);
      return { ...base, layout: "list", offsets, child: takeVector(vector.child, rows) };
    }
    case "map": {
      const { offsets, rows } = takeRanges(vector, indexes);
      return {
        ...base,
        layout: "map",
        offsets,
        keys: takeVector(vector.keys, rows),
        values: takeVector(vector.values, rows),
      };
    }
    case "struct":
      return {
        ...base,
        layout: "struct",
        children: vector.children.map((child) => takeVector(child, indexes)),
      };
    case "dictionary": {
      const codes = new Int32Array(length);
      for (let i = 0; i < length; i++) codes[i] = indexes[i]! < 0 ? 0 : vector.codes[indexes[i]!]!;
      return { ...base, layout: "dictionary", codes, dictionary: vector.dictionary };
    }
  }
}

/** The rows of a batch named by `indexes`, its changes included; see {@link takeVector}. Indexes are not negative. */
export function takeBatch(batch: Batch, indexes: Int32Array): Batch {
  const { schema, changes } = batch;
  return {
    schema,
    length: indexes.length,
    columns: batch.columns.map((column) => takeVector(column, indexes)),
    changes: changes && takeChanges(changes, indexes),
  };
}

function takeChanges({ ops, ordinals, oldKeys, unchanged }: Changes, indexes: Int32Array): Changes {
  return {
    ops: Uint8Array.from(indexes, (index) => ops[index]!),
    ordinals: BigInt64Array.from(Array.from(indexes, (index) => ordinals[index]!)),
    oldKeys: oldKeys && takeBatch(oldKeys, indexes),
    unchanged: unchanged?.map((bits) => bits && takeBits(bits, indexes)),
  };
}

function takeValidity(
  vector: Vector,
  indexes: Int32Array,
): { nullCount: number; validity: Uint8Array | undefined } {
  if (vector.nullCount === 0 && !hasNegative(indexes)) return { nullCount: 0, validity: undefined };
  const validity = new Uint8Array((indexes.length + 7) >> 3);
  let nullCount = 0;
  for (let i = 0; i < indexes.length; i++) {
    const index = indexes[i]!;
    if (index >= 0 && isValid(vector, index)) validity[i >> 3]! |= 1 << (i & 7);
    else nullCount += 1;
  }
  return { nullCount, validity: nullCount > 0 ? validity : undefined };
}

function hasNegative(indexes: Int32Array): boolean {
  let signs = 0;
  for (let i = 0; i < indexes.length; i++) signs |= indexes[i]!;
  return signs < 0;
}

function takeBits(bits: Uint8Array, indexes: Int32Array): Uint8Array {
  const taken = new Uint8Array((indexes.length + 7) >> 3);
  for (let i = 0; i < indexes.length; i++)
    if (indexes[i]! >= 0 && bitAt(bits, indexes[i]!)) taken[i >> 3]! |= 1 << (i & 7);
  return taken;
}

function takeFixed({ type, values }: FixedVector, indexes: Int32Array): FixedValues {
  const stride = fixedStride(type);
  const taken = fixedValues(type, indexes.length * stride);
  // Bytes are moved, not values: no bigint is made for 64-bit types.
  const width = stride * taken.BYTES_PER_ELEMENT;
  const unit = width < 4 || values.byteOffset % 4 !== 0 ? 1 : 4;
  const from = units(values, unit);
  const to = units(taken, unit);
  const step = width / unit;
  if (step === 1) {
    for (let i = 0; i < indexes.length; i++) if (indexes[i]! >= 0) to[i] = from[indexes[i]!]!;
    return taken;
  }
  for (let i = 0; i < indexes.length; i++) {
    const index = indexes[i]!;
    if (index < 0) continue;
    for (let k = 0, source = index * step, target = i * step; k < step; k++)
      to[target + k] = from[source + k]!;
  }
  return taken;
}

function units({ buffer, byteOffset, byteLength }: FixedValues, unit: 1 | 4): Uint8Array | Int32Array {
  return unit === 4
    ? new Int32Array(buffer, byteOffset, byteLength >> 2)
    : new Uint8Array(buffer, byteOffset, byteLength);
}

function takeBytes(vector: BytesVector, indexes: Int32Array): { offsets: Int32Array; data: Uint8Array } {
  const offsets = takeOffsets(vector, indexes);
  const data = new Uint8Array(offsets[indexes.length]!);
  for (let i = 0; i < indexes.length; i++) {
    const start = offsets[i]!;
    const bytes = offsets[i + 1]! - start;
    if (bytes === 0) continue;
    const source = vector.offsets[indexes[i]!]!;
    if (bytes < 48) for (let k = 0; k < bytes; k++) data[start + k] = vector.data[source + k]!;
    else data.set(vector.data.subarray(source, source + bytes), start);
  }
  return { offsets, data };
}

function takeRanges(
  vector: ListVector | MapVector,
  indexes: Int32Array,
): { offsets: Int32Array; rows: Int32Array } {
  const offsets = takeOffsets(vector, indexes);
  const rows = new Int32Array(offsets[indexes.length]!);
  for (let i = 0, at = 0; i < indexes.length; i++) {
    const count = offsets[i + 1]! - offsets[i]!;
    for (let k = 0; k < count; k++) rows[at++] = vector.offsets[indexes[i]!]! + k;
  }
  return { offsets, rows };
}

function takeOffsets(vector: BytesVector | ListVector | MapVector, indexes: Int32Array): Int32Array {
  const offsets = new Int32Array(indexes.length + 1);
  let size = 0;
  for (let i = 0; i < indexes.length; i++) {
    const index = indexes[i]!;
    if (index >= 0 && isValid(vector, index)) size += vector.offsets[index + 1]! - vector.offsets[index]!;
    offsets[i + 1] = checkedOffset(size);
  }
  return offsets;
}

/** `size` as a 32-bit offset, or an error where it is beyond one. */
export function checkedOffset(size: number): number {
  if (size <= 0x7fff_ffff) return size;
  throw new AlluviumError(
    "ALV_VALUE_TOO_LARGE",
    `a column of one batch holds at most ${0x7fff_ffff} bytes or elements, ${size} were asked for`,
  );
}
