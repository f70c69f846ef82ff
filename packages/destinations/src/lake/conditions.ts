import { AlluviumError, type ColumnType, type Partition, type Schema, type Where } from "@alluvium/core";
import { coerceScalar, describeValue, formatScalar, isScalar } from "@alluvium/core/columns";
import type { TextCondition } from "./contract.ts";
import { derivedType, partitionName } from "./files/partition.ts";

/**
 * A window of rows with its values as text, as statistics and manifests hold them. Throws `ALV_CONFIG` naming table, column and value
 * for a column that is not there or a value that has no exact form in the column's type.
 */
export function textConditions(
  table: string,
  where: Where,
  schema: Schema,
  partitionBy: readonly Partition[],
): readonly TextCondition[] {
  return where.map(({ column, op, value }) => {
    const type = columnType(column, schema, partitionBy);
    if (type === undefined)
      throw new AlluviumError(
        "ALV_CONFIG",
        `the window of table ${table} names column ${column}, which it does not have: ${schema.fields.map(({ name }) => name).join(", ")}`,
        { resource: table },
      );
    const text = (single: unknown): string => {
      const result = textOf(single, type);
      if (result !== undefined) return result;
      throw new AlluviumError(
        "ALV_CONFIG",
        `the window of table ${table} compares column ${column} (${type.kind}) with ${describeValue(single)}, which has no exact form in that type`,
        { resource: table },
      );
    };
    if (op === "in") {
      if (!Array.isArray(value))
        throw new AlluviumError(
          "ALV_CONFIG",
          `the window of table ${table} asks whether column ${column} is in ${describeValue(value)}: give an array`,
          { resource: table },
        );
      return { column, op, value: value.map(text) };
    }
    // Only equality has a meaning for null: the rows without a value.
    if (value === null && op === "=") return { column, op, value: null };
    return { column, op, value: text(value) };
  });
}

function columnType(
  column: string,
  schema: Schema,
  partitionBy: readonly Partition[],
): ColumnType | undefined {
  const field = schema.fields.find(({ name }) => name === column);
  if (field !== undefined) return field.type;
  const partition = partitionBy.find((each) => partitionName(each) === column);
  return partition?.transform === undefined ? undefined : derivedType(partition.transform);
}

/** A value in user form as canonical text of `type`; `undefined` when it has none that is exact. */
function textOf(value: unknown, type: ColumnType): string | undefined {
  const scalar = isScalar(type) ? coerceScalar(type, value) : undefined;
  // NaN compares with nothing.
  if (scalar === undefined || Number.isNaN(scalar)) return undefined;
  return formatScalar(type, scalar);
}
