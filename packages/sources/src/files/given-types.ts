import { AlluviumError } from "@alluvium/core";
import { castVector, type Batch } from "@alluvium/core/columns";
import { fieldOfHint, isTypeWithin, type Field, type Schema } from "@alluvium/core/schema";
import type { DecoderContext } from "./format.ts";

/**
 * For files that say their types themselves: gives columns whose type the table's options know that type, where each value of a batch has an exact form
 * in it; where one has not, the batch keeps the file's type, and the contract of its table says what becomes of it. All columns may be null, since other
 * files may lack them. The schema stays the same object while it is the same.
 */
export function batchShaper({ schema, columns = {} }: DecoderContext): (batch: Batch) => Batch {
  const given = new Map(schema.fields.map((field) => [field.name, field]));
  for (const [name, hint] of Object.entries(columns)) given.set(name, fieldOfHint(name, hint));
  let last: Schema = { fields: [] };
  return (batch) => {
    const vectors = batch.columns.map((vector, i) => {
      const wanted = given.get(batch.schema.fields[i]!.name);
      if (wanted === undefined || wanted.type.kind === "null") return vector;
      try {
        return castVector(vector, wanted.type, wanted.name);
      } catch (error) {
        if (AlluviumError.is(error)) return vector;
        throw error;
      }
    });
    const fields = vectors.map(({ type }, i): Field => {
      const { name } = batch.schema.fields[i]!;
      return { name, type, nullable: given.get(name)?.nullable ?? true };
    });
    if (!sameFields(last.fields, fields)) last = { fields };
    return { ...batch, schema: last, columns: vectors };
  };
}

function sameFields(some: readonly Field[], others: readonly Field[]): boolean {
  return (
    some.length === others.length &&
    some.every((field, i) => {
      const other = others[i]!;
      return (
        field.name === other.name &&
        field.nullable === other.nullable &&
        isTypeWithin(field.type, other.type) &&
        isTypeWithin(other.type, field.type)
      );
    })
  );
}
