import { concatVectors } from "../columns/concat.ts";
import { castVector } from "../columns/cast.ts";
import { nullVector } from "../columns/null-vector.ts";
import { takeVector } from "../columns/take.ts";
import { isValid, type Vector } from "../columns/vector.ts";
import { AlluviumError } from "../errors.ts";
import { describeType } from "../schema/describe.ts";
import type { ColumnType } from "../schema/types.ts";
import { widenTypes } from "../schema/widen.ts";
import { changeOrder, type OrdinalRun } from "./change-order.ts";
import { ChangeKind, kindsOf, type ChangeRows } from "./change-rows.ts";
import { createKeyIndex, type KeyIndex } from "./key-index.ts";

/** The changes of a load, by position: row 0 is the first that was added. */
export interface Changelog {
  /** Every key that a change names, old keys of moves included. */
  readonly keys: KeyIndex;
  /** Every merge key of a row; `undefined` where merges know no other key than the primary key. Deletes by op have none. */
  readonly mergeKeys: KeyIndex | undefined;
  /** Number of rows. */
  readonly rows: number;
  /** Position of the first row of each {@link ChangeRows} that was added. */
  readonly starts: readonly number[];
  /** The entry of each row's key; -1 for a truncate. */
  readonly entries: Int32Array;
  /** What each row is: {@link ChangeKind}. */
  readonly kinds: Uint8Array;
  /** The entry of the old key of a row that moved. */
  readonly oldEntries: Int32Array | undefined;
  /** Values of the order column. */
  readonly order: Vector | undefined;
  /** Values of the column that says when versions begin. */
  readonly boundary: Vector | undefined;
  /** Positions in the order in which rows take effect; `undefined`: as they are. */
  readonly sequence: Int32Array | undefined;
}

/** Gathers the changes of a load; the fold takes them from here. */
export interface ChangelogBuilder {
  /** Takes the next rows. */
  add(rows: ChangeRows): void;
  /** All that was taken. */
  finish(): Changelog;
}

/** Options of {@link changelogBuilder}. */
export interface ChangelogOptions {
  /** Types of the key columns in the table, to which those of all rows are cast. */
  readonly keyTypes: readonly ColumnType[];
  /** Types of the columns of a merge key that is another than the key. */
  readonly mergeKeyTypes?: readonly ColumnType[] | undefined;
  /** Names of the key columns, for messages. */
  readonly keyNames: readonly string[];
  /** About how many keys there will be. */
  readonly expected?: number | undefined;
}

/** Begins to gather the changes of a load. Keys that are null are `ALV_ROW_INVALID`. */
export function changelogBuilder(options: ChangelogOptions): ChangelogBuilder {
  const { keyTypes, mergeKeyTypes, keyNames, expected } = options;
  const keys = createKeyIndex(keyTypes, expected === undefined ? {} : { expected });
  const mergeKeys = mergeKeyTypes && createKeyIndex(mergeKeyTypes);
  const starts: number[] = [];
  const runs: OrdinalRun[] = [];
  const entryParts: Int32Array[] = [];
  const kindParts: Uint8Array[] = [];
  const oldParts: { readonly start: number; readonly rows: Int32Array; readonly entries: Int32Array }[] = [];
  const columns = { order: valueParts(), boundary: valueParts() };
  let count = 0;

  return {
    add(rows) {
      const { length, changes, stretch = 0 } = rows;
      if (length === 0) {
        starts.push(count);
        return;
      }
      const kinds = new Uint8Array(length);
      kindsOf(rows, kinds, 0);
      const entries = addKeys(keys, rows.keys, kinds, keyNames);
      const moved = rowsWith(kinds, (kind) => (kind & ChangeKind.moved) !== 0);
      if (moved.length > 0) {
        const old = keys.add(rows.oldKeys!.map((column) => takeVector(column, moved)));
        // An old key that is the new one is none.
        for (let i = 0; i < moved.length; i++)
          if (old[i] === entries[moved[i]!]) kinds[moved[i]!]! &= ~ChangeKind.moved;
        oldParts.push({ start: count, rows: moved, entries: old });
      }
      if (mergeKeys !== undefined) {
        const whole = rowsWith(
          kinds,
          (kind) => (kind & ChangeKind.mask) < ChangeKind.delete || (kind & ChangeKind.flagged) !== 0,
        );
        const named = rows.mergeKey!;
        mergeKeys.add(whole.length === length ? named : named.map((column) => takeVector(column, whole)));
      }
      columns.order.add(rows.order, count, length);
      columns.boundary.add(rows.boundary, count, length);
      starts.push(count);
      runs.push({ length, ordinals: changes?.ordinals, stretch });
      entryParts.push(entries);
      kindParts.push(kinds);
      count += length;
    },
    finish() {
      const entries = new Int32Array(count);
      const kinds = new Uint8Array(count);
      let at = 0;
      for (const [i, part] of entryParts.entries()) {
        entries.set(part, at);
        kinds.set(kindParts[i]!, at);
        at += part.length;
      }
      return {
        keys,
        mergeKeys,
        rows: count,
        starts,
        entries,
        kinds,
        oldEntries: oldParts.length === 0 ? undefined : oldEntries(oldParts, count),
        order: columns.order.finish(count),
        boundary: columns.boundary.finish(count),
        sequence: changeOrder(runs),
      };
    },
  };
}

