import { randomUUID } from "node:crypto";
import { AlluviumError } from "@alluvium/core";
import type { Applied, ApplyContext, TableChange } from "../../lake/contract.ts";
import { partitionName } from "../../lake/files/partition.ts";
import { commitPath, pause, readCommitInfo } from "../log/commit.ts";
import { findTransaction } from "../log/find-transaction.ts";
import { checkWritable } from "../log/protocol.ts";
import { loadState, type TableState } from "../log/state.ts";
import { mergeMemo, type MergeMemo } from "../merge/memo.ts";
import type { MergeFormat, MergePlan } from "../merge/plan.ts";
import { countsOf } from "./actions.ts";
import { commitPlan } from "./commit-plan.ts";
import { afterCommit } from "./housekeeping.ts";
import { applicationId, knownPipelines, ownerOf } from "./ownership.ts";
import { planCommit, type CommitPlan } from "./plan.ts";

const ATTEMPTS = 20;

/**
 * Makes one table's part of a load visible as one commit. Done once: the commit carries a transaction `pipeline/lane/incarnation/table`
 * with the load's sequence, and a table that has it already is left alone. What other writers committed in the meantime is taken into
 * account: the plan is worked out again on the table as it then stands.
 */
export async function applyChange(
  change: TableChange,
  context: ApplyContext,
  merges: MergeFormat,
): Promise<Applied> {
  const { store, signal, load } = context;
  const { directory, table } = change;
  const appId = applicationId(load, table);
  const memo = mergeMemo();
  let conflict = "";
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const state = await loadState(store, directory, { signal });
    checkIdentity(change, state, appId);
    const done = state && (await applied(change, state, context));
    if (done !== undefined) return done;
    if (state !== undefined) checkOwner(change, state, context);
    const txnId = randomUUID();
    let plan: CommitPlan | MergePlan;
    try {
      plan = await planChange(change, state, txnId, context, merges, memo);
    } catch (error) {
      // Files that are gone may be so because another process has applied the load meanwhile.
      const now = isGone(error) ? await loadState(store, directory, { signal }) : undefined;
      const other = now && (await applied(change, now, context));
      if (other !== undefined) return other;
      // Or because a file of the table was rewritten and vacuumed: then the table has moved on.
      if (now === undefined || now.version === state?.version) throw error;
      conflict = `version ${now.version} came while the table was read`;
      continue;
    }
    if (plan.written.length > 0) await store.sync(plan.written, { signal });
    const outcome = await commitPlan(plan, directory, state?.version ?? -1, txnId, context);
    if ("version" in outcome) {
      const transaction = { appId, sequence: load.sequence };
      await afterCommit({ store, directory, ...outcome, txnId, transaction, plan, state });
      return { version: outcome.version, already: false, ...(await finishMerge(plan, context)) };
    }
    // Nobody names these files: the commit that would have was not put.
    await store.delete(plan.written).catch(() => undefined);
    ({ conflict } = outcome);
    await pause(attempt, signal);
  }
  throw new AlluviumError(
    "ALV_TABLE_CONFLICT",
    `table "${table}" changed ${ATTEMPTS} times while load ${load.loadId} was being applied (last: ${conflict}). It is tried again.`,
    { resource: table, load: load.loadId, step: "apply" },
  );
}

async function planChange(
  change: TableChange,
  state: TableState | undefined,
  txnId: string,
  context: ApplyContext,
  merges: MergeFormat,
  memo: MergeMemo,
): Promise<CommitPlan | MergePlan> {
  const { operation } = change;
  if (operation.kind !== "merge") return planCommit(change, state, txnId, context);
  // Pipelines that do not merge do not load what merges.
  const { planMerge } = await import("../merge/plan.ts");
  return planMerge({ change, operation, state, txnId, context }, merges, memo);
}

/** What a merge has to say once it is committed; its files that no row won in are of no use any more. */
async function finishMerge(
  plan: CommitPlan | MergePlan,
  { store }: ApplyContext,
): Promise<Pick<Applied, "changed" | "boundary">> {
  if (!("changed" in plan)) return {};
  const { changed, boundary, dropped } = plan;
  if (dropped.length > 0) await store.delete(dropped).catch(() => undefined);
  return { changed, ...(boundary !== undefined && { boundary: String(boundary) }) };
}

/** What the table says of the load, if it has it. */
async function applied(
  { directory, table, operation }: TableChange,
  state: TableState,
  { store, signal, load }: ApplyContext,
): Promise<Applied | undefined> {
  const appId = applicationId(load, table);
  const done = state.transactions.get(appId);
  if (done === undefined || Number(done.version) < load.sequence) return undefined;
  const version = await findTransaction(store, directory, appId, load.sequence, state.version, signal);
  const path = commitPath(directory, version ?? state.version);
  // Whoever committed it may have been killed before it could sync: nothing may be built on what a loss of power would undo.
  await store.sync([path], { signal });
  if (version === undefined) return { already: true };
  const info = operation.kind === "merge" ? await readCommitInfo(store, path, signal) : undefined;
  const changed = info && countsOf(info);
  return { already: true, version, ...(changed && { changed }) };
}

function isGone(error: unknown): boolean {
  return AlluviumError.is(error) && error.code === "ALV_NOT_FOUND";
}

function checkIdentity(change: TableChange, state: TableState | undefined, appId: string): void {
  const { table, tableId, create, directory } = change;
  if (state === undefined) {
    if (create) return;
    throw new AlluviumError(
      "ALV_TABLE_NOT_FOUND",
      `table "${table}" is gone: there is no Delta log in "${directory}". Restore it, or settle the table with resync.`,
      { resource: table },
    );
  }
  const { id } = state.metadata;
  if (id !== tableId && !isJoined(change, state, appId))
    throw new AlluviumError(
      "ALV_TABLE_REPLACED",
      `table "${table}" in "${directory}" has the id ${id}, but the load is for ${tableId}: another table was put in its place`,
      { resource: table },
    );
  checkWritable(state.protocol, state.metadata, state.schema, `table "${table}"`);
}

/** Whether pipelines that share a table made it at the same moment: one was first, and the others append to what it made. */
function isJoined(
  { table, create, ownership, partitionBy }: TableChange,
  { metadata, transactions }: TableState,
  appId: string,
): boolean {
  if (ownership !== "shared" || !(create || transactions.has(appId))) return false;
  const { partitionColumns } = metadata;
  const own = partitionBy.map(partitionName);
  if (own.length === partitionColumns.length && own.every((name, i) => name === partitionColumns[i]))
    return true;
  throw new AlluviumError(
    "ALV_SCHEMA_CONFLICT",
    `table "${table}" was made by another pipeline meanwhile, partitioned by ${partitionColumns.join(", ") || "nothing"}; this load's files are partitioned by ${own.join(", ") || "nothing"}`,
    { resource: table },
  );
}

/** A table that another pipeline took over in the meantime is no longer ours to write. */
function checkOwner(change: TableChange, state: TableState, { load }: ApplyContext): void {
  if (change.ownership !== "own") return;
  const owner = ownerOf(state.metadata.configuration);
  if (owner === undefined || owner === load.pipeline) return;
  if (knownPipelines(state).some(({ pipeline }) => pipeline === load.pipeline)) return;
  throw new AlluviumError(
    "ALV_TABLE_FOREIGN",
    `table "${change.table}" belongs to pipeline "${owner}". Take it over with adopt, or write beside it with shared.`,
    { resource: change.table },
  );
}
