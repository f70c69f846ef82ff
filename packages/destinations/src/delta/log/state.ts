import type { ObjectStore } from "@alluvium/core";
import { readChecksum, type TableSize } from "./checksum.ts";
import { readHead, type Head } from "./replay.ts";
import { listSegment, type Segment } from "./segment.ts";

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
  options: { readonly version?: number; readonly signal?: AbortSignal } = {},
): Promise<TableState | undefined> {
  const { signal } = options;
  const segment = await listSegment(store, directory, options);
  if (segment === undefined) return undefined;
  const checksum = segment.checksum && (await readChecksum(store, segment.checksum, signal));
  const head = checksum?.head ?? (await readHead(store, directory, segment, signal));
  return { ...head, version: segment.version, segment, size: checksum?.size };
}
