import { randomUUID } from "node:crypto";
import type { Schema } from "@alluvium/core";
import type { ApplyContext, DataFile, TableChange } from "../../lake/contract.ts";
import { openDataFile, type OpenFile } from "../../lake/files/data-file.ts";
import type { AddFile } from "../log/actions.ts";
import { inTable } from "../log/paths.ts";
import type { TableState } from "../log/state.ts";
import { placeFile } from "../place.ts";
import { columnsOf, mappingMode, type Column } from "../read/columns.ts";
import { readFileRows, type FileReading } from "../read/file-rows.ts";
import type { Predicate } from "../read/predicate.ts";
import { selectRows } from "../read/select.ts";

const ROW_GROUP_BYTES = 16 << 20;

/** Rows that stay although their file goes, in files of their own. */
export interface KeptRows {
  readonly files: readonly Omit<DataFile, "staged">[];
  readonly rows: number;
  /** The same files as paths within the store. */
  readonly paths: readonly string[];
}

/** What became of files that may hold both kinds of rows. */
export interface Kept {
  /** Files that did hold rows to replace and go as a whole. */
  readonly emptied: readonly AddFile[];
  readonly kept: KeptRows;
}

/**
 * Reads files that may hold rows to replace; those that do go, and their other rows are written again. One file is read at a time, in
 * batches. New names are drawn each time: nobody knows the files until the commit names them.
 */
export async function keepOthers(
  change: TableChange,
  state: TableState,
  files: readonly AddFile[],
  predicates: readonly Predicate[],
  context: ApplyContext,
): Promise<Kept> {
  const emptied: AddFile[] = [];
  const written: Omit<DataFile, "staged">[] = [];
  const all = columnsOf(state);
  const stored = all.filter(({ partition }) => !partition);
  const { store, signal } = context;
  const reading: FileReading = {
    store,
    directory: change.directory,
    mode: mappingMode(state),
    columns: all,
    schema: schemaFor(all),
    signal,
  };
  let rows = 0;
  try {
    for (const add of files) {
      if (!(await anyMatch(add, reading, predicates))) continue;
      const file = await rewrite(add, reading, stored, predicates, change, context);
      emptied.push(add);
      if (file === undefined) continue;
      written.push(file);
      rows += file.rows;
    }
  } catch (error) {
    await store.delete(written.map(({ final }) => inTable(change.directory, final))).catch(() => undefined);
    throw error;
  }
  return {
    emptied,
    kept: { files: written, rows, paths: written.map(({ final }) => inTable(change.directory, final)) },
  };
}

function schemaFor(columns: readonly Column[]): Schema {
  return { fields: columns.map(({ name, type, field }) => ({ name, type, nullable: field.nullable })) };
}

/** Whether a file holds rows to replace: reads the predicates' columns only. */
async function anyMatch(
  add: AddFile,
  reading: FileReading,
  predicates: readonly Predicate[],
): Promise<boolean> {
  const columns = [...new Set(predicates.map(({ column }) => column.name))].map((name) =>
    reading.columns.find((column) => column.name === name)!,
  );
  for await (const piece of readFileRows(add, { ...reading, columns, schema: schemaFor(columns) }))
    if (selectRows(piece, predicates, "matching") !== undefined) return true;
  return false;
}

async function rewrite(
  add: AddFile,
  reading: FileReading,
  stored: readonly Column[],
  predicates: readonly Predicate[],
  { directory, table }: TableChange,
  { store, budget, load }: ApplyContext,
): Promise<Omit<DataFile, "staged"> | undefined> {
  // Nullable throughout: whether a column may hold nulls is the log's to say.
  const schema: Schema = { fields: stored.map(({ name, type }) => ({ name, type, nullable: true })) };
  const indexes = stored.map(({ name }) => reading.columns.findIndex((column) => column.name === name));
  let file: OpenFile | undefined;
  try {
    for await (const piece of readFileRows(add, reading)) {
      const batch = selectRows(piece, predicates, "others");
      if (batch === undefined) continue;
      file ??= await openDataFile({
        store,
        directory,
        place: placeFile(randomUUID(), add.partitionValues),
        partition: add.partitionValues,
        schema,
        compression: "zstd",
        rowGroupBytes: Math.max(1 << 20, Math.min(ROW_GROUP_BYTES, Math.floor(budget / 2))),
        keyValueMetadata: { "alluvium.pipeline": load.pipeline, "alluvium.table": table },
      });
      await file.write({
        schema,
        length: batch.length,
        columns: indexes.map((index) => batch.columns[index]!),
      });
    }
    return await file?.close();
  } catch (error) {
    await file?.[Symbol.asyncDispose]();
    throw error;
  }
}
