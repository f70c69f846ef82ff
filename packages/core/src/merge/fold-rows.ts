import { orderValues, compareOrder } from "./order-values.ts";
import type { Scalar } from "../columns/scalar.ts";
import type { RowCounts } from "../destination.ts";
import type { MergeStrategy } from "../disposition.ts";
import { AlluviumError } from "../errors.ts";
import { ChangeKind } from "./change-rows.ts";
import type { Changelog } from "./changelog.ts";
import { combineChains, type CombinedRows } from "./combined-rows.ts";
import { keyStates } from "./key-states.ts";
import { NO_BASE, rowChains } from "./row-chains.ts";
import { firstChange, openKeys, type StoredRows } from "./stored-rows.ts";

/** What becomes of a key's stored row: nothing · it goes · the row of the load takes its place. */
export const KeyAction = { keep: 0, delete: 1, put: 2 } as const;

/** What the changes of a load come to, by key. */
export interface FoldedRows {
  /** One {@link KeyAction} an entry. */
  readonly actions: Uint8Array;
  /**
   * The row of each key that is put: its position among the load's rows, or, where negative, the complement (`~row`) of its number among
   * `combined`. -1 as well where none is put: look at `actions` first.
   */
  readonly rows: Int32Array;
  /** Rows that are made of several. */
  readonly combined: CombinedRows;
  /** Whether all stored rows go, those of other keys too. */
  readonly truncated: boolean;
  /**
   * What was done, in a table where a key has at most one row; `undefined` where `stored` is not known. Rows that a truncate took away are
   * not counted, nor the ones that go by a merge key.
   */
  readonly counts: RowCounts | undefined;
}

/**
 * Folds the changes of a load to one outcome per key, for every strategy but `scd2` (see `foldHistory`).
 *
 * - `upsert`: `stored` may be left out where no order column is compared and `storedNeeds` names none; then a delete or put
 *   stands for whatever is there.
 * - `insertOnly`: puts the first insert of each key; with `stored` only where no row is there.
 * - `deleteInsert`: puts one row per key and deletes by key where none is left. The caller deletes all stored rows of the changelog's keys and
 *   of its merge keys first. Partial rows are `ALV_UNSUPPORTED`.
 */
export function foldRows(
  changelog: Changelog,
  strategy: Exclude<MergeStrategy, "scd2">,
  stored?: StoredRows,
): FoldedRows {
  const { size } = changelog.keys;
  const winners = new Int32Array(size).fill(-1);
  const actions = new Uint8Array(size);
  const chains = rowChains();
  const combined: number[] = [];
  const present = stored?.present;

  if (strategy === "insertOnly") {
    firstInserts(changelog, winners);
    for (let entry = 0; entry < size; entry++) {
      const position = winners[entry]!;
      if (position < 0 || present?.[entry] === 1) continue;
      actions[entry] = KeyAction.put;
      if ((changelog.kinds[position]! & ChangeKind.partial) === 0) continue;
      combined.push(chains.add(position, NO_BASE, true));
      winners[entry] = ~(combined.length - 1);
    }
    return folded(false);
  }

  const first = firstChange(changelog);
  const truncated = first > 0;
  const { open } = openKeys(changelog, first);
  if (strategy === "deleteInsert") refusePartial(changelog, first);
  const isOpen = new Uint8Array(size);
  for (const entry of open) isOpen[entry] = 1;
  if (strategy === "upsert" && stored === undefined && !truncated && open.length > 0)
    throw new AlluviumError("ALV_INTERNAL", "partial or moved rows are folded with what is stored");
  const known: StoredRows =
    truncated || strategy === "deleteInsert" || stored === undefined
      ? { present: new Uint8Array(size) }
      : stored;

  const resets = lastRows(changelog, first, isOpen, winners);
  const order =
    changelog.order !== undefined && strategy === "upsert" && !truncated && stored !== undefined
      ? orderValues(changelog.order, stored.order)
      : undefined;
  for (let entry = 0; entry < size; entry++) {
    const position = winners[entry]!;
    if (position < 0) continue;
    const deletes = (changelog.kinds[position]! & ChangeKind.mask) === ChangeKind.delete;
    const value = order === undefined || resets?.[entry] === 1 ? undefined : order.loaded(position);
    if (value !== undefined && known.present[entry] === 1 && compareOrder(value, order!.stored(entry)) < 0) {
      winners[entry] = -1;
      continue;
    }
    actions[entry] = deletes ? KeyAction.delete : KeyAction.put;
    if (deletes) winners[entry] = -1;
  }

  if (open.length > 0) {
    const states = keyStates(changelog, known, chains);
    eachChange(changelog, first, (position) => {
      if (isOpen[changelog.entries[position]!] === 1) states.apply(position);
    });
    for (const entry of open) {
      const row = states.row(entry);
      if (row < NO_BASE) continue;
      if (row === NO_BASE) actions[entry] = KeyAction.delete;
      else {
        actions[entry] = KeyAction.put;
        if (chains.isWhole(row)) winners[entry] = chains.position(row);
        else {
          combined.push(row);
          winners[entry] = ~(combined.length - 1);
        }
      }
    }
  }
  if (present !== undefined && strategy === "upsert")
    for (let entry = 0; entry < size; entry++)
      if (actions[entry] === KeyAction.delete && known.present[entry] === 0) actions[entry] = KeyAction.keep;
  return folded(truncated);

  function folded(all: boolean): FoldedRows {
    return {
      actions,
      rows: winners,
      combined: combineChains(chains, combined),
      truncated: all,
      counts: present === undefined ? undefined : countActions(actions, all ? undefined : present),
    };
  }
}

