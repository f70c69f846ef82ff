import { AlluviumError } from "../errors.ts";
import { boundType } from "./bound.ts";
import { describeType } from "./describe.ts";
import { sameItems } from "./members.ts";
import type { Field, Schema } from "./types.ts";
import type { Batch } from "../columns/batch.ts";
import { castVector } from "../columns/cast.ts";
import { nullVector } from "../columns/null-vector.ts";
import { isValid, type Vector } from "../columns/vector.ts";

/** Options of {@link conformBatch}. */
export interface ConformOptions {
  /** The table's name, for messages. */
  readonly table?: string;
}

/**
 * A batch with exactly the columns of `schema`, in its order and types: missing ones are null, others are cast (`ALV_SCHEMA_CONFLICT`
 * where a value has no exact form), a null in a column that is not nullable is `ALV_ROW_INVALID`. Columns of which nothing is known yet
 * may be dropped; any other that `schema` lacks is `ALV_SCHEMA_CONFLICT`. Names match that are the same, or else
 * that differ in case only. Vectors are the same where nothing is to do, and so is the batch.
 */
export function conformBatch(batch: Batch, schema: Schema, options: ConformOptions = {}): Batch {
  const where = options.table === undefined ? "" : `table "${options.table}", `;
  const order = matchColumns(batch.schema.fields, schema.fields);
  const columns = schema.fields.map((field, i) => {
    const at = order[i]!;
    const column = at < 0 ? nullVector(field.type, batch.length) : batch.columns[at]!;
    return conformColumn(column, field, where);
  });
  batch.schema.fields.forEach(({ name, type }, at) => {
    const column = batch.columns[at]!;
    const isUnknown = column.nullCount === column.length || boundType(type) === undefined;
    if (!isUnknown && !order.includes(at))
      throw new AlluviumError(
        "ALV_SCHEMA_CONFLICT",
        `${where}column "${name}" (${describeType(type)}) is not among the table's columns`,
      );
  });
  const same = sameItems(columns, batch.columns);
  if (same && batch.schema === schema) return batch;
  const { changes, length } = batch;
  const sent = changes?.unchanged;
  const unchanged = sent && order.map((at) => (at < 0 ? undefined : sent[at]));
  return {
    schema,
    length,
    columns: same ? batch.columns : columns,
    changes: changes && { ...changes, unchanged },
  };
}

/** Where each of `fields` is among `own`, -1 where it is not: by the same name, or else by one that differs in case only. */
function matchColumns(own: readonly Field[], fields: readonly Field[]): number[] {
  const exact = new Map(own.map((field, i) => [field.name, i]));
  const taken = new Set(fields.map((field) => field.name));
  const folded = new Map<string, number>();
  own.forEach(({ name }, i) => {
    if (!taken.has(name)) folded.set(name.toLowerCase(), i);
  });
  return fields.map(({ name }) => exact.get(name) ?? folded.get(name.toLowerCase()) ?? -1);
}

function conformColumn(column: Vector, field: Field, where: string): Vector {
  if (!field.nullable && column.nullCount > 0) {
    let row = 0;
    while (isValid(column, row)) row += 1;
    throw new AlluviumError(
      "ALV_ROW_INVALID",
      `${where}column "${field.name}" is not nullable, and row ${row + 1} of its batch is null`,
    );
  }
  return castVector(column, field.type, field.name);
}
