import type { Batch } from "@alluvium/core/columns";
import { combineRows, type CombinedRows } from "@alluvium/core/merge";
import { readFileRows } from "../read/file-rows.ts";
import { inputOf, readInput, type MergeInput } from "./inputs.ts";
import type { FileMatches, StoredPlaces } from "./matches.ts";
import { pickRows, type ReadPieces, type RowPlaces } from "./picked-rows.ts";
import { readingOf, type MergeTable } from "./table.ts";
import type { Column } from "../read/columns.ts";

/** Where the parts of rows come from. */
export interface RowSources {
  readonly table: MergeTable;
  readonly inputs: readonly MergeInput[];
  /** Number among the load's rows of each position in the changelog; `undefined`: the same. */
  readonly numbers: Int32Array | undefined;
  readonly matches: readonly FileMatches[];
  readonly places: StoredPlaces;
}

/** Rows of a load by their positions in the changelog, in that order, with what of them was not sent. */
export async function loadedRows(
  positions: Int32Array,
  columns: readonly Column[],
  { table, inputs, numbers }: RowSources,
): Promise<Batch | undefined> {
  const file = new Int32Array(positions.length);
  const row = new Int32Array(positions.length);
  for (let i = 0; i < positions.length; i++) {
    const number = numbers === undefined ? positions[i]! : numbers[positions[i]!]!;
    const input = inputOf(inputs, number);
    file[i] = input.index;
    row[i] = number - input.start;
  }
  const read: ReadPieces = async function* (index, wants) {
    for await (const { batch, firstRow } of readInput(inputs[index]!, table, columns, wants)) {
      const { schema, length, columns: vectors, changes } = batch;
      // Only what was not sent still matters, and whole rows get the same form.
      const bare = {
        ops: new Uint8Array(length),
        ordinals: new BigInt64Array(length),
        unchanged: changes?.unchanged,
      };
      yield { batch: { schema, length, columns: vectors, changes: bare }, firstRow };
    }
  };
  return pickRows({ file, row }, read);
}

/** Stored rows of entries, in that order; each must be stored. */
export function storedAt(
  entries: Int32Array,
  columns: readonly Column[],
  { table, matches, places }: RowSources,
): Promise<Batch | undefined> {
  const at: RowPlaces = {
    file: entries.map((entry) => places.file[entry]!),
    row: entries.map((entry) => places.row[entry]!),
  };
  const read: ReadPieces = (index, wants) =>
    readFileRows(matches[index]!.add, { ...readingOf(table, columns), wants });
  return pickRows(at, read);
}

/** Makes some of the rows that are combined out of parts, `[start, end)`. */
export async function combinedRows(
  combined: CombinedRows,
  start: number,
  end: number,
  columns: readonly Column[],
  sources: RowSources,
): Promise<Batch> {
  const part = sliceCombined(combined, start, end);
  const based = part.bases.filter((entry) => entry >= 0);
  const stored = await storedAt(based, columns, sources);
  let next = 0;
  const baseRows = part.bases.map((entry) => (entry < 0 ? -1 : next++));
  const parts = await loadedRows(part.positions, columns, sources);
  return withValues(combineRows(part, parts!, stored, baseRows));
}

/** Without changes: the rows are whole now. */
function withValues({ schema, length, columns }: Batch): Batch {
  return { schema, length, columns };
}

function sliceCombined({ bases, starts, positions }: CombinedRows, start: number, end: number): CombinedRows {
  const first = starts[start]!;
  return {
    length: end - start,
    bases: bases.slice(start, end),
    starts: starts.slice(start, end + 1).map((at) => at - first),
    positions: positions.slice(first, starts[end]!),
  };
}