function countActions(actions: Uint8Array, present: Uint8Array | undefined): RowCounts {
  let [inserted, updated, deleted] = [0, 0, 0];
  for (let entry = 0; entry < actions.length; entry++) {
    const action = actions[entry]!;
    const there = present?.[entry] === 1;
    if (action === KeyAction.put) {
      if (there) updated += 1;
      else inserted += 1;
    } else if (action === KeyAction.delete && there) deleted += 1;
  }
  return { inserted, updated, deleted };
}

function eachChange({ sequence, rows }: Changelog, first: number, visit: (position: number) => void): void {
  for (let i = first; i < rows; i++) visit(sequence === undefined ? i : sequence[i]!);
}

function firstInserts(changelog: Changelog, winners: Int32Array): void {
  const { kinds, entries } = changelog;
  eachChange(changelog, 0, (position) => {
    const entry = entries[position]!;
    if ((kinds[position]! & ChangeKind.mask) === ChangeKind.insert && winners[entry] === -1)
      winners[entry] = position;
  });
}

/**
 * The change of each key that holds, of keys without partial and moved rows: the last one, or the last of those with the greatest value in the order
 * column. Returns the keys that a delete without a value took away before, whatever is stored.
 */
function lastRows(
  changelog: Changelog,
  first: number,
  isOpen: Uint8Array,
  winners: Int32Array,
): Uint8Array | undefined {
  const { kinds, entries } = changelog;
  if (changelog.order === undefined) {
    eachChange(changelog, first, (position) => {
      const entry = entries[position]!;
      if (isOpen[entry] === 0) winners[entry] = position;
    });
    return undefined;
  }
  const resets = new Uint8Array(isOpen.length);
  const { loaded } = orderValues(changelog.order, undefined);
  // Values are kept only of keys with several changes: most have one.
  const values = new Map<number, Scalar | null>();
  const valueOf = (entry: number): Scalar | null => values.get(entry) ?? loaded(winners[entry]!);
  eachChange(changelog, first, (position) => {
    const entry = entries[position]!;
    if (isOpen[entry] === 1) return;
    const value = loaded(position);
    if (value === null && (kinds[position]! & ChangeKind.mask) === ChangeKind.delete) resets[entry] = 1;
    else if (winners[entry]! >= 0) {
      if (compareOrder(value, valueOf(entry)) < 0) return;
      values.set(entry, value);
    }
    if (value === null) values.delete(entry);
    winners[entry] = position;
  });
  return resets;
}

function refusePartial(changelog: Changelog, first: number): void {
  eachChange(changelog, first, (position) => {
    if ((changelog.kinds[position]! & ChangeKind.partial) !== 0)
      throw new AlluviumError(
        "ALV_UNSUPPORTED",
        "deleteInsert takes whole rows, and a row came of which cells were not sent: merge with upsert, or have the source send whole rows",
      );
  });
}
