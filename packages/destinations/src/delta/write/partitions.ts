import { AlluviumError, type Partition, type Schema } from "@alluvium/core";
import { derivedType, partitionName } from "../../lake/files/partition.ts";
import { deltaSchema, deltaType, schemaOf, type DeltaField, type DeltaStruct } from "../types.ts";

const COLUMN = "alluvium.partition.column";
const TRANSFORM = "alluvium.partition.transform";
const transforms: ReadonlySet<unknown> = new Set(["year", "month", "day", "hour"]);

/**
 * The Delta schema of a table: its columns, and after them the derived partition columns, which are ordinary columns to every reader.
 * A `day` is a date, the other derivations are integers. Their metadata tells what they are derived from.
 */
export function tableSchema(table: string, schema: Schema, partitionBy: readonly Partition[]): DeltaStruct {
  const own = deltaSchema(schema);
  const derived = partitionBy.flatMap((partition): DeltaField[] => {
    const { column, transform } = partition;
    const source = own.fields.find((field) => field.name === column);
    if (source === undefined)
      throw refused(table, `it is partitioned by "${column}", which is no column of it`);
    if (typeof source.type !== "string")
      throw refused(table, `it is partitioned by "${column}", which is nested`);
    if (transform === undefined) return [];
    const name = partitionName(partition);
    if (own.fields.some((field) => field.name.toLowerCase() === name.toLowerCase()))
      throw refused(table, `the partition column "${name}" has the name of a column; give it another name`);
    const type = deltaType(derivedType(transform))!;
    return [{ name, type, nullable: true, metadata: { [COLUMN]: column, [TRANSFORM]: transform } }];
  });
  return { type: "struct", fields: [...own.fields, ...derived] };
}

function refused(table: string, reason: string): AlluviumError {
  return new AlluviumError("ALV_SCHEMA_CONFLICT", `table "${table}" cannot be written: ${reason}`, {
    resource: table,
  });
}

/** The reverse of {@link tableSchema}: columns without the derived ones, and what the table is partitioned by. */
export function describeSchema(
  struct: DeltaStruct,
  partitionColumns: readonly string[],
): { readonly schema: Schema; readonly partitionBy: readonly Partition[] } {
  const derived = new Map<string, Partition>();
  for (const { name, metadata } of struct.fields) {
    const column = metadata?.[COLUMN];
    const transform = metadata?.[TRANSFORM];
    if (typeof column !== "string" || !transforms.has(transform) || !partitionColumns.includes(name))
      continue;
    derived.set(name, { column, transform: transform as "day", name });
  }
  return {
    schema: schemaOf({ type: "struct", fields: struct.fields.filter(({ name }) => !derived.has(name)) }),
    partitionBy: partitionColumns.map((name) => derived.get(name) ?? { column: name }),
  };
}
