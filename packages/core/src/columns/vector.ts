import type { ColumnType } from "../schema/types.ts";

/**
 * One column of a batch in the Arrow memory layout, so that moving to and from Arrow copies nothing.
 * Vectors are immutable once they are handed on. Rules that hold for every layout:
 *
 * - `validity` is a bitmap, least significant bit first, 1 = valid; `undefined` when there is no null. `nullCount` is exact.
 * - Arrays may be longer than `length` needs; only the first `length` entries (or bits) count.
 * - What stands in a null slot is unspecified, but offsets stay monotone there.
 *
 * Source: https://arrow.apache.org/docs/format/Columnar.html
 */
export type Vector =
  | NullVector
  | BooleanVector
  | FixedVector
  | BytesVector
  | ListVector
  | MapVector
  | StructVector
  | DictionaryVector;

interface VectorBase {
  readonly type: ColumnType;
  /** Number of rows. */
  readonly length: number;
  /** Number of null rows. */
  readonly nullCount: number;
  /** Bitmap, least significant bit first, 1 = valid; `undefined` when `nullCount` is 0. */
  readonly validity: Uint8Array | undefined;
}

/** Only nulls: a column whose type is not yet known. `nullCount` equals `length`, `validity` is `undefined`. */
export interface NullVector extends VectorBase {
  readonly layout: "null";
}

/** `boolean`: one bit a row, least significant first. */
export interface BooleanVector extends VectorBase {
  readonly layout: "boolean";
  readonly values: Uint8Array;
}

/**
 * Values of one width, by type: `int8` Int8Array · `int16` Int16Array · `int32`, `date` Int32Array ·
 * `int64`, `time`, `timestamp`, `decimal` up to 18 digits BigInt64Array · `float32` Float32Array · `float64` Float64Array ·
 * `decimal` of 19–38 digits BigInt64Array with two words a row, low word first (two's complement, 128 bits) ·
 * `uuid` Uint8Array with 16 bytes a row.
 */
export interface FixedVector extends VectorBase {
  readonly layout: "fixed";
  readonly values: FixedValues;
}

/** The arrays of a {@link FixedVector}. */
export type FixedValues =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array
  | Uint8Array;

/** `string`, `json` (UTF-8) and `binary`: row i is `data[offsets[i], offsets[i + 1])`; `offsets[0]` need not be 0. */
export interface BytesVector extends VectorBase {
  readonly layout: "bytes";
  readonly offsets: Int32Array;
  readonly data: Uint8Array;
}

/** `list`: row i holds the child's rows `[offsets[i], offsets[i + 1])`; `offsets[0]` need not be 0. */
export interface ListVector extends VectorBase {
  readonly layout: "list";
  readonly offsets: Int32Array;
  readonly child: Vector;
}

/** `map`: row i holds the entries `[offsets[i], offsets[i + 1])` of `keys` and `values`; keys have no nulls. */
export interface MapVector extends VectorBase {
  readonly layout: "map";
  readonly offsets: Int32Array;
  readonly keys: Vector;
  readonly values: Vector;
}

/** `struct`: one child a member, each of the struct's own length. */
export interface StructVector extends VectorBase {
  readonly layout: "struct";
  readonly children: readonly Vector[];
}

/** Any type by reference: row i is `dictionary[codes[i]]`. The dictionary has no nulls and may hold unused values. */
export interface DictionaryVector extends VectorBase {
  readonly layout: "dictionary";
  readonly codes: Int32Array;
  readonly dictionary: Vector;
}

/** Whether row `index` holds a value. */
export function isValid(vector: Vector, index: number): boolean {
  if (vector.nullCount === 0) return true;
  if (vector.validity === undefined) return false;
  return ((vector.validity[index >> 3]! >> (index & 7)) & 1) === 1;
}
