import { AlluviumError } from "@alluvium/core";
import type { AvroLogical, AvroNode, AvroRecord } from "./node.ts";

const PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"] as const;
const MAX_DEPTH = 200;

/**
 * Reads the schema of a file. Logical types that do not fit what they annotate are ignored, as the specification has it.
 * Source: https://avro.apache.org/docs/1.12.0/specification/#schema-declaration
 */
export function parseAvroSchema(text: string, path: string): AvroNode {
  const named = new Map<string, AvroNode>();
  const wrong = (what: string): AlluviumError =>
    new AlluviumError("ALV_SOURCE_DATA", `${path}: its Avro schema ${what}`, { step: "read" });

  function parse(schema: unknown, namespace: string, depth: number): AvroNode {
    if (depth > MAX_DEPTH) throw wrong(`is nested deeper than ${MAX_DEPTH} levels`);
    if (typeof schema === "string") return resolve(schema, namespace);
    if (Array.isArray(schema)) {
      const branches = schema.map((branch) => parse(branch, namespace, depth + 1));
      if (branches.length === 0) throw wrong("has a union of no types");
      return { kind: "union", branches };
    }
    if (typeof schema !== "object" || schema === null) throw wrong(`holds ${JSON.stringify(schema)}`);
    const { type, ...more } = schema as Readonly<Record<string, unknown>>;
    if (typeof type !== "string") return parse(type, namespace, depth + 1);
    switch (type) {
      case "record":
      case "error":
        return parseRecord(more, namespace, depth);
      case "enum": {
        const { symbols } = more;
        if (!isTexts(symbols)) throw wrong("has an enum without symbols");
        return define(more, namespace, (name) => ({ kind: "enum", name, symbols }));
      }
      case "fixed": {
        const { size } = more;
        if (!Number.isSafeInteger(size) || (size as number) < 0 || (size as number) > 1 << 30)
          throw wrong(`has a fixed of size ${JSON.stringify(size)}`);
        const logical = logicalOf(more);
        return define(more, namespace, (name) => ({ kind: "fixed", name, size: size as number, logical }));
      }
      case "array":
        return { kind: "array", items: parse(more["items"], namespace, depth + 1) };
      case "map":
        return { kind: "map", values: parse(more["values"], namespace, depth + 1) };
      default: {
        const node = resolve(type, namespace);
        const logical = logicalOf(more);
        const isPrimitive = (PRIMITIVES as readonly string[]).includes(type);
        return isPrimitive && logical !== undefined ? ({ ...node, logical } as AvroNode) : node;
      }
    }
  }

  function parseRecord(more: Readonly<Record<string, unknown>>, namespace: string, depth: number): AvroNode {
    const { fields } = more;
    if (!Array.isArray(fields)) throw wrong("has a record without fields");
    const record = define(more, namespace, (name) => ({ kind: "record", name, fields: [] })) as AvroRecord;
    const inner = record.name.includes(".") ? record.name.slice(0, record.name.lastIndexOf(".")) : "";
    const names = new Set<string>();
    for (const field of fields as readonly unknown[]) {
      const { name, type } = (field ?? {}) as { readonly name?: unknown; readonly type?: unknown };
      if (typeof name !== "string" || names.has(name))
        throw wrong(`has a record ${record.name} with a field named ${JSON.stringify(name)}`);
      names.add(name);
      record.fields.push({ name, node: parse(type, inner, depth + 1) });
    }
    return record;
  }

  function define(
    { name, namespace: own }: Readonly<Record<string, unknown>>,
    namespace: string,
    make: (name: string) => AvroNode,
  ): AvroNode {
    if (typeof name !== "string") throw wrong("has a type without a name");
    const full = fullName(name, typeof own === "string" ? own : namespace);
    if (named.has(full)) throw wrong(`defines ${full} twice`);
    const node = make(full);
    named.set(full, node);
    return node;
  }

  function resolve(name: string, namespace: string): AvroNode {
    const primitive = PRIMITIVES.find((kind) => kind === name);
    if (primitive !== undefined) return { kind: primitive };
    const node = named.get(fullName(name, namespace)) ?? named.get(name);
    if (node === undefined) throw wrong(`names the type ${JSON.stringify(name)}, which it does not define`);
    return node;
  }

  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong("is no JSON");
  }
  return parse(value, "", 0);
}

function fullName(name: string, namespace: string): string {
  return name.includes(".") || namespace === "" ? name : `${namespace}.${name}`;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "string");
}

function logicalOf(more: Readonly<Record<string, unknown>>): AvroLogical | undefined {
  const { logicalType: name, precision = 0, scale = 0 } = more;
  if (typeof name !== "string") return undefined;
  return { name, precision: Number(precision), scale: Number(scale) };
}
