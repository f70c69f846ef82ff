import { ChangeOp, columnOf, type Batch } from "../columns/batch.ts";
import { castVector } from "../columns/cast.ts";
import { nullVector } from "../columns/null-vector.ts";
import { describeValue } from "../columns/refuse.ts";
import { resourceError } from "../errors.ts";
import type { Schema } from "../schema/types.ts";
import type { KeyNames } from "../plan-steps.ts";
import type { Portion } from "./portion.ts";

/** The key columns of rows that are deleted, under their final names. */
export function keyBatch({ schema, columns, length }: Batch, key: KeyNames, resource: string): Batch {
  const found = Array.from(key, ([column, last]) => {
    const at = schema.fields.findIndex(({ name }) => name === column);
    if (at < 0 || columns[at]!.nullCount > 0)
      throw resourceError(
        "ALV_ROW_INVALID",
        resource,
        `filter refuses rows, which deletes their keys, but the key column ${JSON.stringify(last)} ${at < 0 ? `is not among the columns before the filter (looked for ${JSON.stringify(column)})` : "is null in some"}. Filter where the key is known`,
      );
    return { field: { ...schema.fields[at]!, name: last }, column: columns[at]! };
  });
  return {
    schema: { fields: found.map(({ field }) => field) },
    length,
    columns: found.map(({ column }) => column),
  };
}

/** Checks that a map kept a row's key. */
export function sameKey(before: object, after: object, key: KeyNames, resource: string): void {
  for (const column of key.keys()) {
    const was = (before as Record<string, unknown>)[column];
    const is = (after as Record<string, unknown>)[column];
    if (String(was) !== String(is))
      throw resourceError(
        "ALV_CONFIG",
        resource,
        `map changes the key column ${JSON.stringify(column)} from ${describeValue(was)} to ${describeValue(is)}, so that the key which a filter before it deletes is not known. Filter after map, or keep the key`,
      );
  }
}

/**
 * A portion as batches to be written: plain, or where keys are deleted with the op and the position of each row. Deletes carry their key
 * and nulls elsewhere.
 */
export function writtenBatches(portion: Portion): readonly Batch[] {
  const batch = portion.batch();
  const { ordinals, deletes = [] } = portion;
  if (ordinals === undefined) return [batch];
  const first = deletes.find(({ keys }) => keys.length > 0);
  const schema = batch.schema.fields.length > 0 || first === undefined ? batch.schema : first.keys.schema;
  // Rows are whole, so an insert says enough: a merge puts it in place of what has its key.
  return [{ op: ChangeOp.insert, keys: batch, ordinals }, ...deletes].map(
    ({ op, keys, ordinals: positions }) => ({
      ...conformed(keys, schema),
      changes: { ops: new Uint8Array(keys.length).fill(op), ordinals: positions },
    }),
  );
}

function conformed(batch: Batch, schema: Schema): Batch {
  if (batch.schema === schema) return batch;
  const columns = schema.fields.map(({ name, type }) => {
    const column = columnOf(batch, name);
    return column === undefined ? nullVector(type, batch.length) : castVector(column, type, name);
  });
  return { schema, length: batch.length, columns };
}
