import { takeBatch } from "@alluvium/core/columns";
import type { AddFile } from "../log/actions.ts";
import { fileKey } from "../log/paths.ts";
import { wideBounds } from "../maintain/wide-bounds.ts";
import { readFileRows } from "../read/file-rows.ts";
import type { VectorFile } from "../write/deletion-vector.ts";
import { bitmapFor, rowsWith, setBit } from "./bits.ts";
import type { MergeOutput } from "./output.ts";
import { readingOf, type MergeTable } from "./table.ts";

/** A file of the table that loses rows. */
export interface FileEdit {
  readonly add: AddFile;
  readonly fileRows: number;
  /** Bitmap of all rows that are deleted afterwards. */
  readonly gone: Uint8Array;
  /** How many rows are in the file afterwards. */
  left: number;
  /** How many rows it loses. */
  lost: number;
}

/** Gathers which rows of which files go. */
export interface TableEdits {
  /** Marks a row of a file as gone; tells whether it was there. */
  remove(
    file: Pick<FileEdit, "add" | "fileRows"> & { readonly deleted: Uint8Array | undefined },
    row: number,
  ): boolean;
  /** The files that lose rows. */
  files(): readonly FileEdit[];
}

export function tableEdits(): TableEdits {
  const edits = new Map<string, FileEdit>();
  // Rows come file by file.
  let last: { readonly add: AddFile; readonly edit: FileEdit } | undefined;
  return {
    remove({ add, fileRows, deleted }, row) {
      const key = last?.add === add ? "" : fileKey(add);
      let edit = last?.add === add ? last.edit : edits.get(key);
      if (edit === undefined) {
        const gone = bitmapFor(fileRows);
        if (deleted !== undefined) gone.set(deleted.subarray(0, gone.length));
        const left = fileRows - (add.deletionVector?.cardinality ?? 0);
        edits.set(key, (edit = { add, fileRows, gone, left, lost: 0 }));
      }
      if (last?.edit !== edit) last = { add, edit };
      if (!setBit(edit.gone, row)) return false;
      edit.left -= 1;
      edit.lost += 1;
      return true;
    },
    files: () => [...edits.values()].filter(({ lost }) => lost > 0),
  };
}

/** What edits come to: logical files that go, and those that take their place. */
export interface EditedFiles {
  readonly removed: readonly AddFile[];
  readonly added: readonly AddFile[];
  /** Rows that were written again. */
  readonly copied: number;
}

/**
 * Carries edits out: by deletion vectors, in one object for all files, or, without `vectors`, by writing the rows that stay to `output`. Files
 * that keep no row just go.
 */
export async function finishEdits(
  edits: readonly FileEdit[],
  table: MergeTable,
  vectors: VectorFile | undefined,
  output: MergeOutput,
): Promise<EditedFiles> {
  const removed: AddFile[] = [];
  const added: AddFile[] = [];
  let copied = 0;
  for (const edit of edits) {
    const { add, fileRows, gone, left } = edit;
    removed.push(add);
    if (left === 0) continue;
    if (vectors !== undefined)
      added.push({
        ...add,
        dataChange: true,
        deletionVector: vectors.add(gone),
        stats: wideBounds(add.stats, fileRows),
      });
    else copied += await copyRest(edit, table, output);
  }
  return { removed, added, copied };
}

/** Writes the rows of a file that stay; says how many. */
async function copyRest(
  { add, gone }: Pick<FileEdit, "add" | "gone">,
  table: MergeTable,
  output: MergeOutput,
): Promise<number> {
  let copied = 0;
  for await (const { batch, firstRow } of readFileRows(add, readingOf(table, table.columns))) {
    table.signal.throwIfAborted();
    const rows = rowsWith(gone, firstRow, batch.length, false);
    if (rows.length === 0) continue;
    copied += rows.length;
    await output.write(rows.length === batch.length ? batch : takeBatch(batch, rows));
  }
  return copied;
}
