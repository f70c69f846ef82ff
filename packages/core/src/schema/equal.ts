import type { ColumnType, Field } from "./types.ts";

/**
 * Whether two types hold the same values: kinds, parameters and members by name and order. Field ids, the names of list elements and
 * map entries, and whether members may be null are not compared.
 */
export function sameType(a: ColumnType, b: ColumnType): boolean {
  return a === b || compareTypes(a, b, (left, right) => sameType(left.type, right.type));
}

/** Whether every value of `type` is one of `target` as it stands: {@link sameType}, and no member that may be null where `target`'s may not. */
export function isTypeWithin(type: ColumnType, target: ColumnType): boolean {
  return (
    type === target ||
    compareTypes(
      type,
      target,
      (member, other) => (other.nullable || !member.nullable) && isTypeWithin(member.type, other.type),
    )
  );
}

function compareTypes(a: ColumnType, b: ColumnType, compare: (a: Field, b: Field) => boolean): boolean {
  switch (a.kind) {
    case "decimal":
      return b.kind === "decimal" && a.precision === b.precision && a.scale === b.scale;
    case "timestamp":
      return b.kind === "timestamp" && a.zone === b.zone;
    case "list":
      return b.kind === "list" && compare(a.element, b.element);
    case "map":
      return b.kind === "map" && compare(a.key, b.key) && compare(a.value, b.value);
    case "struct":
      return (
        b.kind === "struct" &&
        a.fields.length === b.fields.length &&
        a.fields.every((field, i) => field.name === b.fields[i]!.name && compare(field, b.fields[i]!))
      );
    default:
      return a.kind === b.kind;
  }
}
