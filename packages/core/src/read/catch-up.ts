import type { Batch } from "../columns/batch.ts";
import { pointOfCursor, type ColumnCursor } from "../cursor/column-cursor.ts";
import { takenRows } from "../cursor/multiset.ts";
import { orderIn } from "../cursor/order.ts";
import { keepRows, type Rows } from "../cursor/rows.ts";

/**
 * The rows of each batch that a read which stopped at `goal` has taken: those below it, and at its value the ones in its boundary. With
 * them a resource that lags behind gets to where others stand, and from there all of them share one read.
 */
export function rowsUpTo(goal: ColumnCursor, column: string): (batch: Batch) => Rows {
  const point = pointOfCursor(goal);
  const taken = takenRows(goal.boundary);
  return (batch) => {
    const order = orderIn(batch, column);
    if (point === undefined) return undefined;
    const compare = order.comparerTo(point);
    const met: number[] = [];
    const near = keepRows(undefined, batch.length, (row) => {
      const difference = order.isNull(row) ? -1 : compare(row);
      if (difference === 0) met.push(row);
      return difference <= 0;
    });
    if (met.length === 0) return near;
    const beyond = new Set(taken.fresh(batch, Int32Array.from(met)));
    return keepRows(near, batch.length, (row) => !beyond.has(row));
  };
}
