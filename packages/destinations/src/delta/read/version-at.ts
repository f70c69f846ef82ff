import { AlluviumError, type ObjectStore } from "@alluvium/core";
import { readCommitInfo } from "../log/commit.ts";
import { logFolder, parseLogName } from "../log/paths.ts";
import { isTrue } from "../log/protocol.ts";
import type { TableState } from "../log/state.ts";

/**
 * The newest version that was committed at or before `time`. A commit's time is its in-commit timestamp where the table has them, else
 * the file's, made to grow by a millisecond at least, as other engines do. Before the first commit there is none: `ALV_NOT_FOUND`.
 */
export async function versionAt(
  store: ObjectStore,
  directory: string,
  newest: TableState,
  time: Date,
  signal?: AbortSignal,
): Promise<number> {
  const folder = logFolder(directory);
  const { configuration } = newest.metadata;
  const stamped = isTrue(configuration["delta.enableInCommitTimestamps"])
    ? Number(configuration["delta.inCommitTimestampEnablementVersion"] ?? 0)
    : Number.POSITIVE_INFINITY;
  let found: number | undefined;
  let last = Number.NEGATIVE_INFINITY;
  let first: number | undefined;
  for await (const { path, modified } of store.list(folder, signal ? { signal } : {})) {
    const file = parseLogName(path.slice(folder.length));
    if (file?.kind !== "commit") continue;
    let at = Math.max(modified.getTime(), last + 1);
    if (file.version >= stamped) at = (await readCommitInfo(store, path, signal))?.inCommitTimestamp ?? at;
    first ??= at;
    if (at > time.getTime()) break;
    last = at;
    found = file.version;
  }
  if (found !== undefined) return found;
  throw new AlluviumError(
    "ALV_NOT_FOUND",
    `the log of ${folder} reaches back to ${first === undefined ? "no commit" : new Date(first).toISOString()}, ` +
      `so there is no version as of ${time.toISOString()}`,
  );
}
