import { sameType } from "./equal.ts";
import { isNested, membersOf, withMembers } from "./members.ts";
import type { ColumnType, DecimalType, Field } from "./types.ts";

/**
 * The least type that holds the values of both, or `undefined` where none does:
 * `null` with anything · `int8` < `int16` < `int32` < `int64` < decimal · integers and `float32` < `float64` · decimals by the digits of
 * both sides · `date` < `timestamp` local · lists, structs and maps by member (a member that one side lacks may be null).
 *
 * It is commutative (but for the order of members), associative and idempotent. That a type is wider does not promise that every
 * value converts: an `int64` beyond 2^53 has no exact `float64`; `castVector` decides value by value.
 */
export function widenTypes(a: ColumnType, b: ColumnType): ColumnType | undefined {
  if (a.kind === "null") return b;
  if (b.kind === "null" || a === b) return a;
  if (isNested(a)) return widenNested(a, b);
  if (sameType(a, b) || isDay(b, a)) return a;
  if (isDay(a, b)) return b;
  const [left, right] = [asDecimal(a), asDecimal(b)];
  if (left === undefined || right === undefined)
    return isBinaryNumber(a) && isBinaryNumber(b) ? { kind: "float64" } : undefined;
  if (a.kind !== "decimal" && b.kind !== "decimal") return left.precision > right.precision ? a : b;
  const scale = Math.max(left.scale, right.scale);
  const precision = Math.max(left.precision - left.scale, right.precision - right.scale) + scale;
  return precision > 38 ? undefined : { kind: "decimal", precision, scale };
}

function widenNested(a: ColumnType, b: ColumnType): ColumnType | undefined {
  if (a.kind !== b.kind) return undefined;
  const others = membersOf(b);
  if (a.kind !== "struct")
    return allOf(
      a,
      membersOf(a).map((field, i) => widenFields(field, others[i]!)),
    );
  const named = new Map(others.map((field) => [field.name, field]));
  const fields = a.fields.map((field) => {
    const other = named.get(field.name);
    named.delete(field.name);
    return other === undefined ? { ...field, nullable: true } : widenFields(field, other);
  });
  return allOf(a, [...fields, ...Array.from(named.values(), (field) => ({ ...field, nullable: true }))]);
}

function allOf(type: ColumnType, members: readonly (Field | undefined)[]): ColumnType | undefined {
  return members.every((field) => field !== undefined) ? withMembers(type, members) : undefined;
}

/** Name and id are those of `a`. */
function widenFields(a: Field, b: Field): Field | undefined {
  const type = widenTypes(a.type, b.type);
  return type && { ...b, ...a, type, nullable: a.nullable || b.nullable };
}

const digits: { readonly [kind in ColumnType["kind"]]?: number } = {
  int8: 3,
  int16: 5,
  int32: 10,
  int64: 19,
};

function asDecimal(type: ColumnType): DecimalType | undefined {
  if (type.kind === "decimal") return type;
  const precision = digits[type.kind];
  return precision === undefined ? undefined : { kind: "decimal", precision, scale: 0 };
}

function isBinaryNumber({ kind }: ColumnType): boolean {
  return kind === "float32" || kind === "float64" || kind in digits;
}

function isDay(type: ColumnType, other: ColumnType): boolean {
  return type.kind === "date" && other.kind === "timestamp" && other.zone === "local";
}
