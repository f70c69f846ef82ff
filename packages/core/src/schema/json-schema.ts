import {
  alwaysNull,
  hinted,
  known,
  knownColumns,
  knownField,
  knownList,
  knownLiterals,
  knownMap,
  knownUnion,
  unknownType,
  type KnownType,
} from "./known-type.ts";
import type { Field } from "./types.ts";

/** The part of a JSON Schema (2020-12) that is read. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: { readonly [name: string]: JsonSchema };
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema | boolean;
  readonly prefixItems?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly column?: unknown;
}

/** The columns of a JSON Schema of objects; `undefined` for any other. */
export function jsonFields(schema: JsonSchema): readonly Field[] | undefined {
  return knownColumns(walk(schema));
}

function walk(schema: JsonSchema): KnownType {
  return hinted(schema.column, read(schema));
}

function read(schema: JsonSchema): KnownType {
  const { type = [] } = schema;
  if (schema.const !== undefined) return knownLiterals([schema.const]);
  if (schema.enum !== undefined) return knownLiterals(schema.enum);
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return knownUnion(options.map(walk));
  const types = typeof type === "string" ? [type] : type;
  return types.length === 0 ? unknownType : knownUnion(types.map((one) => readType(one, schema)));
}

function readType(type: string, schema: JsonSchema): KnownType {
  switch (type) {
    case "string":
    case "boolean":
      return known({ kind: type });
    case "integer":
      return known({ kind: "int64" });
    case "number":
      return known({ kind: "float64" });
    case "null":
      return alwaysNull;
    case "array": {
      const { items, prefixItems = [] } = schema;
      return knownList(knownUnion([...prefixItems, ...(typeof items === "object" ? [items] : [])].map(walk)));
    }
    case "object":
      return readObject(schema);
    default:
      return unknownType;
  }
}

function readObject({ properties, required = [], additionalProperties }: JsonSchema): KnownType {
  if (properties === undefined)
    return typeof additionalProperties === "object"
      ? knownMap(known({ kind: "string" }), walk(additionalProperties))
      : unknownType;
  const fields = Object.entries(properties).map(([name, member]) => {
    const { type, nullable } = walk(member);
    return knownField(name, { type, nullable: nullable || !required.includes(name) });
  });
  return known({ kind: "struct", fields });
}
