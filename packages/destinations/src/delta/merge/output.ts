import { randomUUID } from "node:crypto";
import { takeBatch, type Batch } from "@alluvium/core/columns";
import type { ApplyContext, DataFile, TableChange } from "../../lake/contract.ts";
import { openTableWriter, type FileOptions } from "../../lake/files/table-writer.ts";
import { placeFile } from "../place.ts";
import { anySet, rowsWith } from "./bits.ts";
import { readInput, type MergeInput } from "./inputs.ts";
import { fileSchema, type MergeTable } from "./table.ts";

/** New data files of a merge. Disposed before they are closed, they are deleted. */
export interface MergeOutput extends AsyncDisposable {
  /** Takes rows with the table's columns. */
  write(batch: Batch): Promise<void>;
  /** The files: not yet durable, and named by nobody. From here on they are the caller's. */
  close(): Promise<readonly DataFile[]>;
}

/** Opens new files; none is made until a row comes. Their names are new each time, so that two that apply a load never share one. */
export function openOutput(
  { table, directory, partitionBy, tableId }: TableChange,
  { columns }: MergeTable,
  { store, load, budget }: ApplyContext,
  files: FileOptions,
): MergeOutput {
  const schema = fileSchema(columns);
  const writer = openTableWriter(
    {
      store,
      directory,
      table,
      place: placeFile,
      partitionBy,
      schema,
      budget: Math.floor(budget / 2),
      keyValueMetadata: {
        "alluvium.pipeline": load.pipeline,
        "alluvium.lane": load.lane,
        "alluvium.table": tableId,
      },
      newId: randomUUID,
      emit: () => {},
    },
    files,
  );
  return {
    write: (batch) => writer.write({ schema, length: batch.length, columns: batch.columns }),
    close: () => writer.seal(),
    [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
  };
}

/** Writes the rows of an input whose bits are set; says how many. */
export async function writePicked(
  input: MergeInput,
  picked: Uint8Array,
  table: MergeTable,
  output: MergeOutput,
): Promise<number> {
  let count = 0;
  const pieces = readInput(input, table, table.columns, (group, firstRow) =>
    anySet(picked, firstRow, firstRow + group.rows),
  );
  for await (const { batch, firstRow } of pieces) {
    table.signal.throwIfAborted();
    const rows = rowsWith(picked, firstRow, batch.length, true);
    if (rows.length === 0) continue;
    count += rows.length;
    const { changes: _, ...whole } = batch;
    await output.write(rows.length === batch.length ? whole : takeBatch(whole, rows));
  }
  return count;
}
