import { AlluviumError, takesEffect, type PipelineState, type TablePlan } from "@alluvium/core";
import { names, type SqlContext } from "./context.ts";
import type { SqlTable } from "./engine.ts";
import { systemTables } from "./names.ts";
import type { TableEntry } from "./registry.ts";

/** What a load may do to a table. */
export interface Target {
  readonly tableId: string;
  readonly create: boolean;
  /** Whether a name has to be given to a table that has none of ours. */
  readonly identify: boolean;
  readonly entry: TableEntry | undefined;
}

/** What is known of a table when a load begins. */
export interface Knowledge {
  readonly found: SqlTable | undefined;
  readonly entries: readonly TableEntry[];
  readonly state: PipelineState | undefined;
}

/**
 * Decides whether this pipeline may write a table as it stands. Throws `ALV_STATE_LOST` when the table knows more of the pipeline than
 * its state does, `ALV_TABLE_REPLACED`, `ALV_TABLE_NOT_FOUND`, `ALV_TABLE_FOREIGN`.
 */
export function targetOf(context: SqlContext, plan: TablePlan, knowledge: Knowledge): Target {
  const { table } = plan;
  const { found, entries, state } = knowledge;
  const entry = entries.find((other) => isOurs(context, other));
  if (found === undefined) return missingTarget(plan, entry, state);
  const adopted = names(context.open.adopt, table);
  if (entry !== undefined && state === undefined && !adopted && found.id === entry.tableId)
    throw stateLost(context, `table ${table} was written by this pipeline, but there is no state of it`);
  if (entry !== undefined && (state !== undefined || adopted))
    return found.id === entry.tableId
      ? ownTarget(context, plan, entry, state, adopted)
      : replacedTarget(context, plan, found, entry);
  return unknownTarget(context, plan, found, entries);
}

/** Refuses to take away rows of other pipelines. Throws `ALV_TABLE_FOREIGN`. */
export function refuseShared(context: SqlContext, plan: TablePlan): void {
  const { table, restart } = plan;
  if (!names(context.open.shared, table) || !(takesAway(plan) || restart !== undefined)) return;
  throw new AlluviumError(
    "ALV_TABLE_FOREIGN",
    `table ${table} is shared with other pipelines, so that it cannot be replaced: use append or merge, or a table of its own`,
    { resource: table },
  );
}

/** What is read whole anyway can be made again; rows behind a cursor cannot. */
function missingTarget(
  { table, disposition, restart, isLog }: TablePlan,
  entry: TableEntry | undefined,
  state: PipelineState | undefined,
): Target {
  const again =
    entry === undefined ||
    state === undefined ||
    entry.resync ||
    restart !== undefined ||
    isLog === true ||
    (disposition.kind === "replace" && disposition.where === undefined);
  if (again) return { tableId: crypto.randomUUID(), create: true, identify: true, entry: undefined };
  throw new AlluviumError(
    "ALV_TABLE_NOT_FOUND",
    `table ${table} is gone from the destination, but the state remembers it with its cursor: put it back, or call resync("${table}") to read it again from the start`,
    { resource: table },
  );
}

function ownTarget(
  context: SqlContext,
  { table }: TablePlan,
  entry: TableEntry,
  state: PipelineState | undefined,
  adopted: boolean,
): Target {
  const ahead =
    state !== undefined && entry.incarnation === state.incarnation && entry.sequence > state.sequence;
  if (ahead && !adopted)
    throw stateLost(
      context,
      `table ${table} has load ${entry.sequence} of this pipeline, but the state is of load ${state.sequence}`,
    );
  return { tableId: entry.tableId, create: false, identify: false, entry };
}

function replacedTarget(
  context: SqlContext,
  { table }: TablePlan,
  found: SqlTable,
  entry: TableEntry,
): Target {
  if (names(context.open.adopt, table)) return adoptedTarget(found, undefined);
  throw new AlluviumError(
    "ALV_TABLE_REPLACED",
    `table ${table} has ${found.id === undefined ? "no id" : `id ${found.id}`}, this pipeline wrote ${entry.tableId}: somebody dropped it and made another. Use adopt: ["${table}"] to go on with it, after resync("${table}") if it is to be filled from the start`,
    { resource: table },
  );
}

function unknownTarget(
  context: SqlContext,
  { table }: TablePlan,
  found: SqlTable,
  entries: readonly TableEntry[],
): Target {
  if (names(context.open.adopt, table)) return adoptedTarget(found, undefined);
  const writers = entries.filter(({ tableId }) => found.id === tableId);
  // Lanes of a pipeline share its tables.
  const ours = writers.some(({ pipeline }) => pipeline === context.open.pipeline.pipeline);
  if (ours || names(context.open.shared, table)) return adoptedTarget(found, undefined);
  const owners = [...new Set(writers.map(({ pipeline }) => pipeline))];
  throw new AlluviumError(
    "ALV_TABLE_FOREIGN",
    `table ${table} exists and was written by ${owners.length === 0 ? "no pipeline" : `pipeline ${owners.join(", ")}`}: use adopt: ["${table}"] to take it over, or shared: ["${table}"] to write beside others`,
    { resource: table },
  );
}

function adoptedTarget(found: SqlTable, entry: TableEntry | undefined): Target {
  const identify = found.id === undefined;
  return { tableId: found.id ?? crypto.randomUUID(), create: false, identify, entry };
}

/** Whether an entry is of this pipeline and lane. */
function isOurs({ open }: SqlContext, entry: TableEntry): boolean {
  return entry.pipeline === open.pipeline.pipeline && entry.lane === open.pipeline.lane;
}

/** Tables that are there, but the state is not: to begin anew would double or lose rows. */
export function stateLost(context: SqlContext, what: string): AlluviumError {
  const { pipeline, lane } = context.open.pipeline;
  return new AlluviumError(
    "ALV_STATE_LOST",
    `${what}: its row in ${systemTables.state} was deleted, or is older than the tables. Restore it from a backup; or drop the tables and their rows in ${systemTables.tables}, to begin anew; or name the tables in \`adopt\` to go on with them under a new state, which reads every stream from its start, so that rows appended before stand there twice until you call \`resync\` (pipeline ${pipeline}, lane ${lane})`,
    { pipeline },
  );
}

/** Whether a load takes away rows that others may have written. */
function takesAway({ disposition, merge }: TablePlan): boolean {
  return takesEffect(disposition, merge) === "end" && disposition.kind !== "merge";
}
