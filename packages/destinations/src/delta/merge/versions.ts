import type { RowCounts } from "@alluvium/core";
import {
  bitAt,
  concatBatches,
  constantVector,
  isValid,
  materialize,
  nullVector,
  takeBatch,
  type Batch,
  type Vector,
} from "@alluvium/core/columns";
import { ACTIVE, comparedFields, foldHistory, keepChanged, NO_ROW, versionTimes } from "@alluvium/core/merge";
import type { AddFile } from "../log/actions.ts";
import type { Column } from "../read/columns.ts";
import { readFileRows } from "../read/file-rows.ts";
import { bitmapFor, setBit } from "./bits.ts";
import type { Fold } from "./changelog.ts";
import { combinedRows, loadedRows, storedAt, type RowSources } from "./combined.ts";
import type { TableEdits } from "./edits.ts";
import type { MergeInput } from "./inputs.ts";
import { storedRows, type FileMatches } from "./matches.ts";
import type { MergeOutput } from "./output.ts";
import { fileSchema, readingOf, type MergeTable } from "./table.ts";

const boolean = { kind: "boolean" } as const;
const instant = { kind: "timestamp", zone: "utc" } as const;

/** What a load did to the versions of some keys. */
export interface VersionsResult {
  readonly counts: RowCounts;
  readonly truncated: boolean;
  /** The greatest time that was written; `undefined`: none was. */
  readonly latest: bigint | undefined;
}

/** Ends and begins the versions that a part of a load brings. `matches`: the active versions of its keys. */
export async function versionPart(
  { changelog, numbers }: Fold,
  matches: readonly FileMatches[],
  inputs: readonly MergeInput[],
  table: MergeTable,
  { edits, output }: { readonly edits: TableEdits; readonly output: MergeOutput },
): Promise<VersionsResult> {
  const { stored, places } = storedRows(matches, changelog);
  const sources: RowSources = { table, inputs, numbers, matches, places };
  const history = foldHistory(changelog, stored);

  const present = Int32Array.from(stored.present.keys()).filter((entry) => stored.present[entry] === 1);
  const active = (await storedAt(present, table.columns, sources)) ?? emptyBatch(table.columns);
  const activeRows = new Int32Array(stored.present.length).fill(-1);
  present.forEach((entry, row) => (activeRows[entry] = row));

  const { loaded } = table;
  const rows = await eventRows(history, loaded, sources);
  const compared = comparedFields(loaded);
  const keep = keepChanged(history, columnsOf(rows, compared), columnsOf(active, compared), activeRows);
  const boundary = BigInt(table.operation.validity!.at);
  const versions = versionTimes(history, keep, changelog, boundary, stored);

  const ended = present.filter((entry) => versions.ended[entry] !== ACTIVE);
  for (const entry of ended) edits.remove(matches[places.file[entry]!]!, places.row[entry]!);
  if (ended.length > 0) {
    const times = BigInt64Array.from(Array.from(ended, (entry) => versions.ended[entry]!));
    await output.write(
      endedRows(
        takeBatch(
          active,
          ended.map((entry) => activeRows[entry]!),
        ),
        timesVector(times),
        table,
      ),
    );
  }
  if (versions.events.length > 0) {
    const numbersOf = rowNumbers(history.rows);
    const begun = takeBatch(
      rows,
      versions.events.map((event) => numbersOf[event]!),
    );
    await output.write(begunRows(begun, versions.from, versions.to, table));
  }
  return {
    counts: versions.counts,
    truncated: history.truncated,
    latest: greatest([versions.from, versions.to, versions.ended]),
  };
}

/**
 * Ends the active versions of the keys that a load does not name: those of a file that are not among `seen`, at the load's boundary. Says how
 * many.
 */
export async function retireFile(
  add: AddFile,
  seen: Uint8Array | undefined,
  table: MergeTable,
  { edits, output }: { readonly edits: TableEdits; readonly output: MergeOutput },
): Promise<number> {
  const { validity } = table.operation;
  let count = 0;
  for await (const { batch, firstRow, deleted, fileRows } of readFileRows(
    add,
    readingOf(table, table.columns),
  )) {
    table.signal.throwIfAborted();
    const isActive = materialize(columnNamed(batch, validity!.active));
    const since = materialize(columnNamed(batch, validity!.from));
    if (isActive.layout !== "boolean") continue;
    const picked: number[] = [];
    for (let row = 0; row < batch.length; row++) {
      const at = firstRow + row;
      if (deleted !== undefined && bitAt(deleted, at)) continue;
      if (seen !== undefined && bitAt(seen, at)) continue;
      if (!isValid(isActive, row) || !bitAt(isActive.values, row)) continue;
      if (edits.remove({ add, fileRows, deleted }, at)) picked.push(row);
    }
    if (picked.length === 0) continue;
    count += picked.length;
    const times = BigInt64Array.from(picked, (row) => timeAfter(since, row, BigInt(validity!.at)));
    await output.write(endedRows(takeBatch(batch, Int32Array.from(picked)), timesVector(times), table));
  }
  return count;
}

