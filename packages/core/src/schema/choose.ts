import { AlluviumError } from "../errors.ts";
import type { Schema } from "./types.ts";

/** The columns of a table that are asked for, in that order; absent: all. `ALV_SOURCE_NOT_FOUND` where the table lacks one. */
export function chooseColumns(table: string, schema: Schema, columns: readonly string[] | undefined): Schema {
  if (columns === undefined) return schema;
  const fields = columns.map((column) => {
    const field = schema.fields.find(({ name }) => name === column);
    if (field !== undefined) return field;
    const has = schema.fields.map(({ name }) => name).join(", ");
    throw new AlluviumError("ALV_SOURCE_NOT_FOUND", `${table} has no column ${column}; it has ${has}`, {
      resource: table,
    });
  });
  return { fields };
}
