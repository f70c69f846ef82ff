import type { Checkpoint } from "./checkpoint.ts";
import type { ContractOption } from "./contract.ts";
import type { QuarantineLimits } from "./quarantine-limits.ts";
import type { DerivedPartition } from "./partition.ts";
import type { InferenceOptions } from "./inference-option.ts";
import type { NestingMode } from "./nesting-option.ts";
import type { ChecksOption } from "./quality/check.ts";
import type { ColumnHint } from "./schema/hints.ts";
import type { Json } from "./state/json.ts";
import type { Ability, Naming } from "./stream.ts";
import type { InputOf, OutputOf, RowSchema } from "./typed.ts";

/** Values that have an order, and so can be followed by a cursor. */
export type Ordered = Date | number | bigint | string;

/** The columns of a row. */
export type ColumnOf<Row> = keyof Row & string;

/** The columns of a row that a cursor can follow: dates, numbers, bigints and text, nulls aside. */
export type CursorColumnOf<Row> = {
  [Column in keyof Row]-?: [NonNullable<Row[Column]>] extends [never]
    ? never
    : NonNullable<Row[Column]> extends Ordered
      ? Column
      : never;
}[keyof Row] &
  string;

/** A time span: the sum of its parts. */
export interface Duration {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly milliseconds?: number;
}

/**
 * How far behind the greatest value a read stays, for sources where rows with smaller values can still appear: a time span for dates and
 * timestamps, a distance in the column's own unit for numbers.
 */
export type Lag<Value = Ordered> = Value extends number
  ? number
  : Value extends bigint
    ? bigint | number
    : Duration;

/** How a cursor column is followed. */
export interface CursorOptions<Row, Column extends ColumnOf<Row>> {
  /** Name of the column. */
  readonly column: Column;
  /** The first run takes rows from this value on. @default all rows */
  readonly initial?: NonNullable<Row[Column]>;
  /** An append takes rows only below the greatest value less this; a merge reads again from the cursor less this. @default none */
  readonly lag?: Lag<NonNullable<Row[Column]>>;
  /**
   * Values never step back (`ALV_CURSOR_ORDER` if they do), so that each batch is a point to resume from. @default no order: only
   * {@link checkpoint} and the end are
   */
  readonly order?: "ascending";
  /** Rows without a value: load them (an append each of them once), leave them out, or stop. @default "error" */
  readonly nulls?: "include" | "exclude" | "error";
}

/** Conditions on columns, all of which hold: a value (equal), several (any of them), or bounds. */
export type WhereOption<Row> = {
  readonly [Column in ColumnOf<Row>]?:
    | NonNullable<Row[Column]>
    | readonly NonNullable<Row[Column]>[]
    | Bounds<NonNullable<Row[Column]>>;
};

/** A range of values. */
export interface Bounds<Value = unknown> {
  readonly "<"?: Value;
  readonly "<="?: Value;
  readonly ">"?: Value;
  readonly ">="?: Value;
}

/**
 * What happens to the rows at the destination.
 *
 * - `"append"`: they are added. `{ append: { replaceWhere } }`: and a backfill (`run({ since, until })`) puts its rows in place of those that
 *   the conditions hold for.
 * - `"replace"`, `{ replace: "all" }`: they take the place of all rows; `{ replace: { where } }`: of those that the conditions hold for.
 *   A replace by nothing is `ALV_EMPTY_REPLACE` unless `allowEmpty` is set. A row that the conditions do not hold for is `ALV_ROW_INVALID`.
 * - `"merge"`: rows with a known key take the place of theirs, others are added (`{ merge: "upsert" }`). Further strategies: `insertOnly`
 *   leaves known keys alone, `deleteInsert` deletes all rows of the keys and merge keys seen, `scd2` keeps the history of each key
 *   (`MergeStrategy` says exactly what each does).
 */
