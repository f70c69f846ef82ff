import type { Ability } from "./stream.ts";

/**
 * What a load does with the rows of a table: add them (`append`), put them in place of all rows or of those in a window
 * (`replace`), or fold them in by key (`merge`).
 */
export type Disposition =
  | { readonly kind: "append"; readonly replaceWhere?: Where }
  | { readonly kind: "replace"; readonly where?: Where; readonly allowEmpty: boolean }
  | { readonly kind: "merge"; readonly strategy: MergeStrategy };

/** How a merge folds rows in. */
export type MergeStrategy = "upsert" | "insertOnly" | "deleteInsert" | "scd2";

/** Options of merges, by strategy. */
export type MergeOptions = {
  /** Rows of one key: the greatest value of this column wins, stored rows included. */
  readonly orderBy?: string | undefined;
  /** A true value in this column deletes the key. */
  readonly deleteFlag?: string | undefined;
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

/** The window that a disposition replaces; `undefined` where it adds rows, merges, or replaces all of them. */
export function windowOf(disposition: Disposition): Where | undefined {
  if (disposition.kind === "merge") return undefined;
  return disposition.kind === "append" ? disposition.replaceWhere : disposition.where;
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
