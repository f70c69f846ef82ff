import type { PipelineState, TableReceipt } from "@alluvium/core";
import type { TableChange } from "./apply/change.ts";
import { defineTable } from "./apply/define.ts";
import { followRoots } from "./apply/follow.ts";
import { applyRows, operationOf } from "./apply/rows.ts";
import type { SqlContext } from "./context.ts";
import type { SqlTable } from "./engine.ts";
import { rowsOf } from "./plan-changes.ts";
import { putEntry } from "./registry.ts";
import { idOf } from "./state-row.ts";

/** Why a table cannot take a load any more; `undefined`: it can. */
export function obstacle({ plan, target }: TableChange, found: SqlTable | undefined): string | undefined {
  if (target.create)
    return found === undefined
      ? undefined
      : `table ${plan.table} was made by somebody else since this load began`;
  if (found === undefined) return `table ${plan.table} was dropped since this load began`;
  if (target.identify ? found.id !== undefined : found.id !== target.tableId)
    return `table ${plan.table} was dropped and made again by somebody else since this load began`;
  return undefined;
}

/** Carries out a table's part of a load, in its transaction. */
export async function applyChange(
  context: SqlContext,
  change: TableChange,
  found: SqlTable | undefined,
  load: { readonly state: PipelineState; readonly now: bigint },
): Promise<TableReceipt> {
  const { plan, target, staged } = change;
  await defineTable(context, change, found);
  const put = await applyRows(context, change, load.now);
  const gone = await followRoots(context, plan);
  const changed = put && { ...put, deleted: put.deleted + gone };
  const [pipeline, lane] = idOf(context);
  await putEntry(context, {
    table: plan.table,
    pipeline,
    lane,
    tableId: target.tableId,
    stream: plan.stream,
    incarnation: load.state.incarnation,
    sequence: load.state.sequence,
    resync: false,
  });
  return {
    table: plan.table,
    rows: rowsOf(staged),
    bytes: staged.reduce((sum, { segment }) => sum + segment.bytes, 0),
    files: 0,
    operation: operationOf(plan),
    ...(change.schemaChanges.length === 0 ? {} : { schemaChanges: change.schemaChanges }),
    ...(changed === undefined ? {} : { changed }),
  };
}