export type DispositionOption<Row = object> =
  | "append"
  | "replace"
  | "merge"
  | { readonly append: { readonly replaceWhere: WhereOption<Row> } }
  | {
      readonly replace: "all" | { readonly where: WhereOption<Row> };
      /** Whether no rows at all may take the place of some. @default false */
      readonly allowEmpty?: boolean;
    }
  | ({ readonly merge: "insertOnly" } & Not<keyof MergeOrder | "mergeKey" | keyof HistoryOptions>)
  | ({ readonly merge: "upsert" } & MergeOrder<Row> & Not<"mergeKey" | keyof HistoryOptions>)
  | ({
      readonly merge: "deleteInsert";
      /** Stored rows with the same values here as any row of the load go. Need not be unique. @default the primary key */
      readonly mergeKey?: ColumnOf<Row> | readonly ColumnOf<Row>[];
    } & MergeOrder<Row> &
      Not<keyof HistoryOptions>)
  | ({ readonly merge: "scd2" } & MergeOrder<Row> & HistoryOptions<Row> & Not<"mergeKey">);

/** Options that a disposition does not have: an inferred type is not checked for more than it needs. */
type Not<Option extends string> = { readonly [Name in Option]?: never };

/** Which of several rows of a key wins, and which ones delete. */
export interface MergeOrder<Row = object> {
  /**
   * Of several rows of a key the one with the greatest value here wins, stored rows included (`deleteInsert`: of those in the load).
   * @default the last one read
   */
  readonly orderBy?: ColumnOf<Row>;
  /** A true value in this column deletes the key. @default none */
  readonly deleteFlag?: ColumnOf<Row>;
}

/** How `scd2` keeps the history of a key. Column names are taken as they are. */
export interface HistoryOptions<Row = object> {
  /** Timestamp from which a version holds. @default "_alv_valid_from" */
  readonly validFrom?: string;
  /** Timestamp until which it held; null while it is active. @default "_alv_valid_to" */
  readonly validTo?: string;
  /** Whether it is the active version. @default "_alv_active" */
  readonly active?: string;
  /** When new versions begin: at the time in a column of the row, or at a time of your choice. @default when the load is committed */
  readonly boundary?: ColumnOf<Row> | Date;
  /**
   * Whether keys that a read did not bring are ended. Only for a resource that reads everything each time (no `cursor`).
   * @default false
   */
  readonly retireAbsent?: boolean;
}

/** What a disposition asks of a destination. */
export type AbilityOfDisposition<Option> = Option extends "append" | "replace"
  ? Option
  : Option extends "merge"
    ? "upsert"
    : Option extends { readonly merge: infer Strategy extends Ability }
      ? Strategy
      : Option extends { readonly replace: unknown }
        ? "replace"
        : Option extends { readonly append: unknown }
          ? "append"
          : never;

/** A disposition that needs a key by which rows are found. */
type Keyed<Option> = Option extends "merge" | { readonly merge: unknown } ? true : never;

/** The primary key: demanded by a merge, optional otherwise. */
export type KeyOption<Row, Option, Key extends ColumnOf<Row> = ColumnOf<Row>> = [Keyed<Option>] extends [
  never,
]
  ? { readonly primaryKey?: Key | readonly Key[] }
  : { readonly primaryKey: Key | readonly Key[] };

/** Whether rows may leave columns out: only where they are merged with the row that is there. */
export type PartialOption<Option, Partially extends boolean = boolean> = Option extends
  | "merge"
  | { readonly merge: "upsert" | "scd2" }
  ? {
      /**
       * A property that a row lacks, or that is `undefined`, leaves the column as it is in the row that is there; in a new row it is null. `null` is a
       * value. Rows are checked by the schema as it is given, so let it allow what they leave out (zod: `.partial()`, without defaults,
       * which would be values). A column with `nullable: false` must be in each row. `filter`, `map` and `flatMap` need whole rows
       * and are refused. @default false: what is absent is null
       */
      readonly partial?: Partially;
    }
  : { readonly partial?: false };

