import { columnOf, type Batch } from "../columns/batch.ts";
import { bitAt } from "../columns/bitmap.ts";
import { describeValue } from "../columns/refuse.ts";
import { userReader } from "../columns/rows.ts";
import { isValid, type Vector } from "../columns/vector.ts";
import type { Check } from "./check.ts";
import { rowTest } from "./row-test.ts";
import { MOST_EXAMPLES, type Tally } from "./tally.ts";

/** What is known of a table whose rows are looked at. */
export interface CheckedTable {
  readonly resource: string;
  readonly primaryKey: readonly string[];
  /** Columns whose values are not shown. */
  readonly masked: readonly string[];
  /** What a column is called in batches. @default the same */
  readonly nameOf?: ((column: string) => string) | undefined;
}

/** What a check finds in a batch. */
export interface Found {
  readonly tally: Tally;
  /** The rows that fail. */
  readonly rows: readonly number[];
}

/** A check of single rows, ready for one batch after another. */
export type RowCheck = (batch: Batch, isCounted: (row: number) => boolean) => Found;

/** A batch's column of a check; `undefined` where it lacks it. */
export function checkedColumn({ nameOf }: CheckedTable, column: string, batch: Batch): Vector | undefined {
  return columnOf(batch, nameOf?.(column) ?? column);
}

/** Makes a check of `notNull`, `accepted`, `range` or `pattern` ready. */
export function rowCheck(table: CheckedTable, check: Check): RowCheck {
  const test = check.rule.kind === "notNull" ? undefined : rowTest(table.resource, check);
  return (batch, isCounted) => {
    const columns = check.columns.map((name) => checkedColumn(table, name, batch));
    // Cells that were not sent stay as they are, and so do columns that are absent where some are not sent.
    const unchanged = batch.changes?.unchanged;
    const sent = columns.map((column) =>
      column === undefined ? undefined : unchanged?.[batch.columns.indexOf(column)],
    );
    const holds = columns.map((column) => (column === undefined ? undefined : test?.(column)));
    const rows: number[] = [];
    let looked = 0;
    const fails = (row: number): boolean =>
      columns.some((column, i) => {
        if (column === undefined) return test === undefined && unchanged === undefined;
        const bits = sent[i];
        if (bits !== undefined && bitAt(bits, row)) return false;
        const isNull = column.layout === "null" || !isValid(column, row);
        return isNull ? test === undefined : holds[i]?.(row) === false;
      });
    for (let row = 0; row < batch.length; row++) {
      if (!isCounted(row)) continue;
      looked += 1;
      if (fails(row)) rows.push(row);
    }
    return found(table, check, batch, rows, looked);
  };
}

/** What was found, with a few examples. */
export function found(
  table: CheckedTable,
  check: Check,
  batch: Batch,
  rows: readonly number[],
  looked: number,
): Found {
  const examples = rows.length === 0 ? [] : examplesOf(table, check, batch, rows.slice(0, MOST_EXAMPLES));
  return { tally: { rows: looked, failed: rows.length, examples }, rows };
}

/** Values of rows as text: those of the check's columns, or where these say nothing the key's. */
function examplesOf(
  table: CheckedTable,
  check: Check,
  batch: Batch,
  rows: readonly number[],
): readonly string[] {
  const byKey = check.columns.length === 0 || check.rule.kind === "notNull";
  const names = byKey ? table.primaryKey : check.columns;
  if (!check.examples || names.some((name) => table.masked.includes(name))) return [];
  const readers = names.flatMap((name) => {
    const column = checkedColumn(table, name, batch);
    return column === undefined ? [] : [[name, userReader(column)] as const];
  });
  if (readers.length === 0) return [];
  return rows.map((row) =>
    readers.map(([name, read]) => (byKey ? `${name} ${shown(read(row))}` : shown(read(row)))).join(", "),
  );
}

function shown(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  return value instanceof Date ? value.toISOString() : describeValue(value);
}
