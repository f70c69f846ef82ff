import { foldRows, KeyAction } from "@alluvium/core/merge";
import type { RowCounts } from "@alluvium/core";
import { bitmapFor, setBit } from "./bits.ts";
import type { Fold } from "./changelog.ts";
import { combinedRows, type RowSources } from "./combined.ts";
import type { TableEdits } from "./edits.ts";
import { inputOf, type MergeInput } from "./inputs.ts";
import { storedRows, type FileMatches } from "./matches.ts";
import type { MergeOutput } from "./output.ts";
import type { MergeTable } from "./table.ts";

/** Rows of a load that become rows of the table as they are: a bitmap for each input that has one. */
export type PickedRows = Map<MergeInput, Uint8Array>;

/** What the parts of a merge add up to. */
export interface MergeProgress {
  readonly edits: TableEdits;
  readonly picked: PickedRows;
  readonly output: MergeOutput;
}

/** What one part of a load did. */
export interface PartResult {
  readonly counts: RowCounts;
  /** Whether all stored rows go. */
  readonly truncated: boolean;
}

/** Bytes that rows take in memory while they are put together of parts, by the size of their files. */
const EXPANSION = 8;

/** Folds a part of a load into the table, for every strategy but `scd2`. `matches`: what is stored of its keys. */
export async function foldPart(
  { changelog, numbers }: Fold,
  matches: readonly FileMatches[],
  inputs: readonly MergeInput[],
  table: MergeTable,
  { edits, picked, output }: MergeProgress,
  budget: number,
): Promise<PartResult> {
  const { strategy } = table.operation;
  const { stored, places } = storedRows(matches, changelog);
  const folded = foldRows(changelog, strategy as Exclude<typeof strategy, "scd2">, stored);
  const { actions, rows, combined } = folded;
  const all = strategy === "deleteInsert";
  let gone = 0;
  for (const match of matches)
    for (let k = 0; k < match.rows.length; k++) {
      const entry = match.entries[k]!;
      if (all || (entry >= 0 && actions[entry] !== KeyAction.keep))
        if (edits.remove(match, match.rows[k]!)) gone += 1;
    }
  for (let entry = 0; entry < actions.length; entry++) {
    const row = rows[entry]!;
    if (actions[entry] === KeyAction.put && row >= 0)
      pick(picked, inputs, numbers === undefined ? row : numbers[row]!);
  }
  const sources: RowSources = { table, inputs, numbers, matches, places };
  const step = rowsAtOnce(inputs, budget);
  for (let start = 0; start < combined.length; start += step) {
    const end = Math.min(combined.length, start + step);
    await output.write(await combinedRows(combined, start, end, table.columns, sources));
  }
  const counts = folded.counts ?? { inserted: 0, updated: 0, deleted: 0 };
  return {
    // Its rows take the place of no particular ones.
    counts: all ? { inserted: counts.inserted + counts.updated, updated: 0, deleted: gone } : counts,
    truncated: folded.truncated,
  };
}

/** Marks a row of the load, by its number, as one that becomes a row of the table. */
function pick(picked: PickedRows, inputs: readonly MergeInput[], number: number): void {
  const input = inputOf(inputs, number);
  let bitmap = picked.get(input);
  if (bitmap === undefined) picked.set(input, (bitmap = bitmapFor(input.file.rows)));
  setBit(bitmap, number - input.start);
}

/** How many rows may be in memory at once, judged by the load's files. */
export function rowsAtOnce(inputs: readonly MergeInput[], budget: number): number {
  const rows = inputs.reduce((sum, { file }) => sum + file.rows, 0);
  const bytes = inputs.reduce((sum, { file }) => sum + file.size, 0);
  const each = Math.max(64, (EXPANSION * bytes) / Math.max(rows, 1));
  return Math.max(1024, Math.floor(budget / each));
}