function rowsWith(kinds: Uint8Array, test: (kind: number) => boolean): Int32Array {
  let count = 0;
  for (const kind of kinds) if (test(kind)) count += 1;
  const rows = new Int32Array(count);
  for (let row = 0, at = 0; at < count; row++) if (test(kinds[row]!)) rows[at++] = row;
  return rows;
}

function addKeys(
  index: KeyIndex,
  columns: readonly Vector[],
  kinds: Uint8Array,
  names: readonly string[],
): Int32Array {
  if (columns.every(({ nullCount }) => nullCount === 0)) return index.add(columns);
  const named = rowsWith(kinds, (kind) => (kind & ChangeKind.mask) !== ChangeKind.truncate);
  for (const [k, column] of columns.entries())
    for (const row of named)
      if (!isValid(column, row))
        throw new AlluviumError(
          "ALV_ROW_INVALID",
          `a row has null in its key column ${JSON.stringify(names[k])}; rows are found by their key: filter such rows out, or choose another primaryKey`,
        );
  const entries = new Int32Array(kinds.length).fill(-1);
  const found = index.add(columns.map((column) => takeVector(column, named)));
  for (let i = 0; i < named.length; i++) entries[named[i]!] = found[i]!;
  return entries;
}

function oldEntries(
  parts: readonly { readonly start: number; readonly rows: Int32Array; readonly entries: Int32Array }[],
  count: number,
): Int32Array {
  const all = new Int32Array(count).fill(-1);
  for (const { start, rows, entries } of parts)
    for (let i = 0; i < rows.length; i++) all[start + rows[i]!] = entries[i]!;
  return all;
}

/** The values of one column over all rows, which not all rows have. */
function valueParts(): {
  add(column: Vector | undefined, start: number, length: number): void;
  finish(count: number): Vector | undefined;
} {
  const parts: { readonly start: number; readonly column: Vector }[] = [];
  return {
    add(column, start) {
      if (column !== undefined) parts.push({ start, column });
    },
    finish(count) {
      const [first] = parts;
      if (first === undefined) return undefined;
      const type = parts.reduce((wide, { column }) => commonType(wide, column.type), first.column.type);
      const all: Vector[] = [];
      let at = 0;
      for (const { start, column } of parts) {
        if (start > at) all.push(nullVector(type, start - at));
        all.push(castVector(column, type));
        at = start + column.length;
      }
      if (at < count) all.push(nullVector(type, count - at));
      return concatVectors(all);
    },
  };
}

function commonType(a: ColumnType, b: ColumnType): ColumnType {
  const wide = widenTypes(a, b);
  if (wide !== undefined) return wide;
  throw new AlluviumError(
    "ALV_SCHEMA_CONFLICT",
    `the rows of a load cannot be ordered by a column that is ${describeType(a)} in some and ${describeType(b)} in others`,
  );
}
