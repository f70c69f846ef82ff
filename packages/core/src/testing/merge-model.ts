import { compareScalars, type Scalar } from "../columns/scalar.ts";
import type { RowCounts, TablePlan } from "../destination.ts";
import { AlluviumError } from "../errors.ts";
import { keyText, valueOf, type ModelRow } from "./model-rows.ts";
import type { ModelChange } from "./model-changes.ts";

/**
 * What `MergeStrategy` says, carried out to the letter on rows in memory, one change after another: slow, simple, and what faster ways are
 * compared with.
 */
export interface KeyedRows {
  /** The row of each key that has one. */
  readonly rows: ReadonlyMap<string, ModelRow>;
  apply(change: ModelChange): void;
}

/** Rows by key, and changes to them. `onChange` hears of each row that a key gets, and of `undefined` where its row goes. */
export function keyedRows(
  stored: Iterable<readonly [key: string, row: ModelRow]>,
  orderBy: string | undefined,
  onChange: (key: string, row: ModelRow | undefined, change: ModelChange) => void = () => {},
): KeyedRows {
  const rows = new Map(stored);
  const aside = new Map<string, ModelRow[]>();
  const deletedAt = new Map<string, Scalar>();

  const orderOf = (row: ModelRow | undefined): Scalar | null =>
    row === undefined || orderBy === undefined ? null : valueOf(row, orderBy);
  const isOlder = (value: Scalar | null | undefined, than: Scalar | null): boolean =>
    value !== undefined && than !== null && (value === null || compareScalars(value, than) < 0);

  function put(key: string, row: ModelRow | undefined, change: ModelChange): void {
    if (row === undefined) rows.delete(key);
    else rows.set(key, row);
    onChange(key, row, change);
  }

  function takeAway(key: string, value: Scalar | null | undefined, change: ModelChange): void {
    const waiting = aside.get(key) ?? [];
    const row = waiting[0] ?? rows.get(key);
    if (row === undefined || (value !== null && isOlder(value, orderOf(row)))) return;
    if (waiting.length > 0) waiting.shift();
    else put(key, undefined, change);
  }

  return {
    rows,
    apply(change) {
      const { key, from, kind, row, isPartial } = change;
      if (kind === "truncate") {
        aside.clear();
        deletedAt.clear();
        for (const one of rows.keys()) put(one, undefined, change);
        return;
      }
      const before = from === undefined ? rows.get(key) : (aside.get(from)?.[0] ?? rows.get(from));
      const value =
        orderBy === undefined ? undefined : change.order === undefined ? orderOf(before) : change.order;
      if (from !== undefined) takeAway(from, value, change);
      if (kind === "delete") {
        takeAway(key, orderBy === undefined ? undefined : (change.order ?? null), change);
        if (orderBy === undefined) return;
        const { order } = change;
        if (order === undefined || order === null) deletedAt.delete(key);
        else if (!isOlder(order, deletedAt.get(key) ?? null)) deletedAt.set(key, order);
        return;
      }
      const standing = rows.get(key);
      if (isOlder(value, orderOf(standing)) || isOlder(value, deletedAt.get(key) ?? null)) return;
      if (isPartial && before === undefined && kind === "update")
        throw new AlluviumError(
          "ALV_ROW_INVALID",
          `an update of key ${from ?? key} holds only some of its cells, and no row with that key is there to keep the others: read the table anew (refresh it), so that its row is there, or have the source send whole rows`,
        );
      if (from !== undefined && before !== undefined && standing !== undefined)
        aside.set(key, [...(aside.get(key) ?? []), standing]);
      put(key, isPartial ? new Map([...(before ?? []), ...row]) : row, change);
    },
  };
}

/** Rows after a merge, and what it did. */
export interface MergedRows {
  readonly rows: readonly ModelRow[];
  readonly counts: RowCounts;
}

/** `upsert`, `insertOnly` and `deleteInsert` on the rows of a table. */
export function mergeRows(
  before: readonly ModelRow[],
  all: readonly ModelChange[],
  plan: TablePlan,
): MergedRows {
  const { disposition, primaryKey, merge } = plan;
  const keyOf = (row: ModelRow): string => keyText(row, primaryKey);
  const strategy = disposition.kind === "merge" ? disposition.strategy : "upsert";
  const old = new Map(before.map((row) => [keyOf(row), row]));

  if (strategy === "insertOnly") {
    const added = new Map<string, ModelRow>();
    for (const { kind, key, row } of all)
      if (kind === "insert" && !old.has(key) && !added.has(key)) added.set(key, row);
    return {
      rows: [...before, ...added.values()],
      counts: { inserted: added.size, updated: 0, deleted: 0 },
    };
  }

  // Nothing is left of what came before a truncate.
  const truncatedAt = all.findLastIndex(({ kind }) => kind === "truncate");
  const changes = all.slice(Math.max(truncatedAt, 0));

  if (strategy === "deleteInsert") {
    if (changes.some(({ isPartial }) => isPartial))
      throw new AlluviumError(
        "ALV_UNSUPPORTED",
        "deleteInsert takes whole rows, and a row came of which cells were not sent: merge with upsert, or have the source send whole rows",
      );
    const mergeKey = merge?.mergeKey ?? primaryKey;
    const named = changes.filter(({ kind }) => kind !== "truncate");
    const keys = new Set(named.flatMap(({ key, from }) => (from === undefined ? [key] : [key, from])));
    const mergeKeys = new Set(
      named
        .filter(({ kind, isFlagged }) => kind !== "delete" || isFlagged)
        .map(({ row }) => keyText(row, mergeKey)),
    );
    const kept =
      truncatedAt >= 0
        ? []
        : before.filter((row) => !keys.has(keyOf(row)) && !mergeKeys.has(keyText(row, mergeKey)));
    const fresh = keyedRows([], merge?.orderBy);
    for (const change of changes) fresh.apply(change);
    return {
      rows: [...kept, ...fresh.rows.values()],
      counts: { inserted: fresh.rows.size, updated: 0, deleted: before.length - kept.length },
    };
  }

  const keyed = keyedRows(old, merge?.orderBy);
  for (const change of changes) keyed.apply(change);
  const touched = new Set<string>();
  let [inserted, updated] = [0, 0];
  for (const [key, row] of keyed.rows) {
    if (old.get(key) === row) continue;
    touched.add(key);
    if (old.has(key)) updated += 1;
    else inserted += 1;
  }
  // Rows of a key that is there more than once, from before the table was merged, go together.
  const kept = before.filter((row) => keyed.rows.has(keyOf(row)) && !touched.has(keyOf(row)));
  return {
    rows: [...kept, ...Array.from(touched, (key) => keyed.rows.get(key)!)],
    counts: {
      inserted,
      updated,
      deleted: Array.from(old.keys()).filter((key) => !keyed.rows.has(key)).length,
    },
  };
}
