import type { RowCounts } from "@alluvium/core";
import type { AddFile } from "../log/actions.ts";
import { fileKey } from "../log/paths.ts";
import type { TableState } from "../log/state.ts";
import { filterOf, findMatches, liveFiles } from "./candidates.ts";
import { foldInputs } from "./changelog.ts";
import { tableEdits, type TableEdits } from "./edits.ts";
import { foldPart, rowsAtOnce, type PickedRows } from "./fold-part.ts";
import { followRoots, type LostRows } from "./follow-roots.ts";
import type { MergeInput } from "./inputs.ts";
import type { KeyFilter } from "./key-filter.ts";
import type { FoldedPart, MergeMemo } from "./memo.ts";
import type { MergeOutput } from "./output.ts";
import type { MergeTable } from "./table.ts";
import { noteSeen, retireFile, versionPart } from "./versions.ts";

/** What a merge works with. */
export interface MergeWorkOptions {
  readonly table: MergeTable;
  readonly inputs: readonly MergeInput[];
  /** The table as it stands; `undefined`: it is new, or nothing in it counts any more. */
  readonly state: TableState | undefined;
  readonly output: MergeOutput;
  readonly memo: MergeMemo;
  /** Bytes that it may hold. */
  readonly budget: number;
}

/** Which rows go and which of the load's become rows of the table. What is made of several rows is written already. */
export interface MergeWork {
  readonly edits: TableEdits;
  readonly picked: PickedRows;
  readonly counts: RowCounts;
  /** Whether all stored rows go. */
  readonly whole: boolean;
  /** Whether a file that another writer adds in the meantime may hold rows that count. */
  readonly reads: (add: AddFile) => boolean;
  /** `scd2`: the greatest time that was written. */
  readonly latest: bigint | undefined;
}

/** Folds a load into a table, part by part. */
export async function mergeRows(options: MergeWorkOptions): Promise<MergeWork> {
  const { table, inputs, state, output, memo, budget } = options;
  const { validity } = table.operation;
  const progress = { edits: tableEdits(), picked: new Map() as PickedRows, output };
  const seen = new Map<string, Uint8Array>();
  const counts = { inserted: 0, updated: 0, deleted: 0 };
  const filters: KeyFilter[] = [];
  let truncated = false;
  let latest: bigint | undefined;
  let parts = 0;
  for await (const part of partsOf(options)) {
    parts += 1;
    const { fold, filter } = part;
    filters.push(filter);
    const known = memo.folded === part ? memo.matches : undefined;
    const matches = state === undefined ? [] : await findMatches(fold, filter, table, state, known);
    if (validity === undefined) {
      const result = await foldPart(fold, matches, inputs, table, progress, budget);
      add(counts, result.counts);
      truncated ||= result.truncated;
    } else {
      const result = await versionPart(fold, matches, inputs, table, progress);
      add(counts, result.counts);
      truncated ||= result.truncated;
      latest = later(latest, result.latest);
      for (const match of matches) noteSeen(seen, fileKey(match.add), match);
    }
  }
  const retires = validity !== undefined && (truncated || validity.retireAbsent);
  if (retires && state !== undefined)
    for await (const file of liveFiles(state, table)) {
      const retired = await retireFile(file, seen.get(fileKey(file)), table, progress);
      counts.deleted += retired;
      if (retired > 0) latest = later(latest, BigInt(validity.at));
    }
  const whole = validity === undefined && truncated;
  if (table.operation.follows !== undefined)
    subtract(counts, await followRoots({ ...options, state: whole ? undefined : state, ...progress }));
  return {
    edits: progress.edits,
    picked: progress.picked,
    counts,
    whole,
    // Of many parts the keys are not kept.
    reads:
      whole || retires || parts > 1 ? () => true : (file) => filters.some((filter) => filter.mayHold(file)),
    latest,
  };
}

/** The load in parts that fit into memory; the only part of a load that has one is remembered. */
async function* partsOf({ table, inputs, memo, budget }: MergeWorkOptions): AsyncGenerator<FoldedPart> {
  if (memo.folded !== undefined) {
    yield memo.folded;
    return;
  }
  // Versions are compared with each other: rows of keys that are folded together are in memory together.
  const extra = table.operation.strategy === "scd2" ? (3 * budget) / rowsAtOnce(inputs, budget) : 0;
  for await (const fold of foldInputs(inputs, table, 0.75 * budget, extra)) {
    const part = { fold, filter: filterOf(fold, table) };
    if (fold.numbers === undefined) memo.folded = part;
    yield part;
  }
}

function add(sum: { inserted: number; updated: number; deleted: number }, counts: RowCounts): void {
  sum.inserted += counts.inserted;
  sum.updated += counts.updated;
  sum.deleted += counts.deleted;
}

/** Takes rows that did not stay out of what a load did. */
function subtract(
  sum: { inserted: number; updated: number; deleted: number },
  { stored, loaded }: LostRows,
): void {
  const inserted = Math.min(sum.inserted, loaded);
  sum.inserted -= inserted;
  // In place of others, which are gone with them.
  sum.updated -= loaded - inserted;
  sum.deleted += stored + loaded - inserted;
}

function later(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
}
