import { bitAt } from "../columns/bitmap.ts";
import type { Batch } from "../columns/batch.ts";
import { concatVectors } from "../columns/concat.ts";
import { takeVector } from "../columns/take.ts";
import { AlluviumError } from "../errors.ts";
import type { RowChains } from "./row-chains.ts";

/** Rows that are made of a stored row and rows of the load laid over it: of each, cells that were not sent show what is below. */
export interface CombinedRows {
  /** Number of rows. */
  readonly length: number;
  /** Of each the entry whose stored row is the base; -1: none, so that cells which no part holds are null. */
  readonly bases: Int32Array;
  /** Row i is made of `positions[starts[i]]` to `positions[starts[i + 1] - 1]`, the first at the bottom. */
  readonly starts: Int32Array;
  /** Positions among the load's rows. */
  readonly positions: Int32Array;
}

/** The parts of rows of the chains. */
export function combineChains(chains: RowChains, rows: readonly number[]): CombinedRows {
  const bases = new Int32Array(rows.length);
  const starts = new Int32Array(rows.length + 1);
  const positions: number[] = [];
  for (const [i, row] of rows.entries()) {
    const parts = chains.parts(row);
    bases[i] = parts.base;
    for (const position of parts.positions) positions.push(position);
    starts[i + 1] = positions.length;
  }
  return { length: rows.length, bases, starts, positions: Int32Array.from(positions) };
}

/**
 * Makes combined rows out of their parts.
 *
 * @param parts the rows at `combined.positions`, in that order, with their `changes.unchanged`
 * @param stored stored rows, of the same columns
 * @param baseRows for each combined row the row of `stored` that is its base; -1 for none. One for an entry of `combined.bases` that is not
 *   negative must be there.
 */
export function combineRows(
  combined: CombinedRows,
  parts: Batch,
  stored: Batch | undefined,
  baseRows: Int32Array,
): Batch {
  const { length, starts, bases } = combined;
  const under = stored?.length ?? 0;
  for (let i = 0; i < length; i++)
    if (bases[i]! >= 0 && baseRows[i]! < 0)
      throw new AlluviumError("ALV_INTERNAL", "the stored row below a partial one was not read");
  const columns = parts.columns.map((column, k) => {
    const unsent = parts.changes?.unchanged?.[k];
    const from = new Int32Array(length);
    for (let i = 0; i < length; i++) {
      let at = bases[i]! < 0 ? -1 : baseRows[i]!;
      for (let part = starts[i + 1]! - 1; part >= starts[i]!; part--)
        if (unsent === undefined || !bitAt(unsent, part)) {
          at = under + part;
          break;
        }
      from[i] = at;
    }
    const below = stored === undefined || under === 0 ? [] : [stored.columns[k]!];
    return takeVector(concatVectors([...below, column]), from);
  });
  return { schema: parts.schema, length, columns };
}
