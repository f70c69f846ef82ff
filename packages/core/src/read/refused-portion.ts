import { createAppender } from "../columns/append.ts";
import { columnOf } from "../columns/batch.ts";
import { scalarReader } from "../columns/scalar.ts";
import type { ReadRoot } from "../resource-definition.ts";
import type { RefusedRow } from "../refused-row.ts";
import type { Schema } from "../schema/types.ts";
import { portionOfBatch, type Portion } from "./portion.ts";

/** The column by which rows that were refused are known among others. */
const MARK = "_alv_refused";

/**
 * Refused rows on their way through what follows a cursor: they have a place in its order as others do, so that the cursor passes them by, and
 * they are not refused once more when their value is read again.
 */
export interface RefusedRows {
  /** Rows that were refused, as a portion with cursor and key; `loose`: those without a value to follow. */
  follow(
    refused: readonly RefusedRow[],
    given: readonly unknown[],
  ): { readonly portion: Portion; readonly loose: readonly RefusedRow[] };
  /** Whether a portion is one of refused rows. */
  has(portion: Portion): boolean;
  /** The refused rows of such a portion that came through, once. */
  take(portion: Portion): readonly RefusedRow[];
}

/** For one read of a resource that has a cursor. */
export function refusedRows(root: ReadRoot, schema: Schema): RefusedRows {
  const { column } = root.cursor!;
  const held = new Map<number, RefusedRow>();
  let next = 0;
  const hints = root.columns?.[column] === undefined ? {} : { [column]: root.columns[column] };
  const appender = createAppender({
    schema: {
      fields: schema.fields
        .filter(({ name }) => name === column)
        .map((field) => ({ ...field, nullable: true })),
    },
    columns: hints,
  });

  return {
    follow(refused, given) {
      const loose: RefusedRow[] = [];
      refused.forEach((row, i) => {
        const value = (given[i] as Readonly<Record<string, unknown>> | null | undefined)?.[column];
        // Keys as text: a refused one may be of any kind.
        const keys = Object.fromEntries(
          root.primaryKey.filter((name) => name !== column).map((name) => [name, keyText(row, name)]),
        );
        try {
          if (value === undefined || value === null) throw new Error("no value");
          appender.append({ [column]: value, ...keys, [MARK]: next, _alv_row: row.row });
          held.set(next, row);
          next += 1;
        } catch {
          loose.push(row);
        }
      });
      return { portion: portionOfBatch(appender.finish()), loose };
    },
    has: (portion) => columnOf(portion.batch(), MARK) !== undefined,
    take(portion) {
      const batch = portion.batch();
      const read = scalarReader(columnOf(batch, MARK)!);
      return Array.from({ length: batch.length }, (_, row) => {
        const mark = Number(read(row));
        const refused = held.get(mark)!;
        held.delete(mark);
        return refused;
      });
    },
  };
}

function keyText({ key }: RefusedRow, name: string): string {
  return JSON.stringify((key as Readonly<Record<string, unknown>> | undefined)?.[name] ?? null);
}
