import type { ObjectInfo } from "@alluvium/core";
import { logFolder, parseLogName } from "../log/paths.ts";
import type { TableState } from "../log/state.ts";
import { logRetention } from "./retention.ts";
import type { CareContext } from "./target.ts";

const DAY = 86_400_000;
/** What our writer of checkpoints leaves when it is killed; no reader takes it for a part of the log. */
const ASIDE = /^\.\d{20}\.checkpoint\.parquet\.[0-9a-f-]{36}\.tmp$/;

/**
 * The files of the log that no version within the log's retention needs, oldest first, so that one that is stopped midway leaves no gap:
 * all of versions below the newest checkpoint that is older than the retention. The commit of that version stays, for in-commit timestamps.
 *
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#metadata-cleanup
 */
export async function* expiredLogFiles(
  { store, directory, signal }: CareContext,
  { metadata }: TableState,
  now: number,
): AsyncGenerator<ObjectInfo> {
  const { configuration } = metadata;
  if (configuration["delta.enableExpiredLogCleanup"]?.toLowerCase() === "false") return;
  const folder = logFolder(directory);
  const below = await cutOff(store.list(folder, { signal }), folder, now - logRetention(configuration));
  for await (const info of store.list(folder, { signal })) {
    const name = info.path.slice(folder.length);
    if (ASIDE.test(name) && now - info.modified.getTime() > DAY) yield info;
    const file = parseLogName(name);
    if (file !== undefined && file.version < below) yield info;
  }
}

/** The version of the newest complete checkpoint before the first commit since `cutOff`; 0 where there is none. */
async function cutOff(files: AsyncIterable<ObjectInfo>, folder: string, since: number): Promise<number> {
  let complete = 0;
  let candidate = 0;
  let parts = { version: -1, seen: 0 };
  for await (const { path, modified } of files) {
    const file = parseLogName(path.slice(folder.length));
    if (file?.kind === "checkpoint") {
      if (parts.version !== file.version) parts = { version: file.version, seen: 0 };
      parts.seen += 1;
      if (file.parts === 1 || parts.seen === file.parts) candidate = file.version;
    }
    if (file?.kind !== "commit") continue;
    if (modified.getTime() >= since) return complete;
    // A version's checkpoint is listed before its commit.
    complete = candidate;
  }
  return complete;
}
