import { AlluviumError } from "../errors.ts";
import type { ColumnType, Field, Schema } from "../schema/types.ts";
import { contentHash } from "./canonical.ts";
import type { Json } from "./json.ts";

type JsonObject = { readonly [key: string]: Json };

const scalars = new Set([
  "null",
  "boolean",
  "int8",
  "int16",
  "int32",
  "int64",
  "float32",
  "float64",
  "string",
  "binary",
  "date",
  "time",
  "uuid",
  "json",
]);

/**
 * A column type as JSON: `"int64"`, `"decimal(18,2)"`, `"timestamp(utc)"`, `{ "list": field }`, `{ "struct": [field …] }`,
 * `{ "map": [key, value] }`. Part of stored state: what is written once must stay readable.
 */
export function encodeType(type: ColumnType): Json {
  switch (type.kind) {
    case "decimal":
      return `decimal(${type.precision},${type.scale})`;
    case "timestamp":
      return `timestamp(${type.zone})`;
    case "list":
      return { list: encodeField(type.element) };
    case "struct":
      return { struct: type.fields.map(encodeField) };
    case "map":
      return { map: [encodeField(type.key), encodeField(type.value)] };
    default:
      return type.kind;
  }
}

/** Reads what {@link encodeType} wrote. Throws `ALV_STATE_INVALID` naming a type that this version does not know. */
export function decodeType(json: Json): ColumnType {
  if (typeof json === "string") {
    if (scalars.has(json)) return { kind: json } as ColumnType;
    const decimal = /^decimal\((\d+),(\d+)\)$/.exec(json);
    if (decimal !== null)
      return { kind: "decimal", precision: Number(decimal[1]), scale: Number(decimal[2]) };
    if (json === "timestamp(utc)") return { kind: "timestamp", zone: "utc" };
    if (json === "timestamp(local)") return { kind: "timestamp", zone: "local" };
  } else if (isObject(json)) {
    if ("list" in json) return { kind: "list", element: decodeField(json["list"]!) };
    if (Array.isArray(json["struct"])) return { kind: "struct", fields: json["struct"].map(decodeField) };
    const map = json["map"];
    if (Array.isArray(map) && map.length === 2)
      return { kind: "map", key: decodeField(map[0]), value: decodeField(map[1]) };
  }
  throw new AlluviumError(
    "ALV_STATE_INVALID",
    `${JSON.stringify(json)} is no column type that this version knows: the state is damaged, or a newer version of Alluvium wrote it`,
  );
}

function encodeField(field: Field): Json {
  return {
    name: field.name,
    type: encodeType(field.type),
    nullable: field.nullable,
    ...(field.id === undefined ? {} : { id: field.id }),
  };
}

function decodeField(json: Json): Field {
  if (
    !isObject(json) ||
    typeof json["name"] !== "string" ||
    typeof json["nullable"] !== "boolean" ||
    json["type"] === undefined
  )
    throw new AlluviumError("ALV_STATE_INVALID", `${JSON.stringify(json)} is no column of a stored schema`);
  const id = json["id"];
  return {
    name: json["name"],
    type: decodeType(json["type"]),
    nullable: json["nullable"],
    ...(typeof id === "number" ? { id } : {}),
  };
}

/** A schema as JSON. */
export function encodeSchema(schema: Schema): Json {
  return schema.fields.map(encodeField);
}

/** Reads what {@link encodeSchema} wrote. Throws `ALV_STATE_INVALID`. */
export function decodeSchema(json: Json): Schema {
  if (!Array.isArray(json))
    throw new AlluviumError("ALV_STATE_INVALID", "a stored schema is not a list of columns");
  return { fields: json.map(decodeField) };
}

/** Names a schema by its content: equal columns in equal order give the same 64 hexadecimal digits. */
export function schemaHash(schema: Schema): string {
  return contentHash(encodeSchema(schema));
}

function isObject(json: Json): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
