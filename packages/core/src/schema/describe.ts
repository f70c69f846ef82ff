import type { ColumnType } from "./types.ts";

/** A type as an error message shows it: `decimal(18,2)`, `list<struct<id: int64>>`. */
export function describeType(type: ColumnType): string {
  switch (type.kind) {
    case "decimal":
      return `decimal(${type.precision},${type.scale})`;
    case "timestamp":
      return `timestamp(${type.zone})`;
    case "list":
      return `list<${describeType(type.element.type)}>`;
    case "map":
      return `map<${describeType(type.key.type)}, ${describeType(type.value.type)}>`;
    case "struct":
      return `struct<${type.fields.map((field) => `${field.name}: ${describeType(field.type)}`).join(", ")}>`;
    default:
      return type.kind;
  }
}
