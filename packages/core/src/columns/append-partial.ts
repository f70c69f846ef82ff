import { createAppender, type Appender, type AppenderOptions } from "./append.ts";
import { ChangeOp } from "./batch.ts";
import { isValid, type Vector } from "./vector.ts";

/**
 * An appender of rows that may leave columns as they are: a property that a row lacks, or that is `undefined`, becomes an unchanged cell
 * (`Changes.unchanged`), one that is `null` becomes null. All rows are inserts. Their ordinals are 0: whoever knows the order puts them in.
 *
 * @example
 * ```ts
 * const appender = createPartialAppender();
 * appender.append({ id: 1, total: 5 });
 * appender.append({ id: 2, note: null });
 * const { changes } = appender.finish();
 * ```
 */
export function createPartialAppender(options: AppenderOptions = {}): Appender {
  const appender = createAppender(options);
  /** The rows that have null, by column. */
  let nulls = new Map<string, number[]>();
  return {
    append(row) {
      appender.append(row);
      const index = appender.length - 1;
      for (const key in row)
        if ((row as Record<string, unknown>)[key] === null && Object.hasOwn(row, key)) {
          const rows = nulls.get(key);
          if (rows === undefined) nulls.set(key, [index]);
          else rows.push(index);
        }
    },
    get length() {
      return appender.length;
    },
    get byteLength() {
      return appender.byteLength;
    },
    finish() {
      const batch = appender.finish();
      const { fields } = batch.schema;
      // Present also where no cell is unchanged: columns that the batch lacks are.
      const unchanged = batch.columns.map((column, i) =>
        absentRows(column, nulls.get(fields[i]!.name) ?? []),
      );
      nulls = new Map();
      const ops = new Uint8Array(batch.length).fill(ChangeOp.insert);
      return { ...batch, changes: { ops, ordinals: new BigInt64Array(batch.length), unchanged } };
    },
    recycle: (batch) => appender.recycle(batch),
  };
}

/** A bitmap of the rows that are null without having said so. */
function absentRows(column: Vector, nulls: readonly number[]): Uint8Array | undefined {
  if (column.nullCount === nulls.length) return undefined;
  const bits = new Uint8Array((column.length + 7) >> 3);
  for (let row = 0; row < column.length; row++) if (!isValid(column, row)) bits[row >> 3]! |= 1 << (row & 7);
  for (const row of nulls) bits[row >> 3]! &= ~(1 << (row & 7));
  return bits;
}
