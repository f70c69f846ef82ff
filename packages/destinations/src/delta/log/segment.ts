import { AlluviumError, type ObjectInfo, type ObjectStore } from "@alluvium/core";
import { readLastCheckpoint } from "./last-checkpoint.ts";
import { logFolder, parseLogName, versionText } from "./paths.ts";

/** A file of the log with what is needed to read it. */
export interface LogEntry {
  readonly path: string;
  readonly version: number;
  readonly size: number;
  readonly modified: Date;
}

/** The files of a log that together say what a version of the table is: the newest complete checkpoint and what follows it. */
export interface Segment {
  /** The version described. */
  readonly version: number;
  readonly checkpoint: CheckpointFiles | undefined;
  /** Commits after the checkpoint, ascending without gaps. */
  readonly commits: readonly LogEntry[];
  /** Log compactions that lie wholly within `commits`. */
  readonly compactions: readonly (LogEntry & { readonly end: number })[];
  /** The checksum of exactly this version, if there is one. */
  readonly checksum: LogEntry | undefined;
}

/** A checkpoint: one file, or all parts of one. */
export interface CheckpointFiles {
  readonly version: number;
  readonly format: "parquet" | "json";
  readonly files: readonly LogEntry[];
}

/**
 * Lists the log and picks what describes `version` (default: the newest). `undefined`: there is no log. Holds only the names after
 * the newest checkpoint. A missing commit is `ALV_FILE_INVALID`, a version that is not there `ALV_NOT_FOUND`.
 */
export async function listSegment(
  store: ObjectStore,
  directory: string,
  options: { readonly version?: number; readonly signal?: AbortSignal } = {},
): Promise<Segment | undefined> {
  const { version: target, signal } = options;
  const hint = await readLastCheckpoint(store, directory, signal);
  if (hint !== undefined && (target === undefined || hint.version <= target)) {
    const found = await collect(store, directory, hint.version, target, signal);
    // The hint may name a checkpoint that never was, or is gone.
    if (found.checkpoint !== undefined) return checked(found, directory, target);
  }
  const found = await collect(store, directory, 0, target, signal);
  if (found.checkpoint === undefined && found.commits.length === 0 && !found.later) return undefined;
  return checked(found, directory, target);
}

interface Found {
  checkpoint: CheckpointFiles | undefined;
  commits: LogEntry[];
  compactions: (LogEntry & { readonly end: number })[];
  checksum: LogEntry | undefined;
  /** There are commits above the version that is asked for. */
  later: boolean;
}

async function collect(
  store: ObjectStore,
  directory: string,
  from: number,
  target: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Found> {
  const folder = logFolder(directory);
  const found: Found = {
    checkpoint: undefined,
    commits: [],
    compactions: [],
    checksum: undefined,
    later: false,
  };
  const parts = new Map<string, LogEntry[]>();
  // `!` sorts before `.`, so that everything of version `from` is listed.
  const startAfter = `${folder}${versionText(from)}!`;
  const options = { ...(from > 0 && { startAfter }), ...(signal && { signal }) };
  for await (const info of store.list(folder, options)) {
    const name = info.path.slice(folder.length);
    const file = parseLogName(name);
    if (file === undefined) continue;
    if (target !== undefined && file.version > target) {
      if (file.kind !== "commit") continue;
      found.later = true;
      break;
    }
    const entry = entryOf(info, file.version);
    switch (file.kind) {
      case "commit":
        found.commits.push(entry);
        break;
      case "checksum":
        found.checksum = entry;
        break;
      case "compacted":
        if (target === undefined || file.end <= target) found.compactions.push({ ...entry, end: file.end });
        break;
      case "checkpoint": {
        const key = `${file.version}/${file.parts}/${file.parts === 1 ? name : ""}`;
        const files = parts.get(key) ?? [];
        files.push(entry);
        if (file.parts > 1) parts.set(key, files);
        if (files.length < file.parts) break;
        found.checkpoint = { version: file.version, format: file.format, files };
        // What lies at or below a complete checkpoint is no longer needed.
        parts.clear();
        found.commits = found.commits.filter(({ version }) => version > file.version);
        found.compactions = found.compactions.filter(({ version }) => version > file.version);
      }
    }
  }
  // Commits of the checkpoint's own version are listed after it.
  const { checkpoint } = found;
  if (checkpoint !== undefined)
    found.commits = found.commits.filter(({ version }) => version > checkpoint.version);
  return found;
}

function entryOf({ path, size, modified }: ObjectInfo, version: number): LogEntry {
  return { path, version, size, modified };
}

function checked(found: Found, directory: string, target: number | undefined): Segment {
  const { checkpoint, commits, compactions } = found;
  const folder = logFolder(directory);
  let next = checkpoint === undefined ? 0 : checkpoint.version + 1;
  const first = commits[0];
  if (checkpoint === undefined && (first === undefined || first.version > 0)) {
    if (target !== undefined && (first === undefined || found.later))
      throw new AlluviumError(
        "ALV_NOT_FOUND",
        `version ${target} of ${folder} is not available: its log has been cleaned up`,
      );
    throw new AlluviumError(
      "ALV_FILE_INVALID",
      `${folder} begins at version ${first?.version ?? "?"} without a checkpoint: ${versionText(0)}.json is missing. ` +
        "Restore it from a backup.",
    );
  }
  for (const { version } of commits) {
    if (version !== next) {
      throw new AlluviumError(
        "ALV_FILE_INVALID",
        `${folder}${versionText(next)}.json is missing although version ${version} exists. Restore it from a backup.`,
      );
    }
    next += 1;
  }
  const version = next - 1;
  // A checksum is written after its commit, so that one was there.
  if (found.checksum !== undefined && found.checksum.version > version)
    throw new AlluviumError(
      "ALV_FILE_INVALID",
      `${folder}${versionText(next)}.json is missing although ${found.checksum.path.slice(folder.length)} exists. Restore it from a backup.`,
    );
  const empty = commits.find(({ size }) => size === 0);
  if (empty !== undefined)
    throw new AlluviumError(
      "ALV_FILE_INVALID",
      `${empty.path} is empty, so what that commit did is lost. Restore it from a backup.`,
    );
  if (target !== undefined && version !== target)
    throw new AlluviumError(
      found.later ? "ALV_FILE_INVALID" : "ALV_NOT_FOUND",
      found.later
        ? `${folder}${versionText(next)}.json is missing although later versions exist. Restore it from a backup.`
        : `${folder} has no version ${target}; the newest is ${version}`,
    );
  return {
    version,
    checkpoint,
    commits,
    compactions: compactions.filter(
      ({ version: start, end }) => start >= (first?.version ?? 0) && end <= version,
    ),
    checksum: found.checksum?.version === version ? found.checksum : undefined,
  };
}
