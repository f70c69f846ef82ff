import { AlluviumError } from "@alluvium/core";
import type { FormatContext } from "../../lake/contract.ts";
import { readActions } from "../log/codec.ts";
import { commitPath, listCommits, pause, tryCommit } from "../log/commit.ts";
import { conflictWith } from "../log/conflict.ts";
import type { CommitPlan } from "./plan.ts";

const ATTEMPTS = 100;

/** How a commit went: at which version it stands, or what is in its way. */
export type CommitOutcome =
  | { readonly version: number; readonly now: number }
  | { readonly conflict: string };

/**
 * Puts a plan that was worked out at version `base` as the next version. Where others were faster, their commits are checked one by one;
 * if none is in the way, the next free version is tried, after a pause, so that a blind append gets in at last.
 */
export async function commitPlan(
  plan: Pick<CommitPlan, "actions" | "footprint">,
  directory: string,
  base: number,
  txnId: string,
  context: FormatContext,
): Promise<CommitOutcome> {
  const { store, signal } = context;
  let checked = base;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const version = checked + 1;
    const now = Date.now();
    if (await tryCommit(store, directory, version, plan.actions(now), txnId, signal)) return { version, now };
    if (attempt > 1) await pause(attempt, signal);
    for await (const winner of listCommits(store, directory, checked, signal)) {
      if (winner.version !== checked + 1)
        throw new AlluviumError(
          "ALV_FILE_INVALID",
          `${commitPath(directory, checked + 1)} is missing although version ${winner.version} exists. Restore it from a backup.`,
        );
      for await (const action of readActions(store, winner, signal)) {
        const conflict = conflictWith(action, plan.footprint);
        if (conflict !== undefined) return { conflict: `version ${winner.version} ${conflict}` };
      }
      checked = winner.version;
    }
  }
  return { conflict: `${ATTEMPTS} other commits were faster` };
}
