import type { Batch } from "../columns/batch.ts";
import { userReader } from "../columns/rows.ts";
import type { Vector } from "../columns/vector.ts";
import type { Field, Schema } from "../schema/types.ts";
import type { KeyNames } from "../plan-steps.ts";
import { changePortion, type Portion } from "./portion.ts";

/** What becomes of the values of one column. */
export interface Conversion {
  /** The column afterwards; does not depend on its values. */
  readonly field: (field: Field) => Field;
  readonly vector: (vector: Vector, field: Field) => Vector;
  /** Checks what the column must be then, in the batch that has it at `at`. */
  readonly check?: (batch: Batch, at: number) => void;
}

/** The columns that are converted, by name. */
export type Conversions = ReadonlyMap<string, Conversion>;

/**
 * Converts columns of portions, wherever their values are: in rows, in the keys that are deleted, and in old keys. `key` says what key columns
 * are called in the end.
 */
export function convertColumns(
  conversions: Conversions,
  key: KeyNames | undefined,
): (portion: Portion) => Portion {
  const last = new Map(
    Array.from(key ?? [], ([column, name]) => [name, conversions.get(column)] as const).flatMap(
      ([name, conversion]) => (conversion === undefined ? [] : [[name, conversion] as const]),
    ),
  );
  const convert = batchConverter(conversions);
  const convertKeys = batchConverter(last);
  return (portion) => {
    const changed = changePortion(portion, rowConverter(conversions), convert);
    const deletes = portion.deletes?.map((some) => ({ ...some, keys: convertKeys(some.keys) }));
    return deletes === undefined ? changed : { ...changed, deletes };
  };
}

function batchConverter(conversions: Conversions): (batch: Batch) => Batch {
  let known: { readonly from: Schema; readonly to: Schema } | undefined;
  return (batch) => {
    const { schema, columns, changes } = batch;
    // The schema stays the same object while it is the same: whoever takes the batch compares it.
    if (known?.from !== schema)
      known = {
        from: schema,
        to: {
          fields: schema.fields.map((field) => conversions.get(field.name)?.field(field) ?? field),
        },
      };
    const converted: Batch = {
      ...batch,
      schema: known.to,
      columns: columns.map((column, i) => {
        const field = schema.fields[i]!;
        return conversions.get(field.name)?.vector(column, field) ?? column;
      }),
      ...(changes?.oldKeys !== undefined && {
        changes: { ...changes, oldKeys: batchConverter(conversions)(changes.oldKeys) },
      }),
    };
    schema.fields.forEach(({ name }, at) => conversions.get(name)?.check?.(converted, at));
    return converted;
  };
}

/** Rows as user code gave them, with the values that the columns have now. */
function rowConverter(
  conversions: Conversions,
): (row: Record<string, unknown>, index: number, batch: Batch) => object {
  let known:
    | { readonly batch: Batch; readonly readers: ReadonlyMap<string, (index: number) => unknown> }
    | undefined;
  return (row, index, batch) => {
    if (known?.batch !== batch) {
      const readers = new Map<string, (index: number) => unknown>();
      batch.schema.fields.forEach(({ name }, at) => {
        if (conversions.has(name)) readers.set(name, userReader(batch.columns[at]!));
      });
      known = { batch, readers };
    }
    const changed = { ...row };
    for (const [name, read] of known.readers) if (Object.hasOwn(row, name)) changed[name] = read(index);
    return changed;
  };
}
