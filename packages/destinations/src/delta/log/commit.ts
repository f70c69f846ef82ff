import { setTimeout } from "node:timers/promises";
import { AlluviumError, type ObjectStore } from "@alluvium/core";
import type { Action, CommitInfo } from "./actions.ts";
import { encodeActions, readActions } from "./codec.ts";
import { logFolder, parseLogName, versionText } from "./paths.ts";
import type { LogEntry } from "./segment.ts";

/** Path of a version's commit. */
export function commitPath(directory: string, version: number): string {
  return `${logFolder(directory)}${versionText(version)}.json`;
}

/**
 * Creates the commit `version`, durably. `false`: another writer has that version. An answer that was lost is settled by reading the
 * commit back and comparing `txnId`; while there is none, the same bytes are put again.
 */
export async function tryCommit(
  store: ObjectStore,
  directory: string,
  version: number,
  actions: Iterable<Action>,
  txnId: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const path = commitPath(directory, version);
  const bytes = encodeActions(actions);
  const call = signal ? { signal } : {};
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    let unanswered: unknown;
    try {
      if (await store.putIfAbsent(path, bytes, call)) return true;
    } catch (error) {
      if (!AlluviumError.is(error) || !error.retryable) throw error;
      unanswered = error;
    }
    const written = await readCommitInfo(store, path, signal);
    if (written !== undefined) {
      if (written.txnId !== txnId) return false;
      // The answer may have been lost before the commit was durable.
      await store.sync([path], call);
      return true;
    }
    if (attempt >= 5) throw unanswered ?? lost(path);
    await pause(attempt, signal);
  }
}

function lost(path: string): AlluviumError {
  return new AlluviumError(
    "ALV_STORE_FAILED",
    `${path} exists by one answer of the store and not by another, so the commit cannot be settled`,
  );
}

/** The `commitInfo` of a commit, `{}` where it has none; `undefined` where there is no such commit. */
export async function readCommitInfo(
  store: ObjectStore,
  path: string,
  signal?: AbortSignal,
): Promise<CommitInfo | undefined> {
  const info = await store.head(path, signal ? { signal } : {});
  if (info === undefined) return undefined;
  for await (const { commitInfo } of readActions(store, info, signal)) if (commitInfo) return commitInfo;
  return {};
}

/** Commits above `version`, ascending: the winners of a race. */
export async function* listCommits(
  store: ObjectStore,
  directory: string,
  version: number,
  signal?: AbortSignal,
): AsyncGenerator<LogEntry> {
  const folder = logFolder(directory);
  const options = {
    // `~` sorts after every name of this version.
    ...(version >= 0 && { startAfter: `${folder}${versionText(version)}.~` }),
    ...(signal && { signal }),
  };
  for await (const { path, size, modified } of store.list(folder, options)) {
    const file = parseLogName(path.slice(folder.length));
    if (file?.kind === "commit") yield { path, version: file.version, size, modified };
  }
}

/** Waits before another attempt: twice as long each time, at most a second, with full jitter. */
export async function pause(attempt: number, signal?: AbortSignal): Promise<void> {
  const ceiling = Math.min(1000, 20 * 2 ** Math.min(attempt, 10));
  try {
    await setTimeout(Math.random() * ceiling, undefined, signal ? { signal } : {});
  } catch {
    signal?.throwIfAborted();
  }
}
