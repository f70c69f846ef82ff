import { scalarReader } from "./scalar.ts";
import { formatScalar } from "./text.ts";
import { isValid, type Vector } from "./vector.ts";

/**
 * Reads rows of a vector as JSON text: numbers with all their digits (NaN and the infinities as strings), `json` as it is, everything
 * else that JSON lacks as its canonical text; lists as arrays, structs and maps as objects.
 */
export function jsonReader(vector: Vector): (index: number) => string {
  const read = validReader(vector);
  return (index) => (isValid(vector, index) ? read(index) : "null");
}

function validReader(vector: Vector): (index: number) => string {
  switch (vector.layout) {
    case "null":
      return () => "null";
    case "dictionary": {
      const read = jsonReader(vector.dictionary);
      return (index) => read(vector.codes[index]!);
    }
    case "list": {
      const read = jsonReader(vector.child);
      return (index) => `[${range(vector.offsets, index, read)}]`;
    }
    case "map": {
      const key = keyReader(vector.keys);
      const value = jsonReader(vector.values);
      return (index) => `{${range(vector.offsets, index, (at) => `${key(at)}:${value(at)}`)}}`;
    }
    case "struct": {
      const names = vector.type.kind === "struct" ? vector.type.fields.map((field) => field.name) : [];
      const members = vector.children.map((child, i) => ({
        name: JSON.stringify(names[i]),
        read: jsonReader(child),
      }));
      return (index) => `{${members.map(({ name, read }) => `${name}:${read(index)}`).join(",")}}`;
    }
    default: {
      const { type } = vector;
      const read = scalarReader(vector);
      return (index) => {
        const value = read(index)!;
        const text = formatScalar(type, value);
        switch (type.kind) {
          case "boolean":
          case "int8":
          case "int16":
          case "int32":
          case "int64":
          case "decimal":
          case "json":
            return text;
          case "float32":
          case "float64":
            return Number.isFinite(value) ? text : JSON.stringify(text);
          default:
            return JSON.stringify(text);
        }
      };
    }
  }
}

function keyReader(keys: Vector): (index: number) => string {
  const read = jsonReader(keys);
  return (index) => {
    const text = read(index);
    return text.startsWith('"') ? text : JSON.stringify(text);
  };
}

function range(offsets: Int32Array, index: number, read: (at: number) => string): string {
  const parts: string[] = [];
  for (let at = offsets[index]!; at < offsets[index + 1]!; at++) parts.push(read(at));
  return parts.join(",");
}
