import type { Disposition, MergeOptions } from "./disposition.ts";
import type { Ordered, Duration } from "./resource-options.ts";
import type { ColumnHints } from "./schema/hints.ts";
import type { Json } from "./state/json.ts";
import type { Naming, Partition, Source } from "./stream.ts";
import type { RowSchema } from "./typed.ts";

/** What a resource is: where its rows come from, what is done to them, and the table that they become. */
export interface ResourceDefinition {
  readonly name: string;
  readonly root: Root;
  readonly steps: readonly Step[];
  readonly table: TableDefinition;
}

/** Where rows come from. Resources derived from one another share theirs, and with it the read. */
type Root = ReadRoot | OriginRoot;

/** Rows that a user's function yields. */
export interface ReadRoot {
  readonly kind: "read";
  readonly name: string;
  readonly schema: RowSchema<unknown, unknown> | undefined;
  readonly validate: boolean;
  readonly cursor: CursorDefinition | undefined;
  readonly columns: ColumnHints;
  readonly read: (context: AnyReadContext) => AsyncIterable<unknown> | Iterable<unknown>;
}

/** What `read` is given, whatever the resource. */
export interface AnyReadContext {
  readonly signal: AbortSignal;
  readonly position: Json | undefined;
  readonly attempt: number;
  readonly since: never;
  readonly until: never;
}

/** A table of a connector's source. */
export interface OriginRoot {
  readonly kind: "origin";
  readonly source: () => Source;
  /** Name of the table's resource within that source. */
  readonly table: string;
}

/** A cursor column and how it is followed. */
export interface CursorDefinition {
  readonly column: string;
  readonly initial: Ordered | undefined;
  readonly lag: Duration | number | bigint | undefined;
  readonly order: "ascending" | undefined;
  readonly nulls: "include" | "exclude" | "error";
}

/** The table that a resource becomes; what is `undefined` is left to the connector. */
export interface TableDefinition {
  readonly primaryKey: readonly string[] | undefined;
  readonly disposition: Disposition | undefined;
  readonly merge: MergeOptions | undefined;
  readonly partitionBy: readonly Partition[] | undefined;
  readonly naming: Naming | undefined;
  readonly contract: "evolve" | "freeze" | undefined;
}

/** One transform. `select` and `rename` stay in columns, the others go by rows. */
export type Step =
  | {
      readonly kind: "filter";
      readonly keep: (row: object) => boolean | Promise<boolean>;
      readonly concurrency: number;
    }
  | {
      readonly kind: "map";
      readonly map: (row: object) => object | Promise<object>;
      readonly concurrency: number;
      readonly columns: ColumnHints;
    }
  | {
      readonly kind: "flatMap";
      readonly map: (row: object) => Iterable<object> | AsyncIterable<object> | Promise<Iterable<object>>;
      readonly concurrency: number;
      readonly columns: ColumnHints;
    }
  | { readonly kind: "select"; readonly columns: readonly string[] }
  | { readonly kind: "rename"; readonly names: { readonly [from: string]: string } };
