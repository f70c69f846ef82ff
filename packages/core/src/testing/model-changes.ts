import { ChangeOp, type Batch } from "../columns/batch.ts";
import type { Scalar } from "../columns/scalar.ts";
import type { TablePlan } from "../destination.ts";
import { AlluviumError } from "../errors.ts";
import { keyText, modelRows, oldKeyOf, valueOf, type ModelRow } from "./model-rows.ts";

/** A batch, and in which stretch between two sealed marks it was written. */
export interface WrittenBatch {
  readonly batch: Batch;
  readonly stretch: number;
}

/** One change, by itself. */
export interface ModelChange {
  readonly kind: "insert" | "update" | "delete" | "truncate";
  /** The key as text; of a truncate none. */
  readonly key: string;
  /** The key that the row had before, if that was another one. */
  readonly from: string | undefined;
  /** The cells that it holds. */
  readonly row: ModelRow;
  /** Whether it lacks cells of the table. */
  readonly isPartial: boolean;
  /** Whether the delete was made of a row, by the delete flag. */
  readonly isFlagged: boolean;
  /** Value of the order column; `undefined`: there is no such column, or the cell is not held. */
  readonly order: Scalar | null | undefined;
}

/** All changes in the order in which they take effect. Batches have the table's columns. */
export function modelChanges(
  written: readonly WrittenBatch[],
  { primaryKey, merge }: Pick<TablePlan, "primaryKey" | "merge">,
): ModelChange[] {
  const placed: { readonly change: ModelChange; readonly stretch: number; readonly ordinal: bigint }[] = [];
  let stretchNow = -1;
  let greatest = 0n;
  for (const { batch, stretch } of written) {
    if (stretch !== stretchNow) greatest = -(2n ** 63n);
    stretchNow = stretch;
    for (const [i, row] of modelRows(batch).entries()) {
      const ordinal = batch.changes?.ordinals[i] ?? greatest;
      placed.push({ change: changeOf(batch, i, row), stretch, ordinal });
    }
    for (const ordinal of batch.changes?.ordinals.subarray(0, batch.length) ?? [])
      if (ordinal > greatest) greatest = ordinal;
  }
  placed.sort(
    (a, b) => a.stretch - b.stretch || (a.ordinal < b.ordinal ? -1 : a.ordinal > b.ordinal ? 1 : 0),
  );
  return placed.map(({ change }) => change);

  function changeOf(batch: Batch, i: number, row: ModelRow): ModelChange {
    const op = batch.changes?.ops[i] ?? ChangeOp.insert;
    const isFlagged =
      op < ChangeOp.delete && merge?.deleteFlag !== undefined && valueOf(row, merge.deleteFlag) === true;
    const kind = isFlagged
      ? "delete"
      : (["insert", "update", "delete", "truncate"] as const)[op as 0 | 1 | 2 | 3];
    const key = keyText(row, primaryKey);
    if (kind !== "truncate")
      for (const column of primaryKey)
        if (valueOf(row, column) === null)
          throw new AlluviumError(
            "ALV_ROW_INVALID",
            `a row has null in its key column ${JSON.stringify(column)}; rows are found by their key: filter such rows out, or choose another primaryKey`,
          );
    const old = oldKeyOf(batch, i, primaryKey);
    const from = old && keyText(old, primaryKey);
    const { orderBy } = merge ?? {};
    return {
      kind,
      key,
      from: from === key ? undefined : from,
      row,
      isPartial: op < ChangeOp.delete && row.size < batch.schema.fields.length,
      isFlagged,
      order: orderBy === undefined || !row.has(orderBy) ? undefined : valueOf(row, orderBy),
    };
  }
}