/** Marks the active versions that a part of a load has looked at, by file. */
export function noteSeen(seen: Map<string, Uint8Array>, key: string, { rows, fileRows }: FileMatches): void {
  if (rows.length === 0) return;
  let bitmap = seen.get(key);
  if (bitmap === undefined) seen.set(key, (bitmap = bitmapFor(fileRows)));
  for (const row of rows) setBit(bitmap, row);
}

/** The rows of all events that have one, in their order. */
async function eventRows(
  { rows, combined }: ReturnType<typeof foldHistory>,
  columns: readonly Column[],
  sources: RowSources,
): Promise<Batch> {
  const events = rows.filter((row) => row !== NO_ROW);
  const whole =
    (await loadedRows(
      events.filter((row) => row >= 0),
      columns,
      sources,
    )) ?? emptyBatch(columns);
  if (combined.length === 0) return plainRows(whole);
  const made = await combinedRows(combined, 0, combined.length, columns, sources);
  let next = 0;
  const order = events.map((row) => (row >= 0 ? next++ : whole.length + ~row));
  return takeBatch(concatBatches([plainRows(whole), plainRows(made)]), order);
}

function plainRows({ length, columns, schema }: Batch): Batch {
  return { schema, length, columns };
}

/** For each event the number of its row among those of all events; -1 where it has none. */
function rowNumbers(rows: Int32Array): Int32Array {
  let next = 0;
  return rows.map((row) => (row === NO_ROW ? -1 : next++));
}

function columnsOf(batch: Batch, columns: readonly Column[]): Batch {
  return {
    schema: fileSchema(columns),
    length: batch.length,
    columns: columns.map(({ name }) => columnNamed(batch, name)),
  };
}

function columnNamed({ schema, columns }: Batch, name: string): Vector {
  return columns[schema.fields.findIndex((field) => field.name === name)]!;
}

function emptyBatch(columns: readonly Column[]): Batch {
  return { schema: fileSchema(columns), length: 0, columns: columns.map(({ type }) => nullVector(type, 0)) };
}

/** Versions as they are once they have ended. */
function endedRows(batch: Batch, to: Vector, table: MergeTable): Batch {
  const { validity } = table.operation;
  return withColumns(batch, table, {
    [validity!.to]: to,
    [validity!.active]: constantVector(boolean, false, batch.length),
  });
}

/** Rows of a load as versions. */
function begunRows(batch: Batch, from: BigInt64Array, to: BigInt64Array, table: MergeTable): Batch {
  const { validity } = table.operation;
  const bits = bitmapFor(batch.length);
  for (const [row, time] of to.entries()) if (time === ACTIVE) setBit(bits, row);
  return withColumns(batch, table, {
    [validity!.from]: timesVector(from),
    [validity!.to]: timesVector(to),
    [validity!.active]: {
      layout: "boolean",
      type: boolean,
      length: batch.length,
      nullCount: 0,
      validity: undefined,
      values: bits,
    },
  });
}

function withColumns(batch: Batch, { columns }: MergeTable, own: Readonly<Record<string, Vector>>): Batch {
  return {
    schema: fileSchema(columns),
    length: batch.length,
    columns: columns.map(({ name }) => own[name] ?? columnNamed(batch, name)),
  };
}

/** Times, {@link ACTIVE} being null. */
function timesVector(times: BigInt64Array): Vector {
  const validity = bitmapFor(times.length);
  let nullCount = 0;
  for (const [row, time] of times.entries()) {
    if (time === ACTIVE) nullCount += 1;
    else setBit(validity, row);
  }
  return {
    layout: "fixed",
    type: instant,
    length: times.length,
    nullCount,
    validity: nullCount > 0 ? validity : undefined,
    values: times,
  };
}

/** A time, or that in a row, if it is later. */
function timeAfter(since: Vector, row: number, time: bigint): bigint {
  if (since.layout !== "fixed" || !isValid(since, row)) return time;
  const begun = since.values[row] as bigint;
  return begun > time ? begun : time;
}

function greatest(lists: readonly BigInt64Array[]): bigint | undefined {
  let found: bigint | undefined;
  for (const list of lists)
    for (const time of list) if (time !== ACTIVE && (found === undefined || time > found)) found = time;
  return found;
}