/** The rows of a resource: if they may leave columns out, all of them but those of the key are optional. */
export type RowsRead<Row extends object, Key, Partially extends boolean> = [Partially] extends [true]
  ? PartialRow<Row, Key>
  : Row;

type PartialRow<Row, Key> = Flat<Pick<Row, Key & keyof Row> & Partial<Omit<Row, Key & keyof Row>>>;

type Flat<Row> = { [Column in keyof Row]: Row[Column] };

/** Values of these kinds are one value, whatever they are made of. */
type Atom = string | number | bigint | boolean | symbol | Date | Uint8Array | ((...args: never[]) => unknown);

/** Where lists, maps and objects stand in a row: names joined by dots; the elements of a list go by the list's own path. */
export type NestedPath<Row, Level extends readonly unknown[] = []> = {
  [Column in keyof Row & string]-?: PathsOf<Row[Column], Column, Level>;
}[keyof Row & string];

type PathsOf<Value, Path extends string, Level extends readonly unknown[]> = unknown extends Value
  ? Path | `${Path}.${string}`
  : [NonNullable<Value>] extends [Atom]
    ? never
    : Path | PathsInside<ElementOf<Exclude<NonNullable<Value>, Atom>>, Path, Level>;

/** Types may hold themselves, so from the sixth level on any path is taken. */
type PathsInside<Value, Path extends string, Level extends readonly unknown[]> = Level["length"] extends 5
  ? `${Path}.${string}`
  : Value extends Atom
    ? never
    : `${Path}.${NestedPath<Value, [...Level, 0]>}`;

type ElementOf<Value> = Value extends readonly (infer Element)[]
  ? ElementOf<NonNullable<Element>>
  : Value extends ReadonlyMap<unknown, infer Element>
    ? ElementOf<NonNullable<Element>>
    : Value;

/**
 * What becomes of lists, maps and objects in rows.
 *
 * - `"native"`: columns of such types, where the destination has them.
 * - `"tables"`: lists and maps become child tables (`orders__items`, `orders__items__tags`), the members of objects columns (`customer__name`).
 * - `"json"`: JSON text.
 *
 * Or a choice for single paths, and a limit in depth: `{ default: "tables", depth: 3, paths: { "items.tags": "json" } }`. The longest path that
 * names a value, or what it stands in, decides; the elements of a list go by the list's own path.
 */
export type NestingOption<Row = Record<string, unknown>> =
  | NestingMode
  | {
      /** For what `paths` does not name. @default "native" */
      readonly default?: NestingMode;
      /** Levels of lists, maps and objects that are taken apart or kept; what stands deeper is JSON. 0: everything is JSON. @default no limit */
      readonly depth?: number;
      readonly paths?: { readonly [Path in NestedPath<Row>]?: NestingMode };
    };

/** Options of how the table is laid out. */
export interface TableOptions<Row> {
  /** Types of single columns, where values do not say enough: `{ total: { type: "decimal", precision: 18, scale: 2 } }`. @default from schema and values */
  readonly columns?: { readonly [Column in ColumnOf<Row>]?: ColumnHint };
  /** How columns are spelled at the destination. @default "snake" */
  readonly naming?: Naming;
  /** What becomes of lists, maps and objects. It cannot change for a table that has rows (`ALV_STATE_MISMATCH`). @default "native" */
  readonly nesting?: NestingOption<Row>;
  /**
   * What happens where rows bring what the table does not have: one policy, or one each for `tables`, `columns` and `types` ({@link ContractPolicy}).
   * What a schema or a connector declares is the contract of a new table; without one the first load defines it. The contract of a run comes
   * before it, that of its source after it, each for what it names. @default "evolve"
   */
  readonly contract?: ContractOption;
  /**
   * How much of the table may be refused into its quarantine before the run is stopped (`ALV_QUARANTINE_LIMIT`). The limits of a run come before
   * it, those of its pipeline after it, each for what it names. @default no limit
   */
  readonly quarantine?: QuarantineLimits;
  /**
   * What must hold for rows and table: `[notNull("email"), range("total", { min: 0 })]`. Checks of rows follow their columns through select, rename,
   * cast, mask and filter; a resource derived by map or flatMap names its own with `as()`. @default nothing
   */
  readonly checks?: ChecksOption<Row>;
  /** Columns, or parts of dates (`day("createdAt")`), by which files are partitioned. @default none */
  readonly partitionBy?: readonly (ColumnOf<Row> | DerivedPartition<ColumnOf<Row>>)[];
}

