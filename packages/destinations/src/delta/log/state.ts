import type { ObjectStore } from "@alluvium/core";
import { readChecksum, type TableSize } from "./checksum.ts";
import { readHead, type Head } from "./replay.ts";
import { listSegment, type LogEntry, type Segment } from "./segment.ts";

/** A version of a table as far as it is known without its list of files. */
export interface TableState extends Head {
  readonly version: number;
  readonly segment: Segment;
  /** From the checksum, where there is one. */
  readonly size: TableSize | undefined;
}

/**
 * Opens a version of a table (default: the newest); `undefined` where there is no table. With a checksum beside the newest commit
 * this is a listing and two small objects; without one the commits since the checkpoint are read.
 */
export async function loadState(
  store: ObjectStore,
  directory: string,
  options: {
    readonly version?: number;
    /** Whether to look at the end of the newest commit although its checksum says all. @default false */
    readonly verify?: boolean;
    readonly signal?: AbortSignal;
  } = {},
): Promise<TableState | undefined> {
  const { signal, verify = false } = options;
  const segment = await listSegment(store, directory, options);
  if (segment === undefined) return undefined;
  const newest = segment.commits.at(-1);
  const checksum =
    segment.checksum && (!verify || newest === undefined || (await isWhole(store, newest, signal)))
      ? await readChecksum(store, segment.checksum, signal)
      : undefined;
  const head = checksum?.head ?? (await readHead(store, directory, segment, signal));
  return { ...head, version: segment.version, segment, size: checksum?.size };
}

/** Whether a commit ends as one does: if it was cut off, reading the log says where. */
async function isWhole(store: ObjectStore, { path, size }: LogEntry, signal?: AbortSignal): Promise<boolean> {
  const range = { start: Math.max(0, size - 16), end: size };
  const bytes = await store.get(path, { range, ...(signal && { signal }) });
  return new TextDecoder().decode(bytes).trimEnd().endsWith("}");
}
