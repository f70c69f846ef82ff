import { readChanges, type ChangePiece } from "../../lake/change-file.ts";
import type { DataFile } from "../../lake/contract.ts";
import type { WantsGroup } from "../../lake/files/row-groups.ts";
import type { AddFile } from "../log/actions.ts";
import { encodePath } from "../log/paths.ts";
import type { Column } from "../read/columns.ts";
import { readFileRows } from "../read/file-rows.ts";
import { fileSchema, readingOf, type MergeTable } from "./table.ts";

/** A file of a load about to be merged. Rows have numbers over all files of the load. */
export interface MergeInput {
  readonly index: number;
  readonly file: DataFile;
  /** Number of its first row. */
  readonly start: number;
}

/** The files of a load, in the order in which their rows take effect. */
export function mergeInputs(files: readonly DataFile[]): readonly MergeInput[] {
  let start = 0;
  return files.map((file, index) => {
    const input = { index, file, start };
    start += file.rows;
    return input;
  });
}

/** The input that a row number belongs to. */
export function inputOf(inputs: readonly MergeInput[], row: number): MergeInput {
  let low = 0;
  let high = inputs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (inputs[middle]!.start <= row) low = middle;
    else high = middle - 1;
  }
  return inputs[low]!;
}

/** Reads columns of an input: of whole rows they come without `changes`. */
export async function* readInput(
  { file }: MergeInput,
  table: MergeTable,
  columns: readonly Column[],
  wants?: WantsGroup,
): AsyncGenerator<ChangePiece> {
  const { store, directory, signal } = table;
  if (file.changes === undefined) {
    for await (const { batch, firstRow } of readFileRows(pseudoAdd(file), {
      ...readingOf(table, columns),
      wants,
    }))
      yield { batch, firstRow, partial: undefined };
    return;
  }
  yield* readChanges(file, {
    store,
    directory,
    schema: fileSchema(columns),
    keySchema: fileSchema(table.keys),
    tableColumns: table.loaded.map(({ name }) => name),
    wants,
    signal,
  });
}

/** A data file that is not yet in the table, as one that is. */
function pseudoAdd({ staged, partition, size }: DataFile): AddFile {
  return {
    path: encodePath(staged),
    partitionValues: partition,
    size,
    modificationTime: 0,
    dataChange: true,
  };
}
