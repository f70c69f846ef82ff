import { AlluviumError } from "@alluvium/core";
import { bitAt, castVector, isValid, takeVector, type Vector } from "@alluvium/core/columns";
import { createKeyIndex, keyHashes, type KeyIndex } from "@alluvium/core/merge";
import type { FollowedTable } from "../../lake/contract.ts";
import { readFiles } from "../log/replay.ts";
import { loadState, type TableState } from "../log/state.ts";
import { columnsOf, mappingMode, type Column } from "../read/columns.ts";
import { readFileRows } from "../read/file-rows.ts";
import { anySet, rowsWith } from "./bits.ts";
import { liveFiles } from "./candidates.ts";
import type { TableEdits } from "./edits.ts";
import type { PickedRows } from "./fold-part.ts";
import { readInput } from "./inputs.ts";
import { fileSchema, namedColumns, readingOf, type MergeTable } from "./table.ts";

/** What {@link followRoots} works with. */
export interface FollowOptions {
  readonly table: MergeTable;
  /** The table as it stands; `undefined`: nothing of it stays. */
  readonly state: TableState | undefined;
  readonly edits: TableEdits;
  readonly picked: PickedRows;
  /** Bytes that it may hold. */
  readonly budget: number;
}

/** Rows whose root is not there. */
export interface LostRows {
  /** Of the table as it stood. */
  readonly stored: number;
  /** Of the load. */
  readonly loaded: number;
}

/** So many ids are never divided. */
const FEW = 1024;

/** How often the root may be rewritten while its ids are read. */
const ATTEMPTS = 10;

/**
 * Takes away the rows, stored ones and those that the load brings, whose root is not in its table. All ids of both tables are compared, so that
 * nothing has to be known of what the load did to the root: the root's part is applied before, and the pipeline's next load cannot be applied
 * before this one is everywhere. Where other processes do the same, one commit of the table wins, and the others find it.
 */
export async function followRoots(options: FollowOptions): Promise<LostRows> {
  const { table, budget } = options;
  const followed = table.operation.follows!;
  const column = namedColumns(table, [followed.rootId])[0]!;
  const lost = { stored: 0, loaded: 0 };
  for (let parts = 1, part = 0; part < parts;) {
    const ids = await rootIds(table, followed, column, { part, parts, limit: budget / 4 });
    if (ids === undefined) {
      // Nothing is taken away before the first part is in memory.
      parts *= 2;
      continue;
    }
    lost.stored += await dropStored(options, column, ids);
    lost.loaded += await dropLoaded(options, column, ids);
    part += 1;
  }
  return lost;
}

/** Ids of the rows that are in the root's table, or a part of them by their hashes. */
interface RootIds {
  readonly index: KeyIndex;
  readonly part: number;
  readonly parts: number;
}

/** Reads the ids of the root's rows; `undefined` where those of the first part take more bytes than `limit`. */
async function rootIds(
  table: MergeTable,
  followed: FollowedTable,
  { type }: Column,
  { part, parts, limit }: { readonly part: number; readonly parts: number; readonly limit: number },
): Promise<RootIds | undefined> {
  const { store, signal } = table;
  for (let attempt = 1; ; attempt++) {
    const state = await loadState(store, followed.directory, { signal });
    if (state === undefined) throw rootGone(followed);
    const ids = { index: createKeyIndex([type]), part, parts };
    try {
      for await (const values of idsOf(table, followed, state)) {
        const given = castVector(values, type, followed.rowId);
        ids.index.add([
          takeVector(
            given,
            rowsOfPart(given, (row) => isValid(given, row), ids),
          ),
        ]);
        if (part === 0 && ids.index.size > FEW && ids.index.bytes() > limit) return undefined;
      }
      return ids;
    } catch (error) {
      // A file that is gone may be so because others have rewritten the table meanwhile.
      if (!AlluviumError.is(error) || error.code !== "ALV_NOT_FOUND" || attempt === ATTEMPTS) throw error;
      const now = await loadState(store, followed.directory, { signal });
      if (now?.version === state.version) throw error;
    }
  }
}

