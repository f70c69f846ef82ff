import { AlluviumError, takesEffect, type SchemaChange } from "@alluvium/core";
import { schemaHash } from "@alluvium/core/state";
import { applyContext } from "./apply-change.ts";
import { textConditions } from "./conditions.ts";
import type { DataFile, LoadIdentity, TableChange, TableOperation } from "./contract.ts";
import { mergeOperation } from "./merge-operation.ts";
import { wholeSet } from "./ownership.ts";
import type { FileSet, PendingTable } from "./pending-table.ts";
import { tablesOf, type SessionState } from "./session-state.ts";

/** A table's part of a load about to be committed. */
export interface PlannedChange {
  readonly table: PendingTable;
  readonly change: TableChange;
  /** The sealed files that it takes. */
  readonly sets: readonly FileSet[];
  /** Files that the format wrote for it (rows of straddling files that stay). */
  readonly extra: readonly DataFile[];
}

/**
 * What a load does to each table: all files that a mark sealed; of whole-set operations only those whose stream has ended, so that
 * they take effect once. Streams with a parked table have sealed nothing: their marks are refused.
 */
export async function planChanges(
  session: SessionState,
  load: LoadIdentity,
  schemaChanges: ReadonlyMap<string, readonly SchemaChange[]>,
): Promise<readonly PlannedChange[]> {
  const planned: PlannedChange[] = [];
  for (const [stream, progress] of session.streams) {
    for (const table of tablesOf(session, stream)) {
      const { disposition, merge } = table.plan;
      if (!progress.sealed || (takesEffect(disposition, merge) === "end" && !progress.ended)) continue;
      const isChanged = (schemaChanges.get(table.name) ?? []).length > 0 || follows(table, planned);
      const change = await planChange(session, table, load, isChanged);
      if (change !== undefined) planned.push(change);
    }
  }
  return planned;
}

/** Whether rows may have to go because those of the root do. Roots come before their child tables. */
function follows({ plan, target }: PendingTable, planned: readonly PlannedChange[]): boolean {
  const root = plan.follows?.table;
  return root !== undefined && !target.create && planned.some(({ table }) => table.name === root);
}

async function planChange(
  session: SessionState,
  table: PendingTable,
  load: LoadIdentity,
  isChanged: boolean,
): Promise<PlannedChange | undefined> {
  const { context } = session;
  await table.rewriteOld(context.signal);
  const sets = [...table.sealed];
  const files = sets.flatMap((set) => set.files);
  const { create, tableId, ownership } = table.target;
  const schema = table.next;
  const newColumns = !create && table.restart === "tables";
  const schemaChanged =
    newColumns || (table.committed !== undefined && schemaHash(table.committed) !== schemaHash(schema));
  const operation = await operationOf(session, table);
  // A table without columns cannot be created yet: its first rows will tell them.
  if (schema.fields.length === 0) return undefined;
  const isNothing = files.length === 0 && !create && !schemaChanged && !isChanged && ownership !== "adopt";
  if (!isWhole(operation) && isNothing) return undefined;
  const change: TableChange = {
    table: table.name,
    directory: table.directory,
    tableId,
    create,
    operation,
    schema,
    schemaChanged,
    ...(newColumns && { newColumns }),
    partitionBy: table.plan.partitionBy,
    files,
    obsolete: [],
    ownership,
  };
  if (context.format.prepare === undefined) return { table, change, sets, extra: [] };
  const prepared = await context.format.prepare(change, applyContext(context, load));
  return {
    table,
    change: { ...change, files: [...files, ...prepared.files], obsolete: prepared.obsolete },
    sets,
    extra: prepared.files,
  };
}

/** Whether an operation does something also without rows. */
function isWhole(operation: TableOperation): boolean {
  if (operation.kind !== "merge") return operation.kind !== "append";
  return operation.restart === true || operation.validity?.retireAbsent === true;
}

async function operationOf(
  { context, newest, boundaries }: SessionState,
  table: PendingTable,
): Promise<TableOperation> {
  const { disposition, partitionBy } = table.plan;
  const known = newest?.known[table.name];
  // Read again from its start, with all that it held thrown away: the first load puts its rows in place of those.
  const restart = !table.target.create && (known?.resync === true || table.restart !== undefined);
  if (disposition.kind === "merge") {
    const now = (await context.store.now()).getTime();
    return mergeOperation(table.plan, {
      now,
      lastBoundary: boundaries.get(table.name) ?? known?.boundary,
      restart,
    });
  }
  if (restart) return { kind: "replace" };
  const where = disposition.kind === "append" ? disposition.replaceWhere : disposition.where;
  if (where !== undefined)
    return { kind: "replaceWhere", where: textConditions(table.name, where, table.next, partitionBy) };
  return { kind: disposition.kind };
}

/** Refuses a replace that would empty a table which has rows, unless it was allowed. Throws `ALV_EMPTY_REPLACE`. */
export function refuseEmpty(session: SessionState, table: PendingTable): void {
  const { disposition } = table.plan;
  if (!wholeSet(table.plan) || table.target.create) return;
  if (disposition.kind === "replace" && disposition.allowEmpty) return;
  if (table.sealed.some(({ files }) => files.some(({ rows }) => rows > 0))) return;
  // What was empty may stay empty.
  if (session.newest?.tables[table.name]?.rows === 0) return;
  const what =
    disposition.kind === "replace" && disposition.where === undefined ? "table" : "window of table";
  throw new AlluviumError(
    "ALV_EMPTY_REPLACE",
    `the source gave no rows for ${table.name}: replacing would empty the ${what}. If that is meant, say { replace: …, allowEmpty: true }`,
    { resource: table.name },
  );
}
