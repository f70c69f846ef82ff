import type { Ability } from "./stream.ts";

/**
 * What a load does with the rows of a table: add them (`append`), put them in place of all rows or of those in a window
 * (`replace`), or fold them in by key (`merge`).
 */
export type Disposition =
  | { readonly kind: "append"; readonly replaceWhere?: Where }
  | { readonly kind: "replace"; readonly where?: Where; readonly allowEmpty: boolean }
  | { readonly kind: "merge"; readonly strategy: MergeStrategy };

/**
 * How a merge folds rows in. The changes of a load take effect in the order of their ordinals (`Changes`), which count within the stretch
 * between two sealed marks of their stream: what was written before a sealed mark comes before what is written after it. Rows of a batch
 * without `changes` are inserts of whole rows, in the order of writing, each after all that was written before it. What follows holds for
 * the stored rows and the load's rows taken together, one change after another:
 *
 * - `upsert`: a row takes the place of the stored one of its primary key, or is added. A delete takes the key's row away; of a key
 *   that is not there it does nothing. Of two rows of one key the last one stays, or with `orderBy` the one with the greater value there
 *   (of equal ones the last).
 * - `insertOnly`: an insert of a key that is there, stored or earlier in the load, is left out; updates, deletes and truncates are, too.
 * - `deleteInsert`: all stored rows go whose merge key occurs in a row of the load, or whose primary key in any of its changes. Nulls of a
 *   merge key equal one another; a delete that is no row (by op) has no merge key. Then the load's rows are added, one for each primary key,
 *   folded as in an `upsert` into an empty table. It takes effect once for everything that its stream read, at the stream's end.
 * - `scd2`: the history of each key. A row that differs from its key's active version in any column but the system's and the validity
 *   columns ends that version and begins one; an equal row changes nothing (null and absent are equal, so are `-0` and `0`, NaN and NaN; JSON
 *   is compared by its text). A delete ends the active version. Every version in a load is kept. A key that comes again after its end begins
 *   a new version, whatever it holds.
 *
 * An update that moved its key takes the old key's row away and puts the new one. Where the old key's row was there, and one of the new key is,
 * then that one is set aside: the next move away from that key in the load, or delete of it, takes the one set aside and leaves the
 * row that was put, so that keys can be swapped and shifted. What is still set aside at the load's end has been replaced.
 *
 * Cells that a change does not hold (`Changes.unchanged`) keep what the row of its key (of its old key, where it moved) holds at that
 * moment; where there is no such row an insert has null, and an update cannot be applied (`ALV_ROW_INVALID`). In a batch with `unchanged`
 * columns of the table that the batch lacks are cells that its rows do not hold; in others they are null (`conformBatch`). `deleteInsert` takes whole rows only
 * (`ALV_UNSUPPORTED`), and `insertOnly` has null.
 * A truncate takes away every row of the table that is there at that moment; in `scd2` it ends every active version.
 * Values of a primary key are never null (`ALV_ROW_INVALID`), but in truncates.
 */
export type MergeStrategy = "upsert" | "insertOnly" | "deleteInsert" | "scd2";

/** Options of merges; which ones a strategy has, the options of resources say. */
export interface MergeOptions {
  /**
   * Of a key the row with the greatest value here wins, stored rows included: one with a smaller value than the stored row changes
   * nothing. Null is the smallest. A delete without a value (by key alone) always takes effect; one with a value counts like a row: it
   * takes nothing away that has a greater value, and later changes of the load with a smaller one do nothing (later loads do not know of it).
   * A move is compared twice: with the row that it takes away, and as a row of its new key. A row that does not hold this cell has the value
   * of the row that it changes. `deleteInsert`: compares the load's rows only, since what is stored goes.
   */
  readonly orderBy?: string | undefined;
  /** A row with `true` in this column deletes its key (and its old one, where it moved). It is a boolean column; null, or a cell that is not held, is false. */
  readonly deleteFlag?: string | undefined;
  /** `deleteInsert`: the columns whose values say which stored rows go. @default the primary key */
  readonly mergeKey?: readonly string[] | undefined;
  /** `scd2`: how its columns are named and when versions begin. */
  readonly validity?: Validity | undefined;
}

