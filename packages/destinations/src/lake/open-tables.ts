import { AlluviumError, type TablePlan } from "@alluvium/core";
import type { LakeContext } from "./context.ts";
import type { LakeTable } from "./contract.ts";
import { partitionName } from "./files/partition.ts";
import { checkFree } from "./journal.ts";
import { LOADS_TABLE } from "./loads-table.ts";
import { targetOf, type Target } from "./ownership.ts";
import { STATE_FOLDER, tableDirectory } from "./paths.ts";
import { PendingTable } from "./pending-table.ts";
import { plannedSchema } from "./planned-schema.ts";
import { loadNewestSchema } from "./schemas.ts";
import { refuseParked, type SessionState } from "./session-state.ts";

/** Writers share the session's budget; more than this many are rarely at work at once. */
const WRITERS = 8;

/** Opens tables for the loads of a session, or takes the new plans of those that are open. */
export async function openTables(session: SessionState, plans: readonly TablePlan[]): Promise<void> {
  const names = new Set([...session.tables.keys(), ...plans.map(({ table }) => table)]);
  const directories = new Map([...session.tables.keys()].map((name) => [folded(session, name), name]));
  const budget = Math.floor(session.context.budget / Math.min(WRITERS, Math.max(1, names.size)));
  for (const table of plans) {
    refuseParked(session, table.stream);
    const open = session.tables.get(table.table);
    if (open !== undefined) {
      open.plan = table;
      continue;
    }
    const key = folded(session, table.table);
    const other = directories.get(key);
    if (other !== undefined)
      throw new AlluviumError(
        "ALV_NAME_COLLISION",
        `tables ${other} and ${table.table} get the same directory ${key}: rename one with \`as\``,
        { resource: table.table },
      );
    directories.set(key, table.table);
    session.tables.set(table.table, await openTable(session, table, budget));
  }
}

async function openTable(session: SessionState, plan: TablePlan, budget: number): Promise<PendingTable> {
  const { context, newest } = session;
  if ([STATE_FOLDER, LOADS_TABLE].includes(tableDirectory(plan.table).toLowerCase()))
    throw new AlluviumError(
      "ALV_NAME_COLLISION",
      `the table name ${plan.table} is kept for Alluvium's own use: rename it with \`as\``,
      { resource: plan.table },
    );
  context.format.check?.(plan.table, plannedSchema(plan, plan.schema), plan.partitionBy);
  const found = await inspect(context, plan.table);
  let target: Target;
  try {
    target = targetOf(context, plan, found, newest);
  } catch (error) {
    // A table that is ahead of the state as we read it may be so because another run went on since.
    if (AlluviumError.is(error) && error.code === "ALV_STATE_LOST") await checkFree(context, newest);
    throw error;
  }
  if (!target.create) refusePartitions(plan, found!);
  const known = newest?.known[plan.table];
  const committed = target.create
    ? undefined
    : known !== undefined && known.id === target.tableId
      ? await loadNewestSchema(context, newest!, known.schema)
      : found!.schema;
  return new PendingTable(context, { plan, target, committed, budget });
}

/** Before anything is committed: a table cannot change how it is partitioned. */
function refusePartitions({ table, partitionBy }: TablePlan, found: LakeTable): void {
  const [ours, theirs] = [partitionBy, found.partitionBy].map((list) => list.map(partitionName).join(", "));
  if (ours === theirs) return;
  throw new AlluviumError(
    "ALV_SCHEMA_CONFLICT",
    `table ${table} is partitioned by ${theirs || "nothing"}, this load by ${ours || "nothing"}: partitioning is fixed when a table is created, so keep it, or load into another table with \`as\``,
    { resource: table },
  );
}

function folded(session: SessionState, table: string): string {
  const directory = tableDirectory(table);
  // Many file systems fold case too, whatever the format does.
  return session.context.format.capabilities.foldsCase ? directory.toLowerCase() : directory;
}

/** A table as its format finds it. */
export function inspect(context: LakeContext, table: string): Promise<LakeTable | undefined> {
  const { store, signal, format } = context;
  return format.inspect(tableDirectory(table), { store, signal });
}
