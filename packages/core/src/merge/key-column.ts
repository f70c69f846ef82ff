import { bitAt } from "../columns/bitmap.ts";
import { decimalWords } from "../columns/builder.ts";
import { isValid, type FixedVector, type Vector } from "../columns/vector.ts";
import { AlluviumError } from "../errors.ts";
import { describeType } from "../schema/describe.ts";
import type { ColumnType } from "../schema/types.ts";

/** A key column, looked at as what is hashed and compared: 32-bit words of one width, or bytes. */
export type KeyColumn = WordColumn | ByteColumn;

interface KeyColumnBase {
  /** The vector itself: it knows which rows are null. */
  readonly vector: Vector;
  /** Where the value of each row is; `undefined`: at the row's own place. */
  readonly codes: Int32Array | undefined;
}

interface WordColumn extends KeyColumnBase {
  readonly kind: "words";
  readonly words: Int32Array;
  /** Words a value. */
  readonly width: number;
}

interface ByteColumn extends KeyColumnBase {
  readonly kind: "bytes";
  readonly offsets: Int32Array;
  readonly data: Uint8Array;
}

/** Words that a value of a type takes; `undefined` where values differ in length. Nested types cannot be keys (`ALV_UNSUPPORTED`). */
export function wordsOf(type: ColumnType): number | undefined {
  switch (type.kind) {
    case "null":
    case "boolean":
    case "int8":
    case "int16":
    case "int32":
    case "float32":
    case "date":
      return 1;
    case "int64":
    case "float64":
    case "time":
    case "timestamp":
      return 2;
    case "decimal":
      return 2 * decimalWords(type.precision);
    case "uuid":
      return 4;
    case "string":
    case "binary":
    case "json":
      return undefined;
    default:
      throw new AlluviumError(
        "ALV_UNSUPPORTED",
        `a column of type ${describeType(type)} cannot be part of a key`,
      );
  }
}

/** The view of a vector as a key column. Nothing is copied where the words of its values can be read in place. */
export function keyColumn(vector: Vector): KeyColumn {
  if (vector.layout === "dictionary") return { ...keyColumn(vector.dictionary), vector, codes: vector.codes };
  const width = wordsOf(vector.type);
  const base = { vector, codes: undefined };
  switch (vector.layout) {
    case "null":
      return { ...base, kind: "words", words: new Int32Array(vector.length), width: 1 };
    case "boolean":
      return {
        ...base,
        kind: "words",
        words: Int32Array.from({ length: vector.length }, (_, row) => Number(bitAt(vector.values, row))),
        width: 1,
      };
    case "bytes":
      return { ...base, kind: "bytes", offsets: vector.offsets, data: vector.data };
    case "fixed":
      return { ...base, kind: "words", words: fixedWords(vector, width!), width: width! };
    default:
      throw new AlluviumError("ALV_INTERNAL", `a ${vector.type.kind} is no key`);
  }
}

/** Whether a row of the column is null. */
export function isNullKey({ vector }: KeyColumn, row: number): boolean {
  return vector.nullCount > 0 && !isValid(vector, row);
}

function fixedWords(vector: FixedVector, width: number): Int32Array {
  const { type, length } = vector;
  let { values } = vector;
  if (values instanceof Int8Array || values instanceof Int16Array)
    return Int32Array.from(values.subarray(0, length));
  // Equal floats have equal words: one zero, one NaN.
  if (type.kind === "float32") values = Float32Array.from(values.subarray(0, length) as Float32Array, plain);
  else if (type.kind === "float64")
    values = Float64Array.from(values.subarray(0, length) as Float64Array, plain);
  else if (values.byteOffset % 4 !== 0) values = values.slice(0, length * 16) as Uint8Array;
  return new Int32Array(values.buffer, values.byteOffset, length * width);
}

function plain(value: number): number {
  return Number.isNaN(value) ? Number.NaN : value + 0;
}

const NULL_WORD = 0x5bd1e995;

/** Takes the values of rows `[start, end)` into their running hashes, which begin at `hashes[0]`. */
export function hashKeys(column: KeyColumn, start: number, end: number, hashes: Int32Array): void {
  const { vector, codes } = column;
  const count = end - start;
  if (column.kind === "bytes") {
    const { offsets, data } = column;
    for (let i = 0; i < count; i++) {
      const at = codes === undefined ? start + i : codes[start + i]!;
      hashes[i] =
        vector.nullCount > 0 && !isValid(vector, start + i)
          ? mix(hashes[i]!, NULL_WORD)
          : hashBytes(hashes[i]!, data, offsets[at]!, offsets[at + 1]!);
    }
    return;
  }
  const { words, width } = column;
  if (vector.nullCount === 0 && codes === undefined && width <= 2) {
    if (width === 1) for (let i = 0; i < count; i++) hashes[i] = mix(hashes[i]!, words[start + i]!);
    else
      for (let i = 0, at = 2 * start; i < count; i++, at += 2)
        hashes[i] = mix(mix(hashes[i]!, words[at]!), words[at + 1]!);
    return;
  }
  for (let i = 0; i < count; i++) {
    let hash = hashes[i]!;
    if (vector.nullCount > 0 && !isValid(vector, start + i)) hash = mix(hash, NULL_WORD);
    else {
      const at = width * (codes === undefined ? start + i : codes[start + i]!);
      for (let k = 0; k < width; k++) hash = mix(hash, words[at + k]!);
    }
    hashes[i] = hash;
  }
}

/** One step of a multiplicative hash (Knuth, The Art of Computer Programming 6.4) with the shift of MurmurHash3 after it. */
function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

function hashBytes(seed: number, data: Uint8Array, start: number, end: number): number {
  let hash = seed;
  let at = start;
  for (; at + 4 <= end; at += 4)
    hash = mix(hash, data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24));
  let rest = (end - start) << 24;
  for (; at < end; at++) rest = (rest << 8) ^ data[at]! ^ (rest >>> 24);
  return mix(hash, rest);
}
