import type { ColumnType } from "../schema/types.ts";

/**
 * A value as statistics hold it, exact: boolean · number for integers up to 32 bits, dates (days) and floats · bigint for `int64`,
 * `time` and `timestamp` (µs) and `decimal` (unscaled) · bytes for `string`, `json`, `binary` and `uuid`.
 */
export type ParquetValue = boolean | number | bigint | Uint8Array;

/**
 * What is known of the values of one leaf, in a chunk or a whole file. Bounds are absent when there is no value or when a float
 * is NaN. Text and bytes are compared as unsigned bytes. A zero bound of a float is `-0` below and `+0` above, because the two
 * zeros are equal and either may stand in the data.
 */
export interface LeafStatistics {
  /** Null leaf values, those inside null or empty parents included. */
  readonly nulls: number;
  readonly min?: ParquetValue;
  readonly max?: ParquetValue;
  /** `min` is a lower bound that was cut, not a value of the column. */
  readonly minTruncated?: boolean;
  /** `max` is an upper bound that was cut and rounded up, not a value of the column. */
  readonly maxTruncated?: boolean;
  /** A float that is not a number was seen. */
  readonly sawNaN?: boolean;
}

/** Lowest and highest value with the flag for NaN. */
export interface Bounds {
  readonly min: ParquetValue;
  readonly max: ParquetValue;
}

/** The order of two values of a type: negative, zero, positive. */
export function compareValues(a: ParquetValue, b: ParquetValue): number {
  if (a instanceof Uint8Array) return compareBytes(a, b as Uint8Array);
  if (a === b) return Object.is(a, b) ? 0 : Object.is(a, -0) ? -1 : 1;
  return a < b ? -1 : 1;
}

/** The order of two byte strings, unsigned. For UTF-8 it is the order of code points. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

/** The bounds that hold for both. */
export function mergeBounds(a: Bounds | undefined, b: Bounds | undefined): Bounds | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    min: compareValues(b.min, a.min) < 0 ? b.min : a.min,
    max: compareValues(b.max, a.max) > 0 ? b.max : a.max,
  };
}

/** Whether bytes of this type are text, to be cut between code points. */
export function isText(type: ColumnType): boolean {
  return type.kind === "string" || type.kind === "json";
}
