import { ChangeOp, type Batch } from "../columns/batch.ts";
import { describeValue } from "../columns/refuse.ts";
import { nullVector } from "../columns/null-vector.ts";
import { AlluviumError } from "../errors.ts";
import type { Schema } from "../schema/types.ts";
import type { KeyNames } from "./plan-steps.ts";
import { joinBatches, type Portion } from "./portion.ts";
import { castVector } from "../columns/cast.ts";

/** The key columns of rows that are deleted, under their final names. */
export function keyBatch(batch: Batch, key: KeyNames, resource: string): Batch {
  const fields = [];
  const columns = [];
  for (const [column, last] of key) {
    const at = batch.schema.fields.findIndex(({ name }) => name === column);
    if (at < 0 || batch.columns[at]!.nullCount > 0)
      throw new AlluviumError(
        "ALV_ROW_INVALID",
        `resource ${JSON.stringify(resource)}: filter refuses rows, which deletes their keys, but the key column ${JSON.stringify(last)} ${at < 0 ? `is not among the columns before the filter (looked for ${JSON.stringify(column)})` : "is null in some"}. Filter where the key is known`,
        { resource },
      );
    fields.push({ ...batch.schema.fields[at]!, name: last });
    columns.push(batch.columns[at]!);
  }
  return { schema: { fields }, length: batch.length, columns };
}

/** Checks that a map kept a row's key. */
export function sameKey(before: object, after: object, key: KeyNames, resource: string): void {
  for (const column of key.keys()) {
    const was = (before as Record<string, unknown>)[column];
    const is = (after as Record<string, unknown>)[column];
    if (was === is || String(was) === String(is)) continue;
    throw new AlluviumError(
      "ALV_CONFIG",
      `resource ${JSON.stringify(resource)} merges, and a row that its filter refuses is a delete of its key; but map changes the key column ${JSON.stringify(column)} from ${describeValue(was)} to ${describeValue(is)}, so that the key to delete is not known. Filter after map, or keep the key`,
      { resource },
    );
  }
}

/**
 * A portion as a batch to be written: plain, or where keys are deleted with the op and the position of each row. Deletes carry their key
 * and nulls elsewhere.
 */
export function writtenBatch(portion: Portion): Batch {
  const batch = portion.batch();
  const { ordinals, deletes = [] } = portion;
  if (ordinals === undefined) return batch;
  const deleted = deletes.filter(({ keys }) => keys.length > 0);
  const schema =
    batch.schema.fields.length > 0 || deleted.length === 0 ? batch.schema : deleted[0]!.keys.schema;
  const rows = joinBatches([conformed(batch, schema), ...deleted.map(({ keys }) => conformed(keys, schema))]);
  // Rows are whole, so an insert says enough: a merge puts it in place of what has its key.
  const ops = new Uint8Array(rows.length).fill(ChangeOp.insert);
  const positions = new BigInt64Array(rows.length);
  positions.set(ordinals.subarray(0, batch.length));
  let at = batch.length;
  for (const { op, ordinals: some } of deleted) {
    positions.set(some, at);
    ops.fill(op, at, at + some.length);
    at += some.length;
  }
  return { ...rows, changes: { ops, ordinals: positions } };
}

function conformed(batch: Batch, schema: Schema): Batch {
  if (batch.schema === schema) return batch;
  const columns = schema.fields.map(({ name, type }) => {
    const at = batch.schema.fields.findIndex((field) => field.name === name);
    return at < 0 ? nullVector(type, batch.length) : castVector(batch.columns[at]!, type, name);
  });
  return { schema, length: batch.length, columns };
}
