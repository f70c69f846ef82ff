import type { ColumnType, Field } from "@alluvium/core";
import { sameType, widenTypes } from "@alluvium/core/schema";
import { quoteName } from "../sql/standard.ts";

const plain: Readonly<Partial<Record<ColumnType["kind"], string>>> = {
  boolean: "BOOLEAN",
  int8: "TINYINT",
  int16: "SMALLINT",
  int32: "INTEGER",
  int64: "BIGINT",
  float32: "FLOAT",
  float64: "DOUBLE",
  string: "VARCHAR",
  binary: "BLOB",
  date: "DATE",
  time: "TIME",
  uuid: "UUID",
  json: "JSON",
};
const plainTypes = new Map(
  Object.entries(plain).map(([kind, name]) => [name, { kind } as ColumnType] as const),
);
const bits: Readonly<Partial<Record<ColumnType["kind"], number>>> = {
  int8: 8,
  int16: 16,
  int32: 32,
  int64: 64,
};

/** A column type as DuckDB names it. */
export function typeName(type: ColumnType): string {
  switch (type.kind) {
    case "decimal":
      return `DECIMAL(${type.precision},${type.scale})`;
    case "timestamp":
      return type.zone === "utc" ? "TIMESTAMP WITH TIME ZONE" : "TIMESTAMP";
    case "list":
      return `${typeName(type.element.type)}[]`;
    case "map":
      return `MAP(${typeName(type.key.type)}, ${typeName(type.value.type)})`;
    case "struct":
      return `STRUCT(${type.fields.map((field) => `${quoteName(field.name)} ${typeName(field.type)}`).join(", ")})`;
    default:
      return plain[type.kind] ?? "VARCHAR";
  }
}

/** The column type that a type of DuckDB's catalogue holds; `undefined` where none of ours is stored so. */
export function columnType(name: string): ColumnType | undefined {
  const reader: Reader = { text: name, at: 0 };
  const type = readType(reader);
  return reader.at === name.length ? type : undefined;
}

/**
 * Whether `ALTER TYPE` keeps every value: integers into wider ones, into decimals that hold all their digits, and into doubles that do;
 * decimals into wider ones; `FLOAT` into `DOUBLE`; dates into timestamps; nested types by member, new members included.
 */
export function widensInPlace(from: ColumnType, to: ColumnType): boolean {
  const wider = widenTypes(from, to);
  return wider !== undefined && sameType(wider, to) && keepsValues(from, to);
}

function keepsValues(from: ColumnType, to: ColumnType): boolean {
  if (from.kind === "struct" && to.kind === "struct")
    return from.fields.every((field) => {
      const now = to.fields.find(({ name }) => name === field.name);
      return now !== undefined && keepsValues(field.type, now.type);
    });
  if (from.kind === "list" && to.kind === "list") return keepsValues(from.element.type, to.element.type);
  if (from.kind === "map" && to.kind === "map")
    return sameType(from.key.type, to.key.type) && keepsValues(from.value.type, to.value.type);
  if (to.kind === "float64" && from.kind !== "float64")
    return from.kind === "float32" || (bits[from.kind] ?? 64) <= 32;
  return true;
}

interface Reader {
  readonly text: string;
  at: number;
}

function readType(reader: Reader): ColumnType | undefined {
  let type = readBase(reader);
  while (take(reader, "[]")) {
    if (type === undefined) return undefined;
    type = { kind: "list", element: member("element", type) };
  }
  return type;
}

function readBase(reader: Reader): ColumnType | undefined {
  if (take(reader, "STRUCT(")) return readStruct(reader);
  if (take(reader, "MAP(")) return readMap(reader);
  const rest = reader.text.slice(reader.at);
  const decimal = /^DECIMAL\((\d+),\s*(\d+)\)/.exec(rest);
  if (decimal !== null) {
    reader.at += decimal[0].length;
    return { kind: "decimal", precision: Number(decimal[1]), scale: Number(decimal[2]) };
  }
  const word = /^(?:TIMESTAMP WITH TIME ZONE|[A-Z_0-9]+)/.exec(rest)?.[0];
  if (word === undefined) return undefined;
  reader.at += word.length;
  if (word === "TIMESTAMP WITH TIME ZONE") return { kind: "timestamp", zone: "utc" };
  return word === "TIMESTAMP" ? { kind: "timestamp", zone: "local" } : plainTypes.get(word);
}

function readStruct(reader: Reader): ColumnType | undefined {
  const fields: Field[] = [];
  do {
    const name = readName(reader);
    take(reader, " ");
    const type = name === undefined ? undefined : readType(reader);
    if (name === undefined || type === undefined) return undefined;
    fields.push(member(name, type));
  } while (take(reader, ", "));
  return take(reader, ")") ? { kind: "struct", fields } : undefined;
}

function readMap(reader: Reader): ColumnType | undefined {
  const key = readType(reader);
  if (key === undefined || !take(reader, ", ")) return undefined;
  const value = readType(reader);
  if (value === undefined || !take(reader, ")")) return undefined;
  return {
    kind: "map",
    key: { name: "key", type: key, nullable: false },
    value: member("value", value),
  };
}

function readName(reader: Reader): string | undefined {
  const found = /^(?:"((?:[^"]|"")*)"|([^\s(),"]+))/.exec(reader.text.slice(reader.at));
  if (found === null) return undefined;
  reader.at += found[0].length;
  return found[1] === undefined ? found[2] : found[1].replaceAll('""', '"');
}

function member(name: string, type: ColumnType): Field {
  return { name, type, nullable: true };
}

function take(reader: Reader, text: string): boolean {
  if (!reader.text.startsWith(text, reader.at)) return false;
  reader.at += text.length;
  return true;
}
