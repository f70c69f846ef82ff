import { takeBatch, type Batch } from "@alluvium/core/columns";
import { openParquet } from "@alluvium/core/parquet";
import type {
  ApplyContext,
  DataFile,
  Prepared,
  TableChange,
  TableWriterOptions,
  TextCondition,
} from "../lake/contract.ts";
import { columnStatistics } from "../lake/files/bounds.ts";
import { footerLeaves } from "../lake/files/footer-statistics.ts";
import { objectSource } from "../lake/files/object-source.ts";
import { readDataFile } from "../lake/files/read.ts";
import { openTableWriter, type FileOptions } from "../lake/files/table-writer.ts";
import { openWindow, type Window } from "../lake/files/window.ts";
import { listFolder, type FolderFile } from "./folder.ts";
import { footerKeys } from "./footer.ts";
import { placeFile } from "./place.ts";

/**
 * Clears a window of rows: files that lie in it wholly are obsolete; of those that lie in it partly the rows outside are written to
 * new files. Directory names and footers decide where they can, without reading rows.
 */
export async function takeWindow(
  change: TableChange,
  where: readonly TextCondition[],
  context: ApplyContext,
  files: FileOptions,
): Promise<Prepared> {
  const { directory, schema, partitionBy } = change;
  const window = openWindow(where, schema, partitionBy);
  const obsolete: string[] = [];
  await using writer = openTableWriter(writerOptions(change, context), files);
  for await (const file of listFolder(directory, context)) {
    const covered = await coverage(window, directory, file, context);
    if (covered === "none") continue;
    obsolete.push(file.path);
    if (covered === "all") continue;
    const read = { store: context.store, directory, partitionBy, schema };
    for await (const batch of readDataFile({ ...file, staged: file.path }, read, context.signal)) {
      const kept = outside(batch, window);
      if (kept.length > 0) await writer.write(kept, { signal: context.signal });
    }
  }
  return { obsolete, files: await writer.seal() };
}

/** A file without rows, which keeps a table's columns where it has no other file; none where no column's type is known. */
export async function emptyFile(
  change: TableChange,
  context: ApplyContext,
  files: FileOptions,
): Promise<readonly DataFile[]> {
  await using writer = openTableWriter(writerOptions(change, context), files);
  await writer.writeEmpty();
  // Awaited here: the writer is disposed, with what is not sealed, when this returns.
  return await writer.seal();
}

async function coverage(
  window: Window,
  directory: string,
  file: FolderFile,
  { store, signal }: ApplyContext,
): Promise<ReturnType<Window["coverage"]>> {
  const byPath = window.coverage({ rows: Number.NaN, partition: file.partition, columns: [] });
  if (byPath !== "some") return byPath;
  const path = `${directory}/${file.path}`;
  const parquet = await openParquet(objectSource(store, path, file.size, signal), { name: path });
  const { rows } = parquet.metadata;
  const columns = columnStatistics(footerLeaves(parquet), parquet.schema, rows);
  return window.coverage({ rows, partition: file.partition, columns });
}

function outside(batch: Batch, window: Window): Batch {
  const inside = window.rows(batch);
  const rows: number[] = [];
  for (let row = 0; row < batch.length; row++) if (!inside(row)) rows.push(row);
  return rows.length === batch.length ? batch : takeBatch(batch, Int32Array.from(rows));
}

function writerOptions(change: TableChange, { store, budget, load }: ApplyContext): TableWriterOptions {
  const { directory, table, partitionBy, schema, tableId } = change;
  return {
    store,
    directory,
    table,
    partitionBy,
    schema,
    budget,
    place: placeFile,
    keyValueMetadata: {
      [footerKeys.pipeline]: load.pipeline,
      [footerKeys.lane]: load.lane,
      [footerKeys.incarnation]: load.incarnation,
      [footerKeys.table]: tableId,
    },
    newId: () => crypto.randomUUID(),
    // Rows that stay are not written by this load, as far as a user is concerned.
    emit: () => {},
  };
}
