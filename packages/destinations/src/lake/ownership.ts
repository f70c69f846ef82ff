import { AlluviumError, type TablePlan } from "@alluvium/core";
import { names, type LakeContext } from "./context.ts";
import type { KnownPipeline, LakeTable, TableChange } from "./contract.ts";
import type { KnownTable, Manifest } from "./manifest.ts";

/** What a load may do to a table. */
export interface Target {
  readonly tableId: string;
  readonly create: boolean;
  readonly ownership: TableChange["ownership"];
}

/**
 * Decides whether this pipeline may write a table as it stands. Throws `ALV_STATE_LOST` when the table knows more of the pipeline than
 * its state does, `ALV_TABLE_REPLACED`, `ALV_TABLE_NOT_FOUND`, `ALV_TABLE_FOREIGN`.
 */
export function targetOf(
  context: LakeContext,
  plan: TablePlan,
  found: LakeTable | undefined,
  newest: Manifest | undefined,
): Target {
  const known = newest?.known[plan.table];
  const shared = names(context.shared, plan.table);
  if (shared && (wholeSet(plan) || plan.restart !== undefined || plan.merge?.validity?.retireAbsent === true))
    throw new AlluviumError(
      "ALV_TABLE_FOREIGN",
      `table ${plan.table} is shared with other pipelines, so that it cannot be replaced: use append, or a table of its own`,
      { resource: plan.table },
    );
  const target =
    known === undefined
      ? unknownTarget(context, plan.table, found, newest)
      : knownTarget(context, plan, found, known, newest!);
  return shared ? { ...target, ownership: "shared" } : target;
}

function knownTarget(
  context: LakeContext,
  plan: TablePlan,
  found: LakeTable | undefined,
  known: KnownTable,
  newest: Manifest,
): Target {
  const { table } = plan;
  if (found === undefined) {
    // What is read whole anyway can be made again; rows behind a cursor cannot.
    if (
      known.resync === true ||
      plan.restart !== undefined ||
      plan.isLog === true ||
      (plan.disposition.kind === "replace" && plan.disposition.where === undefined)
    )
      return { tableId: crypto.randomUUID(), create: true, ownership: "own" };
    throw new AlluviumError(
      "ALV_TABLE_NOT_FOUND",
      `table ${table} is gone from the destination, but the state remembers it with its cursor: put it back, or call resync("${table}") to read it again from the start`,
      { resource: table },
    );
  }
  if (found.id !== known.id) {
    if (names(context.adopt, table)) return { tableId: found.id, create: false, ownership: "adopt" };
    // Pipelines that share it made it at the same moment, and another one was first: it has our loads all the same.
    const joined = found.pipelines.some(
      (entry) => isOurs(context, entry) && entry.incarnation === newest.incarnation,
    );
    if (joined && names(context.shared, table))
      return { tableId: found.id, create: false, ownership: "shared" };
    throw new AlluviumError(
      "ALV_TABLE_REPLACED",
      `table ${table} has id ${found.id}, this pipeline wrote ${known.id}: somebody dropped it and made another. Use adopt: ["${table}"] to go on with it, after resync("${table}") if it is to be filled from the start`,
      { resource: table },
    );
  }
  const ahead = found.pipelines.find(
    (entry) =>
      isOurs(context, entry) &&
      entry.incarnation === newest.incarnation &&
      entry.sequence !== undefined &&
      entry.sequence > newest.sequence,
  );
  if (ahead !== undefined)
    throw stateLost(
      context,
      `table ${table} has load ${ahead.sequence} of this pipeline, but the newest manifest is ${newest.sequence}`,
    );
  return { tableId: known.id, create: false, ownership: "own" };
}

function unknownTarget(
  context: LakeContext,
  table: string,
  found: LakeTable | undefined,
  newest: Manifest | undefined,
): Target {
  if (found === undefined) return { tableId: crypto.randomUUID(), create: true, ownership: "own" };
  const own: Target = { tableId: found.id, create: false, ownership: "own" };
  if (names(context.adopt, table)) return { ...own, ownership: "adopt" };
  if (lost(context, found.pipelines, newest))
    throw stateLost(
      context,
      `table ${table} was written by this pipeline, but ${newest === undefined ? "there is no manifest of it" : `the newest manifest (${newest.sequence}) does not know the table`}`,
    );
  // Another lane of this pipeline wrote it: lanes share their tables.
  if (found.pipelines.some(({ pipeline }) => pipeline === context.pipeline.pipeline)) return own;
  if (names(context.shared, table)) return { ...own, ownership: "shared" };
  const owners = [...new Set(found.pipelines.map(({ pipeline }) => pipeline))];
  throw new AlluviumError(
    "ALV_TABLE_FOREIGN",
    `table ${table} exists and was written by ${owners.length === 0 ? "no pipeline" : `pipeline ${owners.join(", ")}`}: use adopt: ["${table}"] to take it over, or shared: ["${table}"] to append beside others`,
    { resource: table },
  );
}

/**
 * Whether a table knows this pipeline and lane though its state does not know the table. An entry without a lane is of the table's
 * properties: it counts on a first run, unless transactions of other lanes explain it.
 */
function lost(
  context: LakeContext,
  pipelines: readonly KnownPipeline[],
  newest: Manifest | undefined,
): boolean {
  const ours = pipelines.filter(({ pipeline }) => pipeline === context.pipeline.pipeline);
  if (ours.some((entry) => isOurs(context, entry))) return true;
  return newest === undefined && ours.length > 0 && ours.every(({ lane }) => lane === undefined);
}

/** Whether an entry of a table is of this pipeline and lane. */
export function isOurs(context: LakeContext, entry: KnownPipeline): boolean {
  return entry.pipeline === context.pipeline.pipeline && entry.lane === context.pipeline.lane;
}

/** Tables that are there, but the state is not: to begin anew would double or lose rows. */
export function stateLost(context: LakeContext, what: string): AlluviumError {
  const { pipeline, lane } = context.pipeline;
  return new AlluviumError(
    "ALV_STATE_LOST",
    `${what}: the state in ${context.paths.folder} of ${context.store.url} was deleted or is older than the tables. Restore that folder from a backup; or delete the tables and _alv_loads too, to begin anew; or name the tables in \`adopt\` to go on with them under a new state, which reads every stream from its start, so that rows appended before stand there twice until you call \`resync\` (pipeline ${pipeline}, lane ${lane})`,
    { pipeline },
  );
}

/** Whether a disposition takes away rows that were there before. */
export function wholeSet({ disposition }: TablePlan): boolean {
  return (
    disposition.kind === "replace" ||
    (disposition.kind === "append" && disposition.replaceWhere !== undefined)
  );
}
