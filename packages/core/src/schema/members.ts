import type { ColumnType, Field, ListType, MapType, StructType } from "./types.ts";

/** Whether a type is made of others. */
export function isNested(type: ColumnType): type is ListType | MapType | StructType {
  return type.kind === "list" || type.kind === "map" || type.kind === "struct";
}

/** The fields that a type is made of: a list's element, a map's key and value, a struct's members; of other types none. */
export function membersOf(type: ColumnType): readonly Field[] {
  switch (type.kind) {
    case "list":
      return [type.element];
    case "map":
      return [type.key, type.value];
    case "struct":
      return type.fields;
    default:
      return [];
  }
}

/** A type of the same kind with other members, as many as it has unless it is a struct; the type itself where they are its own. */
export function withMembers(type: ColumnType, members: readonly Field[]): ColumnType {
  if (sameItems(members, membersOf(type))) return type;
  const [first, second] = members as [Field, Field];
  if (type.kind === "list") return { kind: "list", element: first };
  return type.kind === "map"
    ? { kind: "map", key: first, value: second }
    : { kind: "struct", fields: members };
}

/** A field of another type; the field itself where that is its own. */
export function withType(field: Field, type: ColumnType): Field {
  return type === field.type ? field : { ...field, type };
}

/** Whether two lists hold the same items. */
export function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
