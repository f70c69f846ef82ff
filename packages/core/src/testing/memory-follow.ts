import { columnOf, type Batch } from "../columns/batch.ts";
import { userReader } from "../columns/rows.ts";
import { takeBatch } from "../columns/take.ts";
import type { Follows } from "../destination.ts";
import type { CommittedTable } from "./memory-commit.ts";

/** A child table without the rows whose root is gone. */
export function followRoots(child: CommittedTable, follows: Follows, root: CommittedTable): CommittedTable {
  const roots = new Set(root.table.batches.flatMap((batch) => [...valuesOf(batch, follows.rowId)]));
  const batches = child.table.batches.map((batch) => {
    const ids = [...valuesOf(batch, follows.rootId)];
    const kept = ids.flatMap((id, row) => (roots.has(id) ? [row] : []));
    return kept.length === batch.length ? batch : takeBatch(batch, Int32Array.from(kept));
  });
  const gone = rowsIn(child.table.batches) - rowsIn(batches);
  const { receipt } = child;
  const counts = receipt.changed ?? { inserted: 0, updated: 0, deleted: 0 };
  return {
    table: { ...child.table, batches: batches.filter(({ length }) => length > 0) },
    receipt: { ...receipt, changed: { ...counts, deleted: counts.deleted + gone } },
  };
}

function* valuesOf(batch: Batch, name: string): Iterable<unknown> {
  const column = columnOf(batch, name);
  if (column === undefined) return;
  const read = userReader(column);
  for (let row = 0; row < batch.length; row++) yield read(row);
}

function rowsIn(batches: readonly Batch[]): number {
  return batches.reduce((sum, { length }) => sum + length, 0);
}
