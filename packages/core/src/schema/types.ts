/**
 * The column types that move through a load. A destination may hold fewer: its `capabilities.storedType`
 * says what becomes of each (what it cannot hold exactly becomes text).
 *
 * | kind | meaning | value in user code |
 * | --- | --- | --- |
 * | `null` | not yet known: only nulls were seen (bound late, never written) | `null` |
 * | `boolean` | | boolean |
 * | `int8` `int16` `int32` | signed integers | number |
 * | `int64` | signed 64-bit integer | bigint |
 * | `float32` `float64` | IEEE 754 | number |
 * | `decimal` | `precision` 1–38 digits, `scale` 0–`precision` of them after the point | string |
 * | `string` | UTF-8 text | string |
 * | `binary` | bytes | Uint8Array |
 * | `date` | proleptic Gregorian day, without zone | ISO string |
 * | `time` | µs since midnight, 0 … 86 400 000 000 (24:00 included), without zone | ISO string |
 * | `timestamp` | µs since 1970-01-01; `utc` is an instant, `local` a wall clock reading | Date or bigint |
 * | `uuid` | 128 bits | string |
 * | `json` | JSON text, kept to the letter | parsed value |
 * | `list` | ordered elements | array |
 * | `struct` | named members | object |
 * | `map` | keys (never null) to values | Map |
 */
export type ColumnType =
  | { readonly kind: "null" }
  | { readonly kind: "boolean" }
  | { readonly kind: "int8" }
  | { readonly kind: "int16" }
  | { readonly kind: "int32" }
  | { readonly kind: "int64" }
  | { readonly kind: "float32" }
  | { readonly kind: "float64" }
  | DecimalType
  | { readonly kind: "string" }
  | { readonly kind: "binary" }
  | { readonly kind: "date" }
  | { readonly kind: "time" }
  | TimestampType
  | { readonly kind: "uuid" }
  | JsonType
  | ListType
  | StructType
  | MapType;

/** JSON text. */
export interface JsonType {
  readonly kind: "json";
  /**
   * Of an inferred column whose values turned out to be of several kinds: the type that it had before. Such a column is taken apart before it is
   * stored. Says nothing of which values the type holds, so types that differ in it alone are the same.
   */
  readonly mixed?: ColumnType;
}

/** An exact number of `precision` decimal digits, `scale` of them after the point. */
export interface DecimalType {
  readonly kind: "decimal";
  /** Digits in all, 1 to 38. Up to 18 they are stored in 64 bits, above in 128. */
  readonly precision: number;
  /** Digits after the point, 0 to `precision`. */
  readonly scale: number;
}

/** A point in time in microseconds. */
export interface TimestampType {
  readonly kind: "timestamp";
  /** `utc`: an instant (Postgres `timestamptz`). `local`: what a clock on a wall shows (`timestamp`). */
  readonly zone: "utc" | "local";
}

/** An ordered list of elements of one type. */
export interface ListType {
  readonly kind: "list";
  /** The element; its name is `element` unless a format says otherwise. */
  readonly element: Field;
}

/** Named members, each with its own type. */
export interface StructType {
  readonly kind: "struct";
  readonly fields: readonly Field[];
}

/** Keys to values. Keys are never null; their order is kept. */
export interface MapType {
  readonly kind: "map";
  readonly key: Field;
  readonly value: Field;
}

/** The discriminant of {@link ColumnType}. */
export type ColumnKind = ColumnType["kind"];

/** A named column, struct member, list element, or map key or value. */
export interface Field {
  readonly name: string;
  readonly type: ColumnType;
  /** Whether nulls may occur. */
  readonly nullable: boolean;
  /** Parquet / Iceberg field id, where a format numbers its fields. */
  readonly id?: number;
}

/** The columns of a table or batch, in order. Names are unique. */
export interface Schema {
  readonly fields: readonly Field[];
}
