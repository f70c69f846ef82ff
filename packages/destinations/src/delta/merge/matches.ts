import {
  bitAt,
  concatVectors,
  isValid,
  materialize,
  nullVector,
  takeVector,
  type FixedVector,
  type Vector,
} from "@alluvium/core/columns";
import type { Changelog, StoredRows } from "@alluvium/core/merge";
import type { AddFile } from "../log/actions.ts";
import { readFileRows } from "../read/file-rows.ts";
import type { KeyFilter } from "./key-filter.ts";
import { namedColumns, readingOf, type MergeTable } from "./table.ts";

/** The rows of a file of the table whose key a load names, those that are deleted left out. */
export interface FileMatches {
  readonly add: AddFile;
  /** Rows of the whole file. */
  readonly fileRows: number;
  /** Bitmap of the rows that are deleted already. */
  readonly deleted: Uint8Array | undefined;
  /** Numbers of the rows in the file, ascending. */
  readonly rows: Int32Array;
  /** Of each the entry of its key; -1: only its merge key is named. */
  readonly entries: Int32Array;
  /** Of each the value of the order column, where there is one. */
  readonly order: Vector | undefined;
  /** `scd2`: of each when it began. */
  readonly since: Vector | undefined;
}

/** Looks for the keys of a changelog in a file, reading no other columns than that takes. In `scd2` only active versions are looked at. */
export async function matchFile(
  add: AddFile,
  table: MergeTable,
  changelog: Changelog,
  filter: KeyFilter,
): Promise<FileMatches> {
  const { keys, operation, merge, signal } = table;
  const { validity } = operation;
  const orderBy = operation.strategy === "deleteInsert" ? undefined : merge.merge?.orderBy;
  const mergeKey = changelog.mergeKeys && merge.merge?.mergeKey;
  const names = keys.map(({ name }) => name);
  const columns = namedColumns(table, [
    ...names,
    ...(orderBy === undefined ? [] : [orderBy]),
    ...(mergeKey ?? []),
    ...(validity === undefined ? [] : [validity.active, validity.from]),
  ]);
  const found = growing();
  const orders: Vector[] = [];
  const sinces: Vector[] = [];
  let fileRows = 0;
  let deleted: Uint8Array | undefined;
  let scratch = new Int32Array(0);
  const reading = { ...readingOf(table, columns), wants: filter.wants, dictionaries: "all" as const };
  for await (const piece of readFileRows(add, reading)) {
    signal.throwIfAborted();
    const { batch, firstRow } = piece;
    ({ fileRows, deleted } = piece);
    const named = (name: string): Vector =>
      batch.columns[columns.findIndex((column) => column.name === name)]!;
    const near = filter.sorted?.(named(names[0]!));
    if (near?.length === 0) continue;
    const count = near?.length ?? batch.length;
    if (scratch.length < count) scratch = new Int32Array(count);
    const keyed = names.map((name) => (near === undefined ? named(name) : takeVector(named(name), near)));
    const entries = changelog.keys.probe(keyed, scratch);
    const byMerge = mergeKey && changelog.mergeKeys!.probe(mergeKey.map(named));
    const isActive = validity && activeReader(named(validity.active));
    const first = found.length;
    const picked: number[] = [];
    for (let i = 0; i < count; i++) {
      const entry = entries[i]!;
      if (entry < 0 && (byMerge === undefined || byMerge[i]! < 0)) continue;
      const row = near === undefined ? i : near[i]!;
      if (deleted !== undefined && bitAt(deleted, firstRow + row)) continue;
      if (isActive !== undefined && !isActive(row)) continue;
      found.push(firstRow + row, entry);
      picked.push(row);
    }
    if (found.length === first) continue;
    if (orderBy !== undefined) orders.push(takeVector(named(orderBy), Int32Array.from(picked)));
    if (validity !== undefined) sinces.push(takeVector(named(validity.from), Int32Array.from(picked)));
  }
  return {
    add,
    fileRows,
    deleted,
    ...found.finish(),
    order: orders.length === 0 ? undefined : concatVectors(orders),
    since: sinces.length === 0 ? undefined : concatVectors(sinces),
  };
}

function activeReader(vector: Vector): (row: number) => boolean {
  const plain = materialize(vector);
  if (plain.layout !== "boolean") return () => false;
  return (row) => isValid(plain, row) && bitAt(plain.values, row);
}

function growing(): {
  readonly length: number;
  push(row: number, entry: number): void;
  finish(): { rows: Int32Array; entries: Int32Array };
} {
  let rows = new Int32Array(256);
  let entries = new Int32Array(256);
  let length = 0;
  return {
    get length() {
      return length;
    },
    push(row, entry) {
      if (length === rows.length) {
        rows = larger(rows);
        entries = larger(entries);
      }
      rows[length] = row;
      entries[length++] = entry;
    },
    finish: () => ({ rows: rows.slice(0, length), entries: entries.slice(0, length) }),
  };
}

function larger(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(2 * array.length);
  grown.set(array);
  return grown;
}

/** Where stored rows stand: of each entry the number of its file among all matches and of its row there. */
export interface StoredPlaces {
  readonly file: Int32Array;
  readonly row: Int32Array;
}

/** What is stored of the keys of a changelog, and where. */
export function storedRows(
  matches: readonly FileMatches[],
  { keys: { size } }: Changelog,
): { readonly stored: StoredRows; readonly places: StoredPlaces } {
  const present = new Uint8Array(size);
  const file = new Int32Array(size).fill(-1);
  const row = new Int32Array(size).fill(-1);
  // Of each entry the number of its match among all.
  const numbers = new Int32Array(size).fill(-1);
  let base = 0;
  for (const [i, { entries, rows }] of matches.entries()) {
    for (let k = 0; k < entries.length; k++) {
      const entry = entries[k]!;
      if (entry < 0) continue;
      present[entry] = 1;
      file[entry] = i;
      row[entry] = rows[k]!;
      numbers[entry] = base + k;
    }
    base += entries.length;
  }
  const gathered = (pick: (match: FileMatches) => Vector | undefined): Vector | undefined => {
    const parts = matches.flatMap((match) => (match.rows.length === 0 ? [] : [pick(match)]));
    if (!parts.every((part) => part !== undefined)) return undefined;
    const [first] = parts;
    return first === undefined ? undefined : takeVector(concatVectors(parts), numbers);
  };
  const order = gathered((match) => match.order);
  const since = gathered((match) => match.since);
  return {
    stored: { present, ...(order && { order }), ...(since && { since: timesOf(since, size) }) },
    places: { file, row },
  };
}

function timesOf(vector: Vector, size: number): BigInt64Array {
  const plain = materialize(vector);
  const values = (plain.layout === "fixed" ? plain : (nullVector(vector.type, size) as FixedVector)).values;
  const times = new BigInt64Array(size);
  for (let i = 0; i < size; i++) if (isValid(plain, i)) times[i] = values[i] as bigint;
  return times;
}
