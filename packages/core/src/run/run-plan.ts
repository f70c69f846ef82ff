import type { Field } from "../schema/types.ts";
import type { Refresh } from "./definition.ts";
import type { SchemaChange } from "../schema/schema-change.ts";

/** What a run would do: the result of `run({ dryRun: true })`. */
export interface RunPlan {
  readonly tables: readonly PlannedTable[];
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
  /** The source's columns as the table would have them. */
  readonly columns: readonly Field[];
  /** Rows that were looked at to learn the columns; later ones may bring more. `undefined`: the source describes its columns. */
  readonly sampled: number | undefined;
  /** The statements that would define it, in order; `undefined` where the destination has none to show. */
  readonly statements: readonly string[] | undefined;
}
