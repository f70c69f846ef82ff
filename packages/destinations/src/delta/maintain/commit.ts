import { randomUUID } from "node:crypto";
import { AlluviumError } from "@alluvium/core";
import { pause } from "../log/commit.ts";
import type { TableState } from "../log/state.ts";
import { commitPlan } from "../write/commit-plan.ts";
import { afterCommit } from "../write/housekeeping.ts";
import { planOf, type CareChange } from "./change.ts";
import { openToWrite, type CareContext } from "./target.ts";

const ATTEMPTS = 20;

/** How {@link putChange} went: the version that was made, or what is in its way. */
export type PutOutcome = { readonly version: number } | { readonly conflict: string };

/**
 * Commits a change that was worked out for `state`, at the next free version above `base`. What it wrote is made durable before; on a
 * conflict it is left, for the caller to keep or delete.
 */
export async function putChange(
  context: CareContext,
  change: CareChange,
  state: TableState,
  base: number = state.version,
): Promise<PutOutcome> {
  const { store, directory, signal } = context;
  const txnId = randomUUID();
  const plan = planOf(change, state, txnId);
  if (plan.written.length > 0) await store.sync(plan.written, { signal });
  const outcome = await commitPlan(plan, directory, base, txnId, { store, signal });
  if (!("version" in outcome)) return outcome;
  await afterCommit({ store, directory, ...outcome, txnId, plan, state });
  return { version: outcome.version };
}

/**
 * Works a change out for the table as it stands and commits it, again and again while others are in the way. `undefined`: there is
 * nothing to do.
 */
export async function commitChange(
  context: CareContext,
  work: (state: TableState) => Promise<CareChange | undefined>,
): Promise<number | undefined> {
  const { store, signal, url } = context;
  let conflict = "";
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const state = await openToWrite(context);
    const change = await work(state);
    if (change === undefined) return undefined;
    const outcome = await putChange(context, change, state);
    if ("version" in outcome) return outcome.version;
    // Nobody names these files: the commit that would have was not put.
    await store.delete(change.written).catch(() => undefined);
    ({ conflict } = outcome);
    await pause(attempt, signal);
  }
  throw new AlluviumError(
    "ALV_TABLE_CONFLICT",
    `the table at ${url} changed ${ATTEMPTS} times in the meantime (last: ${conflict}). Try again when fewer write to it.`,
  );
}
