import { takeBatch, type Batch } from "@alluvium/core/columns";
import type { FileBatch } from "./file-rows.ts";
import { rowMatcher, type Predicate } from "./predicate.ts";

/** Which rows {@link selectRows} keeps: those that satisfy all predicates, or the others. */
export type Keep = "matching" | "others";

/**
 * The rows of a piece of a file that are not deleted and do, or do not, satisfy all predicates; `undefined` where none is left, the same
 * batch where all are.
 */
export function selectRows(
  { batch, deleted, firstRow }: FileBatch,
  predicates: readonly Predicate[],
  keep: Keep,
): Batch | undefined {
  const { length } = batch;
  if (deleted === undefined && predicates.length === 0)
    return keep === "matching" && length > 0 ? batch : undefined;
  const tests = predicates.map((predicate) => {
    const index = batch.schema.fields.findIndex(({ name }) => name === predicate.column.name);
    return rowMatcher(predicate, batch.columns[index]!);
  });
  const wanted = keep === "matching";
  const rows = new Int32Array(length);
  let count = 0;
  for (let row = 0; row < length; row++) {
    const inFile = firstRow + row;
    if (deleted !== undefined && ((deleted[inFile >> 3]! >> (inFile & 7)) & 1) === 1) continue;
    if (tests.every((test) => test(row)) === wanted) rows[count++] = row;
  }
  if (count === 0) return undefined;
  return count === length ? batch : takeBatch(batch, rows.subarray(0, count));
}