/** Values of the root's id, batch by batch, those of deleted rows left out. */
async function* idsOf(
  { store, signal }: MergeTable,
  { table, directory, rowId }: FollowedTable,
  state: TableState,
): AsyncGenerator<Vector> {
  const column = columnsOf(state).find(({ name }) => name === rowId);
  if (column === undefined)
    throw new AlluviumError(
      "ALV_SCHEMA_CONFLICT",
      `table "${table}" has no column "${rowId}" any more, by which its child tables belong to it. Put it back, or settle the table with resync.`,
      { resource: table },
    );
  // Of unknown type it is in no file: no row has an id.
  if (column.type.kind === "null") return;
  const reading = {
    store,
    directory,
    mode: mappingMode(state),
    columns: [column],
    schema: fileSchema([column]),
    signal,
  };
  for await (const { add } of readFiles(store, directory, state.segment, signal)) {
    if (add === undefined) continue;
    for await (const { batch, firstRow, deleted } of readFileRows(add, reading)) {
      signal.throwIfAborted();
      const [values] = batch.columns;
      yield deleted === undefined || !anySet(deleted, firstRow, firstRow + batch.length)
        ? values!
        : takeVector(values!, rowsWith(deleted, firstRow, batch.length, false));
    }
  }
}

async function dropStored(
  { table, state, edits }: FollowOptions,
  column: Column,
  ids: RootIds,
): Promise<number> {
  if (state === undefined) return 0;
  let lost = 0;
  const reading = { ...readingOf(table, [column]), dictionaries: "all" as const };
  for await (const add of liveFiles(state, table))
    for await (const { batch, firstRow, deleted, fileRows } of readFileRows(add, reading)) {
      table.signal.throwIfAborted();
      for (const row of rowsWithout(batch.columns[0]!, ids)) {
        const at = firstRow + row;
        if (deleted !== undefined && bitAt(deleted, at)) continue;
        if (edits.remove({ add, fileRows, deleted }, at)) lost += 1;
      }
    }
  return lost;
}

async function dropLoaded({ table, picked }: FollowOptions, column: Column, ids: RootIds): Promise<number> {
  let lost = 0;
  for (const [input, bits] of picked) {
    const pieces = readInput(input, table, [column], (group, firstRow) =>
      anySet(bits, firstRow, firstRow + group.rows),
    );
    for await (const { batch, firstRow } of pieces) {
      table.signal.throwIfAborted();
      for (const row of rowsWithout(batch.columns[0]!, ids)) {
        const at = firstRow + row;
        if (!bitAt(bits, at)) continue;
        bits[at >> 3]! &= ~(1 << (at & 7));
        lost += 1;
      }
    }
  }
  return lost;
}

/** The rows of a part whose root is not among `ids`. */
function rowsWithout(roots: Vector, ids: RootIds): Int32Array {
  const entries = ids.index.probe([roots]);
  return rowsOfPart(roots, (row) => entries[row]! < 0, ids);
}

/** The rows that are wanted and whose id has a hash for a part. */
function rowsOfPart(
  values: Vector,
  wanted: (row: number) => boolean,
  { index, part, parts }: RootIds,
): Int32Array {
  const hashes = parts === 1 ? undefined : keyHashes(index.types, [values]);
  const rows = new Int32Array(values.length);
  let count = 0;
  for (let row = 0; row < values.length; row++)
    if (wanted(row) && (hashes === undefined || (hashes[row]! >>> 0) % parts === part)) rows[count++] = row;
  return rows.subarray(0, count);
}

function rootGone({ table, directory }: FollowedTable): AlluviumError {
  return new AlluviumError(
    "ALV_TABLE_NOT_FOUND",
    `table "${table}" is gone, whose rows those of child tables belong to: there is no Delta log in "${directory}". Restore it, or settle the table with resync.`,
    { resource: table },
  );
}
