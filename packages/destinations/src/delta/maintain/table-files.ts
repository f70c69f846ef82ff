import { LOG_FOLDER } from "../log/paths.ts";

/** What a path within a table is to vacuum. */
export type FileKind = "data" | "staged" | "log" | "other";

/** Folder of change data of tables with a change data feed. */
const CHANGE_FOLDER = "_change_data/";

/** Whether a path within a table stands in one of the hidden folders that Alluvium puts files into which apply or a sort reads. */
export function isOurs(path: string): boolean {
  return /^_alv_[a-z]+\//.test(path);
}

/**
 * What a path within a table is. Folders and files whose name begins with `_` or `.` are hidden, unless they are of a partition column
 * with such a name. Only files that writers of Delta tables make count as data: what somebody else put there stays.
 */
export function kindOf(path: string, partitionColumns: readonly string[]): FileKind {
  if (path.startsWith(`${LOG_FOLDER}/`)) return "log";
  if (isOurs(path)) return "staged";
  const hidden = path
    .split("/")
    .some(
      (name) =>
        /^[_.]/.test(name) &&
        !partitionColumns.some((column) => name.toLowerCase().startsWith(`${column.toLowerCase()}=`)),
    );
  if (hidden && !path.startsWith(CHANGE_FOLDER)) return "other";
  return path.endsWith(".parquet") || /(^|\/)deletion_vector_[0-9a-f-]{36}\.bin$/.test(path)
    ? "data"
    : "other";
}
