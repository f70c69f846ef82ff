import type { Schema, SchemaChange, TablePlan } from "@alluvium/core";
import type { Target } from "../ownership.ts";
import type { StagedRows } from "../pending-table.ts";

/** A table's part of a load about to be committed. */
export interface TableChange {
  readonly plan: TablePlan;
  readonly target: Target;
  /** Columns as they are committed; `undefined` where the table is created. */
  readonly before: Schema | undefined;
  /** Columns after the load. */
  readonly schema: Schema;
  readonly staged: readonly StagedRows[];
  /** Takes away what the table held first. */
  readonly restart: "data" | "tables" | undefined;
  /** How the table differs from the load before. */
  readonly schemaChanges: readonly SchemaChange[];
  /** Whether its stream has been read to its end. */
  readonly ended: boolean;
}
