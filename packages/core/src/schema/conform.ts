import { AlluviumError } from "../errors.ts";
import { boundType } from "./bound.ts";
import { describeType } from "./describe.ts";
import { sameItems } from "./members.ts";
import type { Field, Schema } from "./types.ts";
import { variantsOf, type VariantNames } from "./variants.ts";
import { ChangeOp, type Batch, type Changes } from "../columns/batch.ts";
import { bitAt } from "../columns/bitmap.ts";
import { castVector } from "../columns/cast.ts";
import { nullVector } from "../columns/null-vector.ts";
import { isValid, type Vector } from "../columns/vector.ts";

/** Options of {@link conformBatch}. */
export interface ConformOptions extends VariantNames {
  /** The table's name, for messages. */
  readonly table?: string;
}

/**
 * A batch with exactly the columns of `schema`, in its order and types: missing ones are null, others are cast (`ALV_SCHEMA_CONFLICT`
 * where a value has no exact form), a null in a column that is not nullable is `ALV_ROW_INVALID`. Columns of which nothing is known yet
 * may be dropped; any other that `schema` lacks is `ALV_SCHEMA_CONFLICT`. Names match that are the same, or else
 * that differ in case only. Vectors are the same where nothing is to do, and so is the batch. Of a batch with unchanged cells missing columns
 * are unchanged; variants of a column that it has are unchanged where that is, and null elsewhere.
 */
export function conformBatch(batch: Batch, schema: Schema, options: ConformOptions = {}): Batch {
  const where = options.table === undefined ? "" : `table "${options.table}", `;
  const order = matchColumns(batch.schema.fields, schema.fields);
  const columns = schema.fields.map((field, i) => {
    const at = order[i]!;
    const column = at < 0 ? nullVector(field.type, batch.length) : batch.columns[at]!;
    if (!field.nullable && column.nullCount > 0) {
      const row = nullRow(column, batch, at < 0 ? unsent(batch) : batch.changes?.unchanged?.[at]);
      if (row >= 0)
        throw new AlluviumError(
          "ALV_ROW_INVALID",
          `${where}column "${field.name}" is not nullable, and row ${row + 1} of its batch is null`,
        );
    }
    return castVector(column, field.type, field.name);
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
  return {
    schema,
    length,
    columns: same ? batch.columns : columns,
    changes: changes && { ...changes, unchanged: unchangedCells(batch, schema, order, options) },
  };
}

/** The unchanged cells of each column of `schema`. */
function unchangedCells(
  batch: Batch,
  { fields }: Schema,
  order: readonly number[],
  names: VariantNames,
): Changes["unchanged"] {
  const sent = batch.changes?.unchanged;
  if (sent === undefined) return undefined;
  const absent = unsent(batch);
  const variants = variantsOf(fields, names);
  return fields.map(({ name }, i) => {
    const own = order[i]!;
    const owner = variants.get(name);
    const at =
      own < 0 && owner !== undefined ? order[fields.findIndex((field) => field.name === owner)]! : own;
    return at < 0 ? absent : sent[at];
  });
}

/** The unchanged cells of a column that a batch lacks. */
function unsent({ changes, length }: Batch): Uint8Array | undefined {
  return changes?.unchanged && new Uint8Array((length + 7) >> 3).fill(0xff);
}

/** The first row that puts a null into a column, where it should put a value; -1: none. Deletes and unchanged cells put nothing. */
export function nullRow(
  column: Vector,
  { changes, length }: Batch,
  unchanged: Uint8Array | undefined,
): number {
  for (let row = 0; row < length; row++) {
    if (isValid(column, row)) continue;
    const op = changes?.ops[row];
    const isPut = op !== ChangeOp.delete && op !== ChangeOp.truncate;
    if (isPut && (unchanged === undefined || !bitAt(unchanged, row))) return row;
  }
  return -1;
}

/** Where each of `fields` is among `own`, -1 where it is not: by the same name, or else by one that differs in case only. */
export function matchColumns(own: readonly Field[], fields: readonly Field[]): number[] {
  const exact = new Map(own.map((field, i) => [field.name, i]));
  const taken = new Set(fields.map((field) => field.name));
  const folded = new Map<string, number>();
  own.forEach(({ name }, i) => {
    if (!taken.has(name)) folded.set(name.toLowerCase(), i);
  });
  return fields.map(({ name }) => exact.get(name) ?? folded.get(name.toLowerCase()) ?? -1);
}
