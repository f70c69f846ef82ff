import type { BigIntStats } from "node:fs";
import type { ObjectInfo } from "./store.ts";

/** What stands for the tag of a version: size, time of the last writing and inode. */
export function fileTag({ size, mtimeNs, ino }: BigIntStats): string {
  return [size, mtimeNs, ino].map((part) => part.toString(36)).join("-");
}

/** What is known of a file; `undefined` where it is none. */
export function fileInfo(path: string, stats: BigIntStats): ObjectInfo | undefined {
  if (!stats.isFile()) return undefined;
  return { path, size: Number(stats.size), modified: stats.mtime, etag: fileTag(stats) };
}
