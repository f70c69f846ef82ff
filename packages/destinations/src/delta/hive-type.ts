import type { DeltaType } from "./types.ts";

const names: Readonly<Record<string, string>> = {
  byte: "tinyint",
  short: "smallint",
  integer: "int",
  long: "bigint",
  // Hive has one type for both, and engines that read the table take it from the log.
  timestamp_ntz: "timestamp",
};

/**
 * A type in Hive's spelling, for catalogs. Types that Hive does not have keep their name.
 *
 * Source: https://docs.aws.amazon.com/athena/latest/ug/data-types.html
 */
export function hiveType(type: DeltaType): string {
  if (typeof type === "string") return names[type] ?? type.replaceAll(" ", "");
  if (type.type === "array") return `array<${hiveType(type.elementType)}>`;
  if (type.type === "map") return `map<${hiveType(type.keyType)},${hiveType(type.valueType)}>`;
  return `struct<${type.fields.map((field) => `${field.name}:${hiveType(field.type)}`).join(",")}>`;
}
