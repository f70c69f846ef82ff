import type { ObjectStore } from "@alluvium/core";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { parsePartitionPath } from "../../src/lake/files/partition-path.ts";
import { isDataFile } from "../../src/folders/list.ts";
import { parquetEndings } from "../../src/parquet/folder.ts";

/** The rows of a folder as a reader that is not ours sees them; partition values as text. */
export async function folderRows(store: ObjectStore, table: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const { path } of store.list(`${table}/`)) {
    const inTable = path.slice(table.length + 1);
    if (!isDataFile(inTable, parquetEndings)) continue;
    const bytes = await store.get(path);
    const read = await parquetReadObjects({ file: bytes.slice().buffer, compressors });
    for (const row of read) rows.push({ ...row, ...parsePartitionPath(inTable) });
  }
  return rows;
}
