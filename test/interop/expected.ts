import type { ColumnType, Field } from "@alluvium/core";

/** A value in the form that `cells.py` gives too. */
export type Cell = null | boolean | string | readonly Cell[] | { readonly [name: string]: Cell };

/** A row in user form. */
export type Row = Readonly<Record<string, unknown>>;

const DAY = 86_400_000;

/**
 * A value in user form as a cell. Written without the code under test: what a reader gives is compared with what the test wrote down, not with
 * what our own reader makes of it.
 */
export function cellOf(type: ColumnType, value: unknown): Cell {
  if (value === null || value === undefined) return null;
  switch (type.kind) {
    case "boolean":
      return value as boolean;
    case "int8":
    case "int16":
    case "int32":
    case "int64":
      return String(BigInt(value as number | bigint));
    case "float32":
      return bits(value as number, 4);
    case "float64":
      return bits(value as number, 8);
    case "decimal":
      return scaled(value as string, type.scale);
    case "string":
    case "json":
    case "time":
    case "uuid":
      return value as string;
    case "binary":
      return Buffer.from(value as Uint8Array).toString("hex");
    case "date":
      return String(Date.parse(`${value as string}T00:00:00Z`) / DAY);
    case "timestamp":
      return String(value instanceof Date ? BigInt(value.getTime()) * 1000n : (value as bigint));
    case "list":
      return (value as readonly unknown[]).map((element) => cellOf(type.element.type, element));
    case "map":
      return [...(value as ReadonlyMap<unknown, unknown>)].map(([key, member]) => [
        cellOf(type.key.type, key),
        cellOf(type.value.type, member),
      ]);
    case "struct":
      return Object.fromEntries(
        type.fields.map((field) => [field.name, cellOf(field.type, (value as Row)[field.name])]),
      );
    case "null":
      return null;
  }
}

function bits(value: number, bytes: 4 | 8): string {
  if (Number.isNaN(value)) return "NaN";
  const buffer = Buffer.alloc(bytes);
  if (bytes === 4) buffer.writeFloatBE(value);
  else buffer.writeDoubleBE(value);
  return buffer.toString("hex");
}

function scaled(text: string, scale: number): string {
  const [whole = "", fraction = ""] = text.split(".");
  return scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, "0")}`;
}

/** A type in the spelling of `cells.py`. */
export function typeText(type: ColumnType): string {
  switch (type.kind) {
    case "decimal":
      return `decimal(${type.precision},${type.scale})`;
    case "timestamp":
      return `timestamp(${type.zone})`;
    case "list":
      return `list<${fieldText(type.element)}>`;
    case "map":
      return `map<${typeText(type.key.type)},${fieldText(type.value)}>`;
    case "struct":
      return `struct<${type.fields.map((field) => `${field.name}:${fieldText(field)}`).join(",")}>`;
    default:
      return type.kind;
  }
}

/** A field's type and whether it may be null. */
export function fieldText({ type, nullable }: Field): string {
  return typeText(type) + (nullable ? "" : " not null");
}

/** What a Delta table makes of a type that it lacks: text. Written down here again on purpose. */
export function inDelta(field: Field): Field {
  const { type } = field;
  switch (type.kind) {
    case "time":
    case "uuid":
    case "json":
      return { ...field, type: { kind: "string" } };
    case "list":
      return { ...field, type: { kind: "list", element: inDelta(type.element) } };
    case "map":
      return { ...field, type: { kind: "map", key: inDelta(type.key), value: inDelta(type.value) } };
    case "struct":
      return { ...field, type: { kind: "struct", fields: type.fields.map(inDelta) } };
    default:
      return field;
  }
}

/** Short ways to write fields. */
export const column = (name: string, type: ColumnType | ColumnType["kind"], nullable = true): Field => ({
  name,
  type: typeof type === "string" ? ({ kind: type } as ColumnType) : type,
  nullable,
});
export const decimal = (precision: number, scale: number): ColumnType => ({
  kind: "decimal",
  precision,
  scale,
});
export const instant: ColumnType = { kind: "timestamp", zone: "utc" };
export const wallClock: ColumnType = { kind: "timestamp", zone: "local" };
export const listOf = (type: ColumnType | ColumnType["kind"], nullable = true): ColumnType => ({
  kind: "list",
  element: column("element", type, nullable),
});
export const structOf = (...fields: readonly Field[]): ColumnType => ({ kind: "struct", fields });
export const mapOf = (
  key: ColumnType | ColumnType["kind"],
  value: ColumnType | ColumnType["kind"],
): ColumnType => ({ kind: "map", key: column("key", key, false), value: column("value", value) });
