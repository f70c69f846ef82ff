import type { Batch } from "../columns/batch.ts";
import { conformBatch } from "../schema/conform.ts";
import type { Schema } from "../schema/types.ts";

/**
 * A written batch with exactly the columns that its table has when it is merged (`conformBatch`). A column that came after it is one of the cells
 * that its rows do not hold, where the batch has such (`changes.unchanged`), and null elsewhere.
 */
export function conformChanges(batch: Batch, schema: Schema, table?: string): Batch {
  return conformBatch(batch, schema, {
    absent: batch.changes?.unchanged === undefined ? "null" : "unchanged",
    ...(table === undefined ? {} : { table }),
  });
}
