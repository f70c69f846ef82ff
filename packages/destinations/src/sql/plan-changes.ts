import { takesEffect, type Schema, type SchemaChange } from "@alluvium/core";
import { schemaHash } from "@alluvium/core/state";
import type { TableChange } from "./apply/change.ts";
import type { PendingTable, StagedRows } from "./pending-table.ts";
import { tablesOf, type SessionState } from "./session-state.ts";

/** A table's part of a load about to be committed. */
export interface PlannedChange {
  readonly table: PendingTable;
  readonly change: TableChange;
}

/**
 * What a load does to each table: all that a mark sealed; where all takes effect at once, only of streams that have ended. Streams with
 * a parked table have sealed nothing: their marks are refused.
 */
export async function planChanges(
  session: SessionState,
  schemaChanges: ReadonlyMap<string, readonly SchemaChange[]>,
): Promise<readonly PlannedChange[]> {
  const planned: PlannedChange[] = [];
  for (const [stream, progress] of session.streams) {
    for (const table of tablesOf(session, stream)) {
      const whole = takesEffect(table.plan.disposition, table.plan.merge) === "end";
      if (!progress.sealed || (whole && !progress.ended)) continue;
      await table.restage();
      const change: TableChange = {
        plan: table.plan,
        target: table.target,
        before: table.committed,
        schema: table.next,
        staged: [...table.sealed],
        restart: table.target.create ? undefined : table.restart,
        schemaChanges: schemaChanges.get(table.name) ?? [],
        ended: progress.ended,
      };
      if (isNeeded(change, whole) || follows(change, planned)) planned.push({ table, change });
    }
  }
  return planned;
}

/** Whether rows may have to go because those of the root do. Roots come before their child tables. */
function follows({ plan, target }: TableChange, planned: readonly PlannedChange[]): boolean {
  const root = plan.follows?.table;
  return root !== undefined && !target.create && planned.some(({ table }) => table.name === root);
}

/** Whether there is anything to do. A table without columns cannot be created yet: its first rows will tell them. */
function isNeeded(change: TableChange, whole: boolean): boolean {
  const { target, before, schema, staged, restart, schemaChanges } = change;
  if (schema.fields.length === 0) return false;
  if (whole || target.create || target.identify || target.entry === undefined || restart !== undefined)
    return true;
  if (schemaChanges.length > 0) return true;
  return rowsOf(staged) > 0 || before === undefined || !isSame(before, schema);
}

/** Rows that were staged. */
export function rowsOf(staged: readonly StagedRows[]): number {
  return staged.reduce((sum, { rows }) => sum + rows, 0);
}

function isSame(before: Schema, after: Schema): boolean {
  return schemaHash(before) === schemaHash(after);
}
