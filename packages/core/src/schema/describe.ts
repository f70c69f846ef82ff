import { isNested, membersOf } from "./members.ts";
import type { ColumnType } from "./types.ts";

/** A type as an error message shows it: `decimal(18,2)`, `list<struct<id: int64>>`. */
export function describeType(type: ColumnType): string {
  const { kind } = type;
  if (kind === "decimal") return `decimal(${type.precision},${type.scale})`;
  if (kind === "timestamp") return `timestamp(${type.zone})`;
  if (!isNested(type)) return kind;
  const members = membersOf(type).map(
    (field) => (kind === "struct" ? `${field.name}: ` : "") + describeType(field.type),
  );
  return `${kind}<${members.join(", ")}>`;
}
