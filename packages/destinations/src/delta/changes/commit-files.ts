import { AlluviumError, type ObjectStore } from "@alluvium/core";
import { takeBatch, type Batch } from "@alluvium/core/columns";
import type { AddFile, ChangeFile, RemoveFile } from "../log/actions.ts";
import { readActions } from "../log/codec.ts";
import { decodePath } from "../log/paths.ts";
import type { LogEntry } from "../log/segment.ts";
import { readDeletedRows } from "../read/deletion-vector.ts";
import { readFileRows, type FileReading } from "../read/file-rows.ts";
import { recordCount } from "../read/pruning.ts";
import { footerRows } from "../read/snapshot.ts";

/** What a commit did to the rows of the table: files of changes where it has some, else its data files. */
export interface CommitFiles {
  readonly timestamp: Date;
  readonly changes: readonly ChangeFile[];
  /** Files from which rows went, or to which rows came back; one that only got another vector has both. */
  readonly files: readonly ChangedFile[];
}

/** A data file before and after a commit; `undefined`: not in the table. */
export interface ChangedFile {
  readonly before: AddFile | undefined;
  readonly after: AddFile | undefined;
}

/** Reads what a commit did. Rewrites that change no rows (`dataChange: false`) are left out. */
export async function readCommitFiles(
  store: ObjectStore,
  entry: LogEntry,
  partitioned: boolean,
  signal?: AbortSignal,
): Promise<CommitFiles> {
  let timestamp = entry.modified;
  const changes: ChangeFile[] = [];
  const before = new Map<string, AddFile>();
  const after = new Map<string, AddFile>();
  for await (const { commitInfo, cdc, add, remove } of readActions(store, entry, signal)) {
    if (typeof commitInfo?.inCommitTimestamp === "number") timestamp = new Date(commitInfo.inCommitTimestamp);
    if (cdc) changes.push(cdc);
    if (add && add.dataChange !== false) after.set(decodePath(add.path), add);
    if (remove && remove.dataChange !== false)
      before.set(decodePath(remove.path), fileOf(remove, entry, partitioned));
  }
  const files = [...new Set([...before.keys(), ...after.keys()])].map((path) => ({
    before: before.get(path),
    after: after.get(path),
  }));
  return { timestamp, changes, files };
}

/** A file that went, as it was in the table. */
function fileOf(remove: RemoveFile, entry: LogEntry, partitioned: boolean): AddFile {
  const { path, partitionValues, deletionVector, size } = remove;
  if (partitioned && (partitionValues === null || partitionValues === undefined))
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `${entry.path} removes ${path} without saying its partition, so that the rows that went cannot be told`,
    );
  return {
    path,
    partitionValues: partitionValues ?? {},
    size: size ?? 0,
    modificationTime: 0,
    dataChange: true,
    ...(deletionVector && { deletionVector }),
  };
}

/** The rows of a file that a commit took away (`before`) or brought (`after`). */
export async function* changedRows(
  { before, after }: ChangedFile,
  side: "before" | "after",
  reading: FileReading,
): AsyncGenerator<Batch> {
  const here = side === "before" ? before : after;
  const there = side === "before" ? after : before;
  if (here === undefined) return;
  const { store, directory, signal } = reading;
  const vectors = here.deletionVector ?? there?.deletionVector;
  const rows = vectors ? (recordCount(here) ?? (await footerRows(store, directory, here, signal))) : 0;
  const gone = await readDeletedRows(store, directory, here, rows, signal);
  const kept = there && (await readDeletedRows(store, directory, there, rows, signal));
  if (there !== undefined && kept === undefined) return;
  // Without vectors the file is read as it is.
  const { deletionVector: _, ...plain } = here;
  for await (const { batch, firstRow } of readFileRows(plain, reading)) {
    signal?.throwIfAborted();
    const chosen = new Int32Array(batch.length);
    let count = 0;
    for (let row = 0; row < batch.length; row++) {
      const inFile = firstRow + row;
      // There in one of the two only.
      if (has(gone, inFile) || (there !== undefined && !has(kept, inFile))) continue;
      chosen[count++] = row;
    }
    if (count === batch.length) yield batch;
    else if (count > 0) yield takeBatch(batch, chosen.subarray(0, count));
  }
}

function has(bitmap: Uint8Array | undefined, row: number): boolean {
  return bitmap !== undefined && ((bitmap[row >> 3]! >> (row & 7)) & 1) === 1;
}
