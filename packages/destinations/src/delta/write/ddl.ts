import type { DeltaField, DeltaStruct, DeltaType } from "../types.ts";

/*
 * Definitions of tables as Spark SQL spells them.
 *
 * Source: https://spark.apache.org/docs/latest/sql-ref-syntax-ddl.html, https://docs.delta.io/latest/delta-batch.html
 */

const names: Readonly<Record<string, string>> = {
  byte: "TINYINT",
  short: "SMALLINT",
  integer: "INT",
  long: "BIGINT",
};

/** A table anew; with `replace` in place of one that is there. */
export function createTable(
  table: string,
  { fields }: DeltaStruct,
  partitionColumns: readonly string[],
  { replace = false }: { readonly replace?: boolean } = {},
): string {
  const columns = fields.map((field) => definition([field.name], field)).join(", ");
  const partitions =
    partitionColumns.length === 0 ? "" : ` PARTITIONED BY (${partitionColumns.map(quoted).join(", ")})`;
  return `${replace ? "REPLACE" : "CREATE"} TABLE ${quoted(table)} (${columns}) USING DELTA${partitions}`;
}

/** What takes a table from the columns that it has to those that it shall have, which are at least those. `features`: what they need besides. */
export function alterTable(
  table: string,
  before: DeltaStruct,
  after: DeltaStruct,
  features: readonly string[],
): readonly string[] {
  const differences = structDifferences(before, after, []);
  const added = differences.flatMap(({ add }) => add ?? []);
  const alter = `ALTER TABLE ${quoted(table)}`;
  return [
    ...features.map((name) => `${alter} SET TBLPROPERTIES ('delta.feature.${name}' = 'supported')`),
    ...(added.length > 0 ? [`${alter} ADD COLUMNS (${added.join(", ")})`] : []),
    ...differences.flatMap((one) => (one.alter === undefined ? [] : [`${alter} ALTER COLUMN ${one.alter}`])),
  ];
}

/** One difference: a column to add, or how one is altered. */
interface Difference {
  readonly add?: string;
  readonly alter?: string;
}

function structDifferences(
  before: DeltaStruct,
  after: DeltaStruct,
  parents: readonly string[],
): readonly Difference[] {
  const known = new Map(before.fields.map((field) => [field.name, field]));
  return after.fields.flatMap((field): readonly Difference[] => {
    const path = [...parents, field.name];
    const old = known.get(field.name);
    if (old === undefined) return [{ add: definition(path, field) }];
    const relaxed = field.nullable && !old.nullable ? [{ alter: `${spelled(path)} DROP NOT NULL` }] : [];
    return [...typeDifferences(old.type, field.type, path), ...relaxed];
  });
}

function typeDifferences(
  before: DeltaType,
  after: DeltaType,
  path: readonly string[],
): readonly Difference[] {
  if (typeof before === "object" && typeof after === "object") {
    if (before.type === "struct" && after.type === "struct") return structDifferences(before, after, path);
    if (before.type === "array" && after.type === "array")
      return typeDifferences(before.elementType, after.elementType, [...path, "element"]);
    if (before.type === "map" && after.type === "map")
      return [
        ...typeDifferences(before.keyType, after.keyType, [...path, "key"]),
        ...typeDifferences(before.valueType, after.valueType, [...path, "value"]),
      ];
  }
  return typeName(before) === typeName(after) ? [] : [{ alter: `${spelled(path)} TYPE ${typeName(after)}` }];
}

function definition(path: readonly string[], { type, nullable }: DeltaField): string {
  return `${spelled(path)} ${typeName(type)}${nullable ? "" : " NOT NULL"}`;
}

function typeName(type: DeltaType): string {
  if (typeof type === "string") return names[type] ?? type.toUpperCase();
  switch (type.type) {
    case "struct": {
      const members = type.fields.map(
        ({ name, type: member, nullable }) =>
          `${quoted(name)}: ${typeName(member)}${nullable ? "" : " NOT NULL"}`,
      );
      return `STRUCT<${members.join(", ")}>`;
    }
    case "array":
      return `ARRAY<${typeName(type.elementType)}>`;
    case "map":
      return `MAP<${typeName(type.keyType)}, ${typeName(type.valueType)}>`;
  }
}

function spelled(path: readonly string[]): string {
  return path.map(quoted).join(".");
}

function quoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
