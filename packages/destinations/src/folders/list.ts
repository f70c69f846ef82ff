import type { ObjectInfo } from "@alluvium/core";
import type { FormatContext, PartitionValues } from "../lake/contract.ts";
import { parsePartitionPath } from "../lake/files/partition-path.ts";

/** A data file of a folder. */
export interface FolderFile {
  /** Relative to the table's directory. */
  readonly path: string;
  readonly size: number;
  readonly modified: Date;
  /** From the names of its directories. */
  readonly partition: PartitionValues;
}

/**
 * The data files of a table: those below its directory with one of the `endings`, but nothing in or with a name that begins with `_` or `.` (unless
 * it is a partition `name=value`), which readers skip too.
 */
export async function* listFolder(
  directory: string,
  endings: readonly string[],
  { store, signal }: FormatContext,
): AsyncGenerator<FolderFile> {
  for await (const info of store.list(`${directory}/`, { signal })) {
    const path = info.path.slice(directory.length + 1);
    if (isDataFile(path, endings)) yield toFolderFile(path, info);
  }
}

/** Whether readers take a path in a table's directory for one of its data files. */
export function isDataFile(path: string, endings: readonly string[]): boolean {
  const segments = path.split("/");
  const name = segments.pop()!;
  const hidden = (segment: string): boolean => segment.startsWith(".") || segment.startsWith("_");
  if (hidden(name) || !endings.some((ending) => name.endsWith(ending))) return false;
  return !segments.some((segment) => hidden(segment) && !segment.slice(1).includes("="));
}

function toFolderFile(path: string, { size, modified }: ObjectInfo): FolderFile {
  return { path, size, modified, partition: parsePartitionPath(path) };
}
