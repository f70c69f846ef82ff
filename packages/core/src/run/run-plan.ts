import type { ContractPolicy } from "../contract.ts";
import type { Field } from "../schema/types.ts";
import type { Refresh } from "./definition.ts";
import type { SchemaChange } from "../schema/schema-change.ts";

/** What a run would do: the result of `run({ dryRun: true })`. */
export interface RunPlan {
  readonly tables: readonly PlannedTable[];
  /**
   * What is not as the tables have it: every change of every table, and what contracts would keep out. Empty where the run would only bring rows, so that a
   * build can fail on it.
   */
  readonly drift: readonly Drift[];
}

/** One thing that is not as a table has it. */
export interface Drift {
  /** Name at the destination. */
  readonly table: string;
  /** A change of the table, or what its contract would keep out of it. */
  readonly what: SchemaChange | PlannedRefusal;
  /** The same for people: `orders: + coupon string`. */
  readonly text: string;
}

/** Rows, or values of them, that a contract would keep out of a table. */
export interface PlannedRefusal {
  readonly kind: "refused";
  /** What they offend: `column`, `type`, `notNull`, `key`, `table` or `schema`. */
  readonly rule: string;
  /** The column, as the source names it; absent: the row as a whole. */
  readonly column: string | undefined;
  /** What would become of them. */
  readonly policy: ContractPolicy;
  /** How many of the rows that were looked at; 0: none was, but the source describes the column. */
  readonly rows: number;
  /** What is wrong with the first of them, for people. */
  readonly message: string;
}

/** What a run would do to one table. */
export interface PlannedTable {
  readonly resource: string;
  /** Name at the destination. */
  readonly table: string;
  readonly stream: string;
  /** `append`, `replace`, `upsert` … */
  readonly disposition: string;
  /** Columns that tell rows apart, as the table names them. */
  readonly primaryKey: readonly string[];
  /** What would be read: all rows, those from the stored cursor on, a backfill's window, or none because the table is set aside. */
  readonly reads: "everything" | "new" | "window" | "nothing";
  /** The stored cursor, as JSON; `undefined` where reading begins at the start. */
  readonly since: string | undefined;
  /** What would be forgotten. */
  readonly refresh: Refresh | undefined;
  /** What would change: the table created, columns added, bound, widened or missing, variants, another disposition. */
  readonly changes: readonly SchemaChange[];
  /** What the contract would keep out, of the rows that were looked at. */
  readonly refused: readonly PlannedRefusal[];
  /** The source's columns as the table would have them. */
  readonly columns: readonly Field[];
  /** Rows that were looked at to learn the columns; later ones may bring more. `undefined`: the source describes its columns. */
  readonly sampled: number | undefined;
  /** The statements that would define it, in order; `undefined` where the destination has none to show. */
  readonly statements: readonly string[] | undefined;
}
