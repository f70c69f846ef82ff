import { ChangeOp, type Batch } from "../columns/batch.ts";

/** Whether a row of a batch is put into the table: deletes and truncations are not. */
export function puts({ changes }: Batch): (row: number) => boolean {
  if (changes === undefined) return () => true;
  const { ops } = changes;
  return (row) => ops[row] !== ChangeOp.delete && ops[row] !== ChangeOp.truncate;
}
