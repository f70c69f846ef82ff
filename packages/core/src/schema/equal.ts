import { describeType } from "./describe.ts";
import { isNested, membersOf } from "./members.ts";
import type { ColumnType, Field } from "./types.ts";

/**
 * Whether two types hold the same values: kinds, parameters and members by name and order. Field ids, the names of list elements and
 * map entries, and whether members may be null are not compared.
 */
export function sameType(a: ColumnType, b: ColumnType): boolean {
  return compareTypes(a, b, (left, right) => sameType(left.type, right.type));
}

/** Whether every value of `type` is one of `target` as it stands: {@link sameType}, and no member that may be null where `target`'s may not. */
export function isTypeWithin(type: ColumnType, target: ColumnType): boolean {
  return compareTypes(
    type,
    target,
    (member, other) => (other.nullable || !member.nullable) && isTypeWithin(member.type, other.type),
  );
}

function compareTypes(a: ColumnType, b: ColumnType, compare: (a: Field, b: Field) => boolean): boolean {
  if (a === b) return true;
  if (!isNested(a)) return describeType(a) === describeType(b);
  const [members, others] = [membersOf(a), membersOf(b)];
  return (
    a.kind === b.kind &&
    members.length === others.length &&
    members.every((field, i) => {
      const other = others[i]!;
      return (a.kind !== "struct" || field.name === other.name) && compare(field, other);
    })
  );
}