/** What `read` is given. */
export interface ReadContext {
  /** Aborted when the run stops. Pass it on to `fetch` and the like. */
  readonly signal: AbortSignal;
  /** Where an earlier read was cut: what its last {@link checkpoint} held. Go on from there. `undefined`: from the start. */
  readonly position: Json | undefined;
  /** Number of this attempt, from 1: a read that failed is tried again. */
  readonly attempt: number;
}

/** What `read` of a resource with a cursor is given. */
export interface CursorReadContext<Since> extends ReadContext {
  /**
   * The cursor column's greatest value that is loaded; yield rows from it on, inclusive (rows that are known are left out). A `Date` is rounded
   * down to milliseconds. `undefined`: the first run.
   */
  readonly since: Since | undefined;
  /** Backfills only: yield rows below this value. */
  readonly until: Since | undefined;
}

type Emits<Item> = AsyncIterable<Item> | Iterable<Item>;

/** Options of a resource with a schema. */
export interface SchemaResourceOptions<
  Name extends string,
  Schema extends RowSchema<unknown, unknown>,
  Column extends string,
  Option,
>
  extends TableOptions<OutputOf<Schema>>, InferenceOptions {
  /** Names the resource, its state, and, unless {@link Naming} changes it, its table. */
  readonly name: Name;
  /** What rows are: any Standard Schema (zod, valibot, arktype …), or `typed<Row>()`. */
  readonly schema: Schema;
  /** Whether rows are checked by the schema. `false` only where it changes nothing (its input and output types agree). @default true */
  readonly validate?: Agrees<InputOf<Schema>, OutputOf<Schema>> extends true ? boolean : true;
  /** The column that is followed from run to run. @default none: every run reads all */
  readonly cursor?: CursorSpelling<OutputOf<Schema>, Column>;
  /** What happens to the rows at the destination. @default "append" */
  readonly disposition?: Option;
  /** Yields rows, or arrays of rows, in the schema's input form; {@link checkpoint}s in between where reading can resume. */
  readonly read: (context: ContextOf<OutputOf<Schema>, Column>) => Emits<unknown>;
}

/** A cursor by its column alone, or with options. */
export type CursorSpelling<Row, Column extends string> =
  | Column
  | (Column extends ColumnOf<Row> ? CursorOptions<Row, Column> : never);

type Agrees<Input, Output> = [Input] extends [Output] ? ([Output] extends [Input] ? true : false) : false;

type ContextOf<Row, Column extends string> = [Column] extends [never]
  ? ReadContext
  : CursorReadContext<Column extends keyof Row ? NonNullable<Row[Column]> : never>;

/** Options of a resource whose rows are what `read` yields. */
export interface PlainResourceOptions<Name extends string, Row extends object, Option>
  extends TableOptions<Row>, InferenceOptions {
  /** Names the resource, its state, and, unless {@link Naming} changes it, its table. */
  readonly name: Name;
  readonly schema?: undefined;
  /** What happens to the rows at the destination. @default "append" */
  readonly disposition?: Option;
  /** Yields rows, or arrays of rows; {@link checkpoint}s in between where reading can resume. */
  readonly read: (context: ReadContext) => Emits<Row | readonly Row[] | Checkpoint>;
}