/** How `scd2` keeps versions. */
export interface Validity {
  /** Timestamp (utc) from which a version holds, inclusive. */
  readonly from: string;
  /** Timestamp (utc) until which it held, exclusive; null while it is active. */
  readonly to: string;
  /** Boolean: whether it is the key's active version. */
  readonly active: string;
  /**
   * When versions begin that the load brings. `undefined`: at the load's boundary, which is max(now, the table's last boundary + 1 µs).
   * `at`: at this time, in milliseconds since 1970, or the table's last boundary + 1 µs where that is later in the same millisecond; a time before
   * that is `ALV_CONFIG`. What happens to a key is 1 µs later for every version of it that the load has begun before, and a version ends when
   * the next one of its key begins. The table's last boundary is the greatest time in its validity columns.
   *
   * `column`: the time in that column of the row (a timestamp, or a date at midnight UTC), but never before the beginning of the version that it
   * ends. Where it is null or not held, and in truncates, the load's boundary.
   */
  readonly boundary?: { readonly column: string } | { readonly at: number } | undefined;
  /** Whether keys that a complete read of the stream did not bring are ended, once, at its end. A read without rows ends all of them. */
  readonly retireAbsent: boolean;
}

/** The validity columns of `scd2` unless a resource names others. */
export const validityColumns: Pick<Validity, "from" | "to" | "active"> = {
  from: "_alv_valid_from",
  to: "_alv_valid_to",
  active: "_alv_active",
};

/** A window of rows: every condition holds. Values are in user form; the column's type decides how they compare. */
export type Where = readonly Condition[];

/** One comparison of a column with a value (`in`: with any of several). */
export interface Condition {
  /** Name of the column. */
  readonly column: string;
  /** How the column is compared with `value`; nulls meet no condition. */
  readonly op: "=" | "<" | "<=" | ">" | ">=" | "in";
  /** In user form (`Date`, number, bigint, text, boolean); for `in` an array of them. */
  readonly value: unknown;
}

/** The ability that a disposition asks of a destination. */
export function abilityOf(disposition: Disposition): Ability {
  return disposition.kind === "merge" ? disposition.strategy : disposition.kind;
}

/**
 * When the rows of a table take effect. `load`: with any load that holds them. `end`: all at once when the stream has been read to its
 * end, because stored rows that they do not know of go (`replace`, a replaced window, `deleteInsert`, retirement of absent keys).
 */
export function takesEffect(disposition: Disposition, merge: MergeOptions | undefined): "load" | "end" {
  const whole =
    disposition.kind === "merge"
      ? disposition.strategy === "deleteInsert" ||
        (disposition.strategy === "scd2" && merge?.validity?.retireAbsent === true)
      : disposition.kind === "replace" || disposition.replaceWhere !== undefined;
  return whole ? "end" : "load";
}

/** Whether every run reads everything, because what it does not bring goes: a replace, and the retirement of absent keys. */
export function readsAll(disposition: Disposition | undefined, merge: MergeOptions | undefined): boolean {
  return disposition?.kind === "replace" || merge?.validity?.retireAbsent === true;
}

/** The window that a disposition replaces; `undefined` where it adds rows, merges, or replaces all of them. */
export function windowOf(disposition: Disposition): Where | undefined {
  if (disposition.kind === "merge") return undefined;
  return disposition.kind === "append" ? disposition.replaceWhere : disposition.where;
}

/** The columns whose values decide what a merge does with a row, beside the primary key. */
export function decidingColumns(merge: MergeOptions | undefined): readonly string[] {
  const { orderBy, deleteFlag, mergeKey = [], validity } = merge ?? {};
  const boundary = validity?.boundary;
  const at = boundary !== undefined && "column" in boundary ? boundary.column : undefined;
  return [...mergeKey, ...[orderBy, deleteFlag, at].filter((column) => column !== undefined)];
}

/** The disposition with the columns of its window under other names. */
export function renameWindow(disposition: Disposition, rename: (column: string) => string): Disposition {
  const where = windowOf(disposition)?.map((condition) => ({
    ...condition,
    column: rename(condition.column),
  }));
  if (where === undefined) return disposition;
  return disposition.kind === "append"
    ? { ...disposition, replaceWhere: where }
    : ({ ...disposition, where } as Disposition);
}
