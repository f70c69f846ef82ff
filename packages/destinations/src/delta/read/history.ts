import type { ObjectStore } from "@alluvium/core";
import type { CommitInfo } from "../log/actions.ts";
import { readActions } from "../log/codec.ts";
import { commitPath } from "../log/commit.ts";

/** One commit of a table, for people and programs. */
export interface HistoryEntry {
  /** Version that the commit made. */
  readonly version: number;
  /** When it was committed: its in-commit timestamp where it has one, else the time of the log's file, as for time travel. */
  readonly timestamp: Date;
  /** What was done, as the writer calls it: `WRITE`, `MERGE`, `OPTIMIZE` … */
  readonly operation: string | undefined;
  /** As the writer put them. */
  readonly operationParameters: Readonly<Record<string, unknown>>;
  /** Counts as text, as the format has them. */
  readonly operationMetrics: Readonly<Record<string, string>>;
  /** Who wrote it. */
  readonly engine: string | undefined;
  /** Whether the commit only added rows, without reading any; `undefined` where the writer did not say. */
  readonly isBlindAppend: boolean | undefined;
  /** Text of the writer; Alluvium puts the load, run, pipeline and sequence there, as JSON. */
  readonly userMetadata: string | undefined;
  /** The load of Alluvium that it belongs to. */
  readonly loadId: string | undefined;
}

/** The commits of a table, newest first, as far back as the log reaches. */
export async function* readHistory(
  store: ObjectStore,
  directory: string,
  newest: number,
  limit: number,
  signal?: AbortSignal,
): AsyncGenerator<HistoryEntry> {
  const call = signal ? { signal } : {};
  for (let version = newest; version >= 0 && newest - version < limit; version--) {
    const info = await store.head(commitPath(directory, version), call);
    if (info === undefined) return;
    let found: CommitInfo = {};
    for await (const { commitInfo } of readActions(store, info, signal)) {
      if (commitInfo === undefined) continue;
      found = commitInfo;
      break;
    }
    const time = found.inCommitTimestamp;
    yield {
      version,
      timestamp: typeof time === "number" ? new Date(time) : info.modified,
      operation: found.operation,
      operationParameters: found.operationParameters ?? {},
      operationMetrics: found.operationMetrics ?? {},
      engine: found.engineInfo,
      isBlindAppend: found.isBlindAppend,
      userMetadata: found.userMetadata,
      loadId: loadIdOf(found.userMetadata),
    };
  }
}

function loadIdOf(userMetadata: string | undefined): string | undefined {
  if (userMetadata === undefined) return undefined;
  try {
    const { loadId } = JSON.parse(userMetadata) as { readonly loadId?: unknown };
    return typeof loadId === "string" ? loadId : undefined;
  } catch {
    return undefined;
  }
}
