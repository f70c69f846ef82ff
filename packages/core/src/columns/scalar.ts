import { Buffer } from "node:buffer";
import { AlluviumError } from "../errors.ts";
import type { ColumnType } from "../schema/types.ts";
import { bitAt } from "./bitmap.ts";
import { decimalWords } from "./builder.ts";
import { readDecimal } from "./decimal.ts";
import { isValid, type Vector } from "./vector.ts";

/**
 * A value as it is stored, exact: `boolean` · number for `int8` `int16` `int32` `float32` `float64` and `date` (days since 1970) ·
 * bigint for `int64`, `decimal` (unscaled), `time` and `timestamp` (µs) · text for `string` and `json` · bytes for `binary` and
 * `uuid` (16 of them). Lists, structs and maps have none.
 */
export type Scalar = boolean | number | bigint | string | Uint8Array;

/** Reads rows of a vector as {@link Scalar}, `null` for nulls. Bytes are views, not copies. */
export function scalarReader(vector: Vector): (index: number) => Scalar | null {
  const read = valueReader(vector);
  return vector.nullCount === 0 ? read : (index) => (isValid(vector, index) ? read(index) : null);
}

/** One row of a vector as {@link Scalar}; for several rows make one {@link scalarReader}. */
export function scalarAt(vector: Vector, index: number): Scalar | null {
  return scalarReader(vector)(index);
}

function valueReader(vector: Vector): (index: number) => Scalar {
  switch (vector.layout) {
    case "boolean": {
      const { values } = vector;
      return (index) => bitAt(values, index);
    }
    case "bytes": {
      const { offsets, data } = vector;
      if (vector.type.kind === "binary")
        return (index) => data.subarray(offsets[index]!, offsets[index + 1]!);
      return textReader(offsets, data);
    }
    case "fixed": {
      const { values, type } = vector;
      if (type.kind === "uuid")
        return (index) => (values as Uint8Array).subarray(16 * index, 16 * index + 16);
      if (type.kind === "decimal") {
        const words = decimalWords(type.precision);
        return (index) => readDecimal(values as BigInt64Array, index, words);
      }
      return (index) => values[index]!;
    }
    case "dictionary": {
      const { codes } = vector;
      const read = valueReader(vector.dictionary);
      return (index) => read(codes[index]!);
    }
    default:
      throw new AlluviumError("ALV_INTERNAL", `a ${vector.type.kind} is no scalar`);
  }
}

/** Reads UTF-8 rows as text. */
function textReader(offsets: Int32Array, data: Uint8Array): (index: number) => string {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return (index) => {
    const start = offsets[index]!;
    const end = offsets[index + 1]!;
    return start === end ? "" : buffer.toString("utf8", start, end);
  };
}

/**
 * Orders two values of one type, negative when `a` comes first: numbers by value with NaN last, text by its UTF-8 bytes,
 * bytes as unsigned, false before true.
 */
export function compareScalars(a: Scalar, b: Scalar): number {
  if (typeof a === "string") return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  if (typeof a === "object") return Buffer.compare(a, b as Uint8Array);
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

/** Whether a type holds {@link Scalar} values, that is neither nothing nor other columns. */
export function isScalar(type: ColumnType): boolean {
  return type.kind !== "null" && type.kind !== "list" && type.kind !== "struct" && type.kind !== "map";
}
