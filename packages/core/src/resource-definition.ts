import type { InferenceOptions } from "./inference-option.ts";
import type { SpelledContract } from "./contract.ts";
import type { Mask } from "./mask.ts";
import type { Disposition, MergeOptions } from "./disposition.ts";
import type { NestingChoice } from "./nesting-option.ts";
import type { Ordered, Duration } from "./resource-options.ts";
import type { QuarantineLimits } from "./quarantine-limits.ts";
import type { ColumnHints } from "./schema/hints.ts";
import type { Json } from "./state/json.ts";
import type { Check } from "./quality/check.ts";
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
  readonly primaryKey: readonly string[];
  readonly columns: ColumnHints;
  readonly inference: InferenceOptions;
  /** Whether a property that a row lacks leaves the column as it is. */
  readonly partial: boolean;
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
  readonly nesting: NestingChoice | undefined;
  readonly contract: SpelledContract;
  readonly quarantine: QuarantineLimits | undefined;
  /** What must hold, by the names that columns have before the step of that number. */
  readonly checks?: { readonly list: readonly Check[]; readonly step: number } | undefined;
}

/** One transform. Those by row call a function of the user's, the others stay in columns. */
export type Step =
  | RowStep
  | { readonly kind: "cast"; readonly columns: ColumnHints }
  | { readonly kind: "mask"; readonly columns: { readonly [column: string]: Mask } }
  | { readonly kind: "select"; readonly columns: readonly string[] }
  | { readonly kind: "rename"; readonly names: { readonly [from: string]: string } };

/** A transform that calls a function of the user's for each row. */
export interface RowStep {
  readonly kind: "filter" | "map" | "flatMap";
  /** Gives whether the row is kept, a row, or rows; at once or later. */
  readonly call: (row: object) => unknown;
  readonly concurrency: number;
  /** Hints for the columns of what `call` makes. */
  readonly columns: ColumnHints;
  /** How the types of the others are found. */
  readonly inference: InferenceOptions;
}
