import { takeBatch, type Batch } from "@alluvium/core/columns";
import type {
  ApplyContext,
  DataFile,
  Prepared,
  TableChange,
  TableWriterOptions,
  TextCondition,
} from "../lake/contract.ts";
import { openTableWriter } from "../lake/files/table-writer.ts";
import { openWindow, type Coverage, type Window } from "../lake/files/window.ts";
import type { FolderKind } from "./kind.ts";
import { listFolder, type FolderFile } from "./list.ts";
import { placeFiles } from "./place.ts";

/**
 * Clears a window of rows: files that lie in it wholly are obsolete; of those that lie in it partly the rows outside are written to
 * new files. Directory names, and what files say themselves, decide where they can, without reading rows.
 */
export async function takeWindow(
  change: TableChange,
  where: readonly TextCondition[],
  context: ApplyContext,
  kind: FolderKind,
): Promise<Prepared> {
  const { directory, schema, partitionBy } = change;
  const window = openWindow(where, schema, partitionBy);
  const obsolete: string[] = [];
  await using writer = openTableWriter(writerOptions(change, context, kind), kind.files);
  for await (const file of listFolder(directory, kind.endings, context)) {
    const covered = await coverage(window, directory, file, context, kind);
    if (covered === "none") continue;
    obsolete.push(file.path);
    if (covered === "all") continue;
    const read = { store: context.store, directory, partitionBy, schema };
    for await (const batch of kind.read({ ...file, staged: file.path }, read, context.signal)) {
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
  kind: FolderKind,
): Promise<readonly DataFile[]> {
  await using writer = openTableWriter(writerOptions(change, context, kind), kind.files);
  await writer.writeEmpty();
  // Awaited here: the writer is disposed, with what is not sealed, when this returns.
  return await writer.seal();
}

async function coverage(
  window: Window,
  directory: string,
  file: FolderFile,
  context: ApplyContext,
  kind: FolderKind,
): Promise<Coverage> {
  const byPath = window.coverage({ rows: Number.NaN, partition: file.partition, columns: [] });
  if (byPath !== "some" || kind.coverage === undefined) return byPath;
  return kind.coverage(window, directory, file, context);
}

function outside(batch: Batch, window: Window): Batch {
  const inside = window.rows(batch);
  const rows: number[] = [];
  for (let row = 0; row < batch.length; row++) if (!inside(row)) rows.push(row);
  return rows.length === batch.length ? batch : takeBatch(batch, Int32Array.from(rows));
}

function writerOptions(
  change: TableChange,
  { store, budget, load }: ApplyContext,
  kind: FolderKind,
): TableWriterOptions {
  const { directory, table, partitionBy, schema } = change;
  const keys = kind.keys?.(change, load);
  return {
    store,
    directory,
    table,
    partitionBy,
    schema,
    budget,
    place: placeFiles(kind.endings[0]),
    ...(keys && { keyValueMetadata: keys }),
    newId: () => crypto.randomUUID(),
    // Rows that stay are not written by this load, as far as a user is concerned.
    emit: () => {},
  };
}
