import { formatScalar } from "../columns/text.ts";
import { isScalar, scalarAt, type Scalar } from "../columns/scalar.ts";
import { AlluviumError } from "../errors.ts";
import { ChangeKind } from "./change-rows.ts";
import type { Changelog } from "./changelog.ts";
import { compareOrder, orderValues } from "./order-values.ts";
import { NO_BASE, storedEntry, storedRow, type RowChains } from "./row-chains.ts";
import type { StoredRows } from "./stored-rows.ts";

/** What happened to the row of a key: it has another row now (a number of {@link RowChains}), or none (`NO_BASE`). */
export type OnChange = (entry: number, row: number, position: number) => void;

/** The rows of keys while changes are applied to them one after another: what {@link MergeStrategy} says of `upsert`, step by step. */
export interface KeyStates {
  /** Applies the change at a position, which is no truncate. */
  apply(position: number): void;
  /** Takes away all rows. */
  truncate(position: number): void;
  /** The row that a key has: one of the chains, a stored one, or `NO_BASE`. */
  row(entry: number): number;
}

export function keyStates(
  changelog: Changelog,
  stored: StoredRows,
  chains: RowChains,
  onChange?: OnChange,
): KeyStates {
  const { entries, kinds, oldEntries, keys } = changelog;
  const rows = new Int32Array(keys.size);
  for (let entry = 0; entry < rows.length; entry++)
    rows[entry] = stored.present[entry] === 1 ? storedRow(entry) : NO_BASE;
  // Rows that a move has put another row upon, the oldest first; see the comment of MergeStrategy.
  const aside = new Map<number, number[]>();
  const order = changelog.order && orderValues(changelog.order, stored.order);
  // The greatest value by which a key was deleted in this load.
  const graves = new Map<number, Scalar>();

  function set(entry: number, row: number, position: number): void {
    rows[entry] = row;
    onChange?.(entry, row, position);
  }

  /** The value of a row of the chains; one that was not sent is that of its base. */
  function orderOf(row: number): Scalar | null {
    let at = row;
    while (at >= 0) {
      const position = chains.position(at);
      if ((kinds[position]! & ChangeKind.orderUnsent) === 0) return order!.loaded(position);
      at = chains.base(at);
    }
    return at === NO_BASE ? null : order!.stored(storedEntry(at));
  }

  /** Takes away the row of a key, unless it has a greater value. */
  function takeAway(entry: number, position: number, value: Scalar | null | undefined): void {
    const [oldest] = aside.get(entry) ?? [];
    const row = oldest ?? rows[entry]!;
    if (row === NO_BASE) return;
    if (value !== undefined && value !== null && compareOrder(value, orderOf(row)) < 0) return;
    if (oldest !== undefined) aside.get(entry)!.shift();
    else set(entry, NO_BASE, position);
  }

  function deleteKey(entry: number, position: number): void {
    const value = order?.loaded(position);
    takeAway(entry, position, value);
    if (value === undefined) return;
    if (value === null) graves.delete(entry);
    else if (compareOrder(value, graves.get(entry) ?? null) >= 0) graves.set(entry, value);
  }

  return {
    row: (entry) => rows[entry]!,
    truncate(position) {
      aside.clear();
      graves.clear();
      for (let entry = 0; entry < rows.length; entry++)
        if (rows[entry] !== NO_BASE) set(entry, NO_BASE, position);
    },
    apply(position) {
      const kind = kinds[position]!;
      const entry = entries[position]!;
      const op = kind & ChangeKind.mask;
      const old = (kind & ChangeKind.moved) !== 0 ? oldEntries![position]! : -1;
      const from = old < 0 ? entry : old;
      const base = old < 0 ? rows[entry]! : (aside.get(old)?.[0] ?? rows[old]!);
      const isPartial = (kind & ChangeKind.partial) !== 0;
      const value =
        order === undefined
          ? undefined
          : (kind & ChangeKind.orderUnsent) === 0
            ? order.loaded(position)
            : orderOf(base);
      if (old >= 0) takeAway(old, position, value);
      if (op === ChangeKind.delete) {
        deleteKey(entry, position);
        return;
      }
      if (value !== undefined) {
        const row = rows[entry]!;
        if (row !== NO_BASE && compareOrder(value, orderOf(row)) < 0) return;
        if (compareOrder(value, graves.get(entry) ?? null) < 0) return;
      }
      if (isPartial && base === NO_BASE && op === ChangeKind.update) throw missingRow(changelog, from);
      const row = chains.add(position, base, isPartial);
      if (old >= 0 && base !== NO_BASE && rows[entry] !== NO_BASE) {
        const waiting = aside.get(entry);
        if (waiting === undefined) aside.set(entry, [rows[entry]!]);
        else waiting.push(rows[entry]!);
      }
      set(entry, row, position);
    },
  };
}

function missingRow({ keys }: Changelog, entry: number): AlluviumError {
  const key = keys
    .keys()
    .map((column) => {
      const value = isScalar(column.type) ? scalarAt(column, entry) : null;
      return value === null ? "null" : formatScalar(column.type, value);
    })
    .join(", ");
  return new AlluviumError(
    "ALV_ROW_INVALID",
    `an update of key (${key}) holds only some of its cells, and no row with that key is there to keep the others: read the table anew (refresh it), so that its row is there, or have the source send whole rows`,
  );
}
