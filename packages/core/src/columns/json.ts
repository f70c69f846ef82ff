import type { ColumnType } from "../schema/types.ts";
import { scalarReader, type Scalar } from "./scalar.ts";
import { formatScalar } from "./text.ts";
import { isValid, type Vector } from "./vector.ts";

/** How values of a type are written as JSON text; `undefined`: as {@link jsonReader} writes them. */
export type JsonSpelling = (type: ColumnType) => ((value: Scalar) => string) | undefined;

/**
 * Reads rows of a vector as JSON text: numbers with all their digits (NaN and the infinities as strings), `json` as it is, everything
 * else that JSON lacks as its canonical text; lists as arrays, structs and maps as objects. `spelling` has types that are written otherwise.
 */
export function jsonReader(vector: Vector, spelling?: JsonSpelling): (index: number) => string {
  const read = validReader(vector, spelling);
  return (index) => (isValid(vector, index) ? read(index) : "null");
}

function validReader(vector: Vector, spelling: JsonSpelling | undefined): (index: number) => string {
  switch (vector.layout) {
    case "null":
      return () => "null";
    case "dictionary": {
      const texts: (string | undefined)[] = [];
      const read = jsonReader(vector.dictionary, spelling);
      return (index) => (texts[vector.codes[index]!] ??= read(vector.codes[index]!));
    }
    case "list": {
      const read = jsonReader(vector.child, spelling);
      return (index) => `[${range(vector.offsets, index, read)}]`;
    }
    case "map": {
      const key = jsonReader(vector.keys, spelling);
      const value = jsonReader(vector.values, spelling);
      return (index) => `{${range(vector.offsets, index, (at) => `${asKey(key(at))}:${value(at)}`)}}`;
    }
    case "struct": {
      const names = vector.type.kind === "struct" ? vector.type.fields.map((field) => field.name) : [];
      const members = vector.children.map((child, i) => ({
        name: JSON.stringify(names[i]),
        read: jsonReader(child, spelling),
      }));
      return (index) => `{${members.map(({ name, read }) => `${name}:${read(index)}`).join(",")}}`;
    }
    default: {
      const read = scalarReader(vector);
      const spell = spelling?.(vector.type) ?? spellingOf(vector.type);
      return (index) => spell(read(index)!);
    }
  }
}

function spellingOf(type: ColumnType): (value: Scalar) => string {
  switch (type.kind) {
    case "boolean":
    case "int8":
    case "int16":
    case "int32":
    case "int64":
    case "decimal":
    case "json":
      return (value) => formatScalar(type, value);
    case "float32":
    case "float64":
      return (value) => {
        const text = formatScalar(type, value);
        return Number.isFinite(value) ? text : JSON.stringify(text);
      };
    default:
      return (value) => JSON.stringify(formatScalar(type, value));
  }
}

function asKey(text: string): string {
  return text.startsWith('"') ? text : JSON.stringify(text);
}

function range(offsets: Int32Array, index: number, read: (at: number) => string): string {
  const parts: string[] = [];
  for (let at = offsets[index]!; at < offsets[index + 1]!; at++) parts.push(read(at));
  return parts.join(",");
}
