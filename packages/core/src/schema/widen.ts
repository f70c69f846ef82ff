import { sameType } from "./equal.ts";
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
  if (b.kind === "null" || sameScalar(a, b)) return a;
  if (a.kind === "list" || a.kind === "struct" || a.kind === "map") return widenNested(a, b);
  const digits = [integerDigits(a), integerDigits(b)];
  if (digits[0] !== undefined && digits[1] !== undefined) return digits[0] > digits[1] ? a : b;
  const left = asDecimal(a);
  const right = asDecimal(b);
  if (left !== undefined && right !== undefined) return widenDecimals(left, right);
  if (isFloat(a) || isFloat(b))
    return isBinaryNumber(a) && isBinaryNumber(b) ? { kind: "float64" } : undefined;
  if (isDay(a, b)) return b;
  if (isDay(b, a)) return a;
  return undefined;
}

function sameScalar(a: ColumnType, b: ColumnType): boolean {
  return a === b || (a.kind !== "list" && a.kind !== "struct" && a.kind !== "map" && sameType(a, b));
}

function widenNested(a: ColumnType, b: ColumnType): ColumnType | undefined {
  if (a.kind === "list" && b.kind === "list") {
    const element = widenFields(a.element, b.element);
    return element && { kind: "list", element };
  }
  if (a.kind === "map" && b.kind === "map") {
    const key = widenFields(a.key, b.key);
    const value = widenFields(a.value, b.value);
    return key && value && { kind: "map", key: { ...key, nullable: false }, value };
  }
  if (a.kind !== "struct" || b.kind !== "struct") return undefined;
  const others = new Map(b.fields.map((field) => [field.name, field]));
  const fields: Field[] = [];
  for (const field of a.fields) {
    const other = others.get(field.name);
    others.delete(field.name);
    const wide = other === undefined ? { ...field, nullable: true } : widenFields(field, other);
    if (wide === undefined) return undefined;
    fields.push(wide);
  }
  for (const field of others.values()) fields.push({ ...field, nullable: true });
  return { kind: "struct", fields };
}

/** Name and id are those of `a`. */
function widenFields(a: Field, b: Field): Field | undefined {
  const type = widenTypes(a.type, b.type);
  if (type === undefined) return undefined;
  const id = a.id ?? b.id;
  return { name: a.name, type, nullable: a.nullable || b.nullable, ...(id !== undefined && { id }) };
}

function widenDecimals(a: DecimalType, b: DecimalType): DecimalType | undefined {
  const scale = Math.max(a.scale, b.scale);
  const precision = Math.max(a.precision - a.scale, b.precision - b.scale) + scale;
  return precision > 38 ? undefined : { kind: "decimal", precision, scale };
}

function integerDigits(type: ColumnType): number | undefined {
  const digits: Partial<Record<ColumnType["kind"], number>> = { int8: 3, int16: 5, int32: 10, int64: 19 };
  return digits[type.kind];
}

function asDecimal(type: ColumnType): DecimalType | undefined {
  if (type.kind === "decimal") return type;
  const precision = integerDigits(type);
  return precision === undefined ? undefined : { kind: "decimal", precision, scale: 0 };
}

function isFloat(type: ColumnType): boolean {
  return type.kind === "float32" || type.kind === "float64";
}

function isBinaryNumber(type: ColumnType): boolean {
  return isFloat(type) || integerDigits(type) !== undefined;
}

function isDay(type: ColumnType, other: ColumnType): boolean {
  return type.kind === "date" && other.kind === "timestamp" && other.zone === "local";
}
