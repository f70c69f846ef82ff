import type { ColumnType } from "../schema/types.ts";
import { nullVector } from "./null-vector.ts";
import { takeVector } from "./take.ts";
import { vectorOf } from "./values.ts";
import type { DictionaryVector, Vector } from "./vector.ts";

/** The same rows without dictionaries, at any depth; the vector itself where there are none. */
export function materialize(vector: Vector): Vector {
  switch (vector.layout) {
    case "dictionary":
      return materialize(takeVector(vector.dictionary, rowsOfCodes(vector)));
    case "list": {
      const child = materialize(vector.child);
      return child === vector.child ? vector : { ...vector, child };
    }
    case "map": {
      const keys = materialize(vector.keys);
      const values = materialize(vector.values);
      return keys === vector.keys && values === vector.values ? vector : { ...vector, keys, values };
    }
    case "struct": {
      const children = vector.children.map(materialize);
      return children.every((child, i) => child === vector.children[i]) ? vector : { ...vector, children };
    }
    default:
      return vector;
  }
}

function rowsOfCodes(vector: DictionaryVector): Int32Array {
  const { validity, nullCount } = vector;
  if (nullCount === 0 || validity === undefined) return vector.codes.subarray(0, vector.length);
  const rows = vector.codes.slice(0, vector.length);
  for (let i = 0; i < rows.length; i++) if (((validity[i >> 3]! >> (i & 7)) & 1) === 0) rows[i] = -1;
  return rows;
}

/**
 * `length` rows of one value in user form, as a dictionary of one entry; for `null` a plain vector of nulls.
 * A value that is not of the type is `ALV_ROW_INVALID`.
 *
 * @example
 * ```ts
 * const loadId = constantVector({ kind: "string" }, "0198c…", batch.length);
 * ```
 */
export function constantVector(type: ColumnType, value: unknown, length: number): Vector {
  if (value === null || value === undefined) return nullVector(type, length);
  return {
    layout: "dictionary",
    type,
    length,
    nullCount: 0,
    validity: undefined,
    codes: zeros(length),
    dictionary: vectorOf(type, [value]),
  };
}

/** Codes of the first value of a dictionary; all vectors share them. */
let sharedZeros = new Int32Array(0);

function zeros(length: number): Int32Array {
  if (sharedZeros.length < length) sharedZeros = new Int32Array(Math.max(length, 1 << 15));
  return sharedZeros.subarray(0, length);
}
