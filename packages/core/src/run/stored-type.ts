import type { Capabilities } from "../destination.ts";
import { membersOf, withMembers, withType } from "../schema/members.ts";
import type { ColumnType } from "../schema/types.ts";

/** The type that a column has at a destination, members and elements included. A type that is not known yet stays so. */
export function storedTypeOf(type: ColumnType, storedType: Capabilities["storedType"]): ColumnType {
  if (type.kind === "null") return type;
  if (type.kind === "json") return storedType({ kind: "json" });
  const stored = storedType(type);
  return withMembers(
    stored,
    membersOf(stored).map((field) => withType(field, storedTypeOf(field.type, storedType))),
  );
}
