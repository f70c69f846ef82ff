import {
  hinted,
  known,
  knownField,
  knownList,
  knownLiteral,
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
  const answer = walk(schema);
  return answer !== "null" && answer.type.kind === "struct" ? answer.type.fields : undefined;
}

function walk(schema: JsonSchema): KnownType | "null" {
  const answer = read(schema);
  return schema.column === undefined
    ? answer
    : hinted(schema.column, answer === "null" ? unknownType : answer);
}

function read(schema: JsonSchema): KnownType | "null" {
  if (schema.const !== undefined) return knownLiteral(schema.const);
  if (schema.enum !== undefined) return knownUnion(schema.enum.map(knownLiteral));
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return knownUnion(options.map(walk));
  if (Array.isArray(schema.type))
    return knownUnion(schema.type.map((type: string) => readType(type, schema)));
  return typeof schema.type === "string" ? readType(schema.type, schema) : unknownType;
}

function readType(type: string, schema: JsonSchema): KnownType | "null" {
  switch (type) {
    case "string":
      return known({ kind: "string" });
    case "integer":
      return known({ kind: "int64" });
    case "number":
      return known({ kind: "float64" });
    case "boolean":
      return known({ kind: "boolean" });
    case "null":
      return "null";
    case "array": {
      const { items, prefixItems = [] } = schema;
      return knownList(knownUnion([...prefixItems, ...(typeof items === "object" ? [items] : [])].map(walk)));
    }
    case "object": {
      const { properties, required = [], additionalProperties } = schema;
      if (properties === undefined)
        return typeof additionalProperties === "object"
          ? knownMap(known({ kind: "string" }), notNull(walk(additionalProperties)))
          : unknownType;
      const fields = Object.entries(properties).map(([name, member]) => {
        const { type, nullable } = notNull(walk(member));
        return knownField(name, { type, nullable: nullable || !required.includes(name) });
      });
      return known({ kind: "struct", fields });
    }
    default:
      return unknownType;
  }
}

function notNull(answer: KnownType | "null"): KnownType {
  return answer === "null" ? unknownType : answer;
}
