import type { Disposition, Where } from "../disposition.ts";
import { AlluviumError } from "../errors.ts";
import type { ResourceDefinition, Step } from "../resource-definition.ts";
import type { TableDescription } from "../stream.ts";
import { columnAfter, schemaAfter } from "./plan-steps.ts";

/** The table that a resource becomes: what its definition says, and for the rest what its origin's table has. */
export function describeResource(definition: ResourceDefinition, origin: TableDescription): TableDescription {
  const { name, steps, table } = definition;
  const key = table.primaryKey ?? keyAfter(origin.primaryKey, steps);
  const disposition = table.disposition ?? renameDisposition(origin.disposition, steps);
  if (disposition.kind === "merge" && key.length === 0)
    throw new AlluviumError(
      "ALV_CONFIG",
      `resource ${JSON.stringify(name)} merges, but has no key after its transforms: name it with as(${JSON.stringify(name)}, { primaryKey: … })`,
      { resource: name, step: "plan" },
    );
  const partitionBy =
    table.partitionBy ??
    origin.partitionBy.flatMap((partition) => {
      const column = columnAfter(partition.column, steps);
      return column === undefined ? [] : [{ ...partition, column }];
    });
  const cursorColumn =
    origin.cursorColumn === undefined ? undefined : columnAfter(origin.cursorColumn, steps);
  const merge = table.disposition === undefined ? (table.merge ?? origin.merge) : table.merge;
  const naming = table.naming ?? origin.naming;
  const contract = table.contract ?? origin.contract;
  // A resource that goes by its own name keeps the table that the connector gave it; a renamed one is another table.
  const place = name === origin.name ? origin.table : undefined;
  return {
    name,
    schema: schemaAfter(origin.schema, steps),
    primaryKey: key,
    disposition,
    partitionBy,
    ...(merge && { merge }),
    ...(cursorColumn !== undefined && { cursorColumn }),
    ...(naming && { naming }),
    ...(contract && { contract }),
    ...(place !== undefined && { table: place }),
  };
}

function keyAfter(key: readonly string[], steps: readonly Step[]): readonly string[] {
  const columns = key.map((column) => columnAfter(column, steps));
  return columns.every((column) => column !== undefined) ? columns : [];
}

function renameDisposition(disposition: Disposition, steps: readonly Step[]): Disposition {
  const rename = (where: Where): Where =>
    where.map((condition) => ({
      ...condition,
      column: columnAfter(condition.column, steps) ?? condition.column,
    }));
  if (disposition.kind === "replace" && disposition.where !== undefined)
    return { ...disposition, where: rename(disposition.where) };
  if (disposition.kind === "append" && disposition.replaceWhere !== undefined)
    return { ...disposition, replaceWhere: rename(disposition.replaceWhere) };
  return disposition;
}
