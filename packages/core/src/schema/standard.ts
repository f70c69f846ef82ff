import type { RowSchema } from "../typed.ts";
import { jsonFields, type JsonSchema } from "./json-schema.ts";
import type { Schema } from "./types.ts";
import { zodFields, type ZodType } from "./zod.ts";

/**
 * The columns that a Standard Schema describes, for rows as it puts them out; `undefined` where it cannot be known, so that types follow
 * the rows. What is not known of a single column or member has type `null`, and follows the rows too.
 *
 * zod 4 and zod/mini are read by their definitions: `z.number()` is `float64`, `z.int()` `int64`, `z.int32()` `int32`, `z.bigint()` `int64`,
 * `z.date()` a `timestamp` in UTC, strings of any format `string`; objects, arrays, records, maps, enums, literals and unions by what they
 * hold; transforms are not known. Other libraries by their JSON Schema (`~standard.jsonSchema`), if they have it.
 * `.meta({ column: { type: "decimal", precision: 18, scale: 2 } })` wins over all of it.
 */
export function schemaOf(schema: RowSchema): Schema | undefined {
  const { _zod } = schema as { readonly _zod?: unknown };
  if (_zod !== undefined) return toSchema(zodFields(schema as unknown as ZodType));
  const standard = schema["~standard"] as { readonly jsonSchema?: JsonSchemaSource };
  try {
    const described = standard.jsonSchema?.output({
      target: "draft-2020-12",
      libraryOptions: { unrepresentable: "any" },
    });
    return toSchema(described && jsonFields(described));
  } catch {
    // A library throws for what JSON Schema cannot say; then the rows say it.
    return undefined;
  }
}

interface JsonSchemaSource {
  output(options: { readonly target: string; readonly libraryOptions?: object }): JsonSchema;
}

function toSchema(fields: Schema["fields"] | undefined): Schema | undefined {
  return fields && { fields };
}
