import type { Batch } from "../columns/batch.ts";
import { materialize } from "../columns/dictionary.ts";
import { pointOfCursor, type ColumnCursor } from "../cursor/column-cursor.ts";
import { takenRows } from "../cursor/multiset.ts";
import { orderOf } from "../cursor/order.ts";
import { keepRows, type Rows } from "../cursor/rows.ts";

/**
 * The rows of each batch that a read which stopped at `goal` has taken: those below it, and at its value the ones in its boundary. With
 * them a resource that lags behind gets to where others stand, and from there all of them share one read.
 */
export function rowsUpTo(goal: ColumnCursor, column: string): (batch: Batch) => Rows {
  const point = pointOfCursor(goal);
  const taken = takenRows(goal.boundary);
  return (batch) => {
    const found = batch.columns[batch.schema.fields.findIndex(({ name }) => name === column)];
    const order = orderOf(found && materialize(found), column);
    if (point === undefined) return undefined;
    const compare = order.comparerTo(point);
    const isNull = (row: number): boolean => order.hasNulls && order.isNull(row);
    const met: number[] = [];
    const near = keepRows(undefined, batch.length, (row) => {
      if (isNull(row)) return true;
      const difference = compare(row);
      if (difference === 0) met.push(row);
      return difference <= 0;
    });
    if (met.length === 0) return near;
    const beyond = new Set(taken.fresh(batch, Int32Array.from(met)));
    return keepRows(near, batch.length, (row) => !beyond.has(row));
  };
}
