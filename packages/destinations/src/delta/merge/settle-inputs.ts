import { countOnes } from "@alluvium/core/columns";
import type { DataFile } from "../../lake/contract.ts";
import type { DeletionVectorDescriptor } from "../log/actions.ts";
import type { VectorFile } from "../write/deletion-vector.ts";
import { bitmapFor } from "./bits.ts";
import type { PickedRows } from "./fold-part.ts";
import type { MergeInput } from "./inputs.ts";
import { writePicked, type MergeOutput } from "./output.ts";
import type { MergeTable } from "./table.ts";

/** A data file of a load on its way into the table, with a vector where some of its rows lost. */
export interface SettledFile {
  readonly file: DataFile;
  readonly deletionVector: DeletionVectorDescriptor | undefined;
}

/** What becomes of a load's files. */
export interface SettledInputs {
  readonly files: readonly SettledFile[];
  /** Data files of whole rows that do not become part of the table. */
  readonly dropped: readonly DataFile[];
  /** Rows of the load that the table gets. */
  readonly rows: number;
}

/**
 * Takes the rows of a load that won into the table: files of whole rows as they are, with a vector for the rows that lost; what is left of files
 * that lost most of theirs, and of changes, is written to `output`.
 */
export async function settleInputs(
  inputs: readonly MergeInput[],
  picked: PickedRows,
  table: MergeTable,
  vectors: VectorFile | undefined,
  output: MergeOutput,
): Promise<SettledInputs> {
  const files: SettledFile[] = [];
  const dropped: DataFile[] = [];
  let rows = 0;
  for (const input of inputs) {
    const { file } = input;
    const bits = picked.get(input);
    const won = bits === undefined ? 0 : countOnes(bits, 0, file.rows);
    rows += won;
    const stays = file.changes === undefined && won > 0;
    if (stays && won === file.rows) files.push({ file, deletionVector: undefined });
    else if (stays && vectors !== undefined && 2 * won >= file.rows)
      files.push({ file, deletionVector: vectors.add(inverted(bits!, file.rows)) });
    else {
      if (won > 0) await writePicked(input, bits!, table, output);
      if (file.changes === undefined) dropped.push(file);
    }
  }
  return { files, dropped, rows };
}

function inverted(bits: Uint8Array, rows: number): Uint8Array {
  const others = bitmapFor(rows);
  for (let i = 0; i < others.length; i++) others[i] = ~bits[i]!;
  // Behind the last row there is none.
  if ((rows & 7) !== 0) others[others.length - 1]! &= (1 << (rows & 7)) - 1;
  return others;
}
