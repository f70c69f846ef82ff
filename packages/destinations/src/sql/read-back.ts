import type { Pipeline, SnakeCase, SourceTables } from "@alluvium/core";

/** What a database gives for the values of rows, where it is something else. */
export interface DriverValues {
  /** For a `number`: integers without a hint are stored with 64 bits. */
  readonly number: unknown;
  readonly bigint: unknown;
  readonly date: unknown;
  /** Whether structs, maps, and lists of anything but scalars are columns of such types, or JSON. */
  readonly nested: "columns" | "json";
}

/**
 * The tables of a pipeline as Kysely takes them: what is optional or undefined in a row is null, names are those that the destination gives by
 * default (`snake`), values those of the driver.
 */
export type ReadBack<Load, Values extends DriverValues> =
  Load extends Pipeline<infer Tables>
    ? {
        readonly [Name in keyof Tables & string as SnakeCase<Name>]: TableOf<Tables[Name], Values>;
      } & { readonly _alv_loads: LoadsTable<Values> }
    : never;

type TableOf<Table extends SourceTables[string], Values extends DriverValues> = {
  readonly [Column in keyof Table["row"] & string as SnakeCase<Column>]-?: Value<
    Absent<Table["row"][Column]>,
    Values
  >;
} & { readonly _alv_load_id: string } & (Table["ability"] extends "scd2" ? Versions<Values> : unknown);

/** The columns of a history, by the names that they have unless a resource says otherwise. */
interface Versions<Values extends DriverValues> {
  readonly _alv_valid_from: Values["date"];
  readonly _alv_valid_to: Values["date"] | null;
  readonly _alv_active: boolean;
}

/** A row of `_alv_loads`. */
export interface LoadsTable<Values extends DriverValues> {
  readonly load_id: string;
  readonly pipeline: string;
  readonly lane: string;
  readonly sequence: Values["bigint"];
  readonly run_id: string;
  readonly started_at: Values["date"];
  readonly committed_at: Values["date"];
  readonly tables: unknown;
}

/** What may be absent may be null. */
type Absent<In> = undefined extends In ? Exclude<In, undefined> | null : In;

/** One member of a union after another; `undefined` becomes null. */
type Value<In, Values extends DriverValues> = unknown extends In
  ? unknown
  : In extends undefined | null
    ? null
    : In extends boolean
      ? boolean
      : In extends string
        ? In
        : In extends number
          ? Values["number"]
          : In extends bigint
            ? Values["bigint"]
            : In extends Date
              ? Values["date"]
              : In extends Uint8Array
                ? Uint8Array
                : Nested<In, Values>;

type Nested<In, Values extends DriverValues> = Values["nested"] extends "json"
  ? In extends readonly (infer Element)[]
    ? // One way or the other for all members of a union.
      [NonNullable<Element>] extends [Scalar]
      ? readonly Value<Element, Values>[]
      : readonly JsonValue<Element, Values>[]
    : JsonValue<In, Values>
  : In extends ReadonlyMap<infer Key, infer Entry>
    ? ReadonlyMap<Value<Key, Values>, Value<Entry, Values>>
    : In extends readonly (infer Element)[]
      ? readonly Value<Element, Values>[]
      : In extends object
        ? { readonly [Member in keyof In]-?: Value<Absent<In[Member]>, Values> }
        : In;

type Scalar = boolean | string | number | bigint | Date | Uint8Array;

/** What is left of a value in JSON: numbers, and texts of what JSON lacks. */
type JsonValue<In, Values extends DriverValues> = unknown extends In
  ? unknown
  : In extends undefined | null
    ? null
    : In extends boolean | string
      ? In
      : In extends number | bigint
        ? Values["number"]
        : In extends Date | Uint8Array
          ? string
          : In extends ReadonlyMap<unknown, infer Entry>
            ? { readonly [Key in string]: JsonValue<Entry, Values> }
            : In extends readonly (infer Element)[]
              ? readonly JsonValue<Element, Values>[]
              : In extends object
                ? { readonly [Member in keyof In]-?: JsonValue<Absent<In[Member]>, Values> }
                : In;
