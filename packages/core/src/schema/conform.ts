import { AlluviumError } from "../errors.ts";
import { boundType } from "./bound.ts";
import { describeType } from "./describe.ts";
import type { Field, Schema } from "./types.ts";
import type { Batch } from "../columns/batch.ts";
import { castVector } from "../columns/cast.ts";
import { nullVector } from "../columns/null-vector.ts";
import { isValid, type Vector } from "../columns/vector.ts";

/** Options of {@link conformBatch}. */
export interface ConformOptions {
  /** Names that differ in case only are one. @default false */
  readonly foldCase?: boolean;
  /** The table's name, for messages. */
  readonly table?: string;
}

/**
 * A batch with exactly the columns of `schema`, in its order and types: missing ones are null, others are cast (`ALV_SCHEMA_CONFLICT`
 * where a value has no exact form), a null in a column that is not nullable is `ALV_ROW_INVALID`. Columns of which nothing is known yet
 * may be dropped; any other that `schema` lacks is `ALV_SCHEMA_CONFLICT`. Vectors are the same where nothing is to do, and so is the batch.
 */
export function conformBatch(batch: Batch, schema: Schema, options: ConformOptions = {}): Batch {
  const key = (name: string): string => (options.foldCase === true ? name.toLowerCase() : name);
  const where = options.table === undefined ? "" : `table "${options.table}", `;
  const others = new Map(batch.schema.fields.map((field, i) => [key(field.name), i]));
  let same = batch.schema.fields.length === schema.fields.length;
  const columns = schema.fields.map((field, i) => {
    const at = others.get(key(field.name));
    others.delete(key(field.name));
    const column = at === undefined ? nullVector(field.type, batch.length) : batch.columns[at]!;
    const conformed = conformColumn(column, field, where);
    same &&= at === i && conformed === column;
    return conformed;
  });
  for (const at of others.values()) {
    const { name, type } = batch.schema.fields[at]!;
    const column = batch.columns[at]!;
    if (column.nullCount < column.length && boundType(type) !== undefined)
      throw new AlluviumError(
        "ALV_SCHEMA_CONFLICT",
        `${where}column "${name}" (${describeType(type)}) is not among the table's columns`,
      );
  }
  if (same && batch.schema === schema) return batch;
  const order = schema.fields.map((field) =>
    batch.schema.fields.findIndex((other) => key(other.name) === key(field.name)),
  );
  const { changes } = batch;
  return {
    schema,
    length: batch.length,
    columns: same ? batch.columns : columns,
    ...(changes && {
      changes: changes.unchanged
        ? { ...changes, unchanged: order.map((at) => (at < 0 ? undefined : changes.unchanged![at])) }
        : changes,
    }),
  };
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
