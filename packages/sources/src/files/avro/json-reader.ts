import { formatScalar } from "@alluvium/core/columns";
import { damaged, type AvroCursor } from "./cursor.ts";
import { leafOf, readText, type AvroLeaf } from "./leaf.ts";
import type { AvroNode } from "./node.ts";

/** Deeper values are refused: what reads them goes as deep. */
const MAX_DEPTH = 500;

/** Reads a value as JSON text. */
export type JsonReader = (cursor: AvroCursor, depth?: number) => string;

/**
 * A reader of values as JSON text: numbers with all digits, NaN and the infinities as text, bytes in hexadecimal; of a union the value of its branch.
 * `plain`: nothing is asked of values, and times are the numbers that the file has; for rows that are refused.
 */
export function jsonReaderOf(
  node: AvroNode,
  plain: boolean,
  known: Map<AvroNode, JsonReader> = new Map(),
): JsonReader {
  const other = known.get(node);
  if (other !== undefined) return other;
  // Known before its parts are looked at: they may hold it again.
  let made: JsonReader | undefined;
  const reader: JsonReader = (cursor, depth = 0) => made!(cursor, depth);
  known.set(node, reader);
  made = makeReader(node, plain, (part) => jsonReaderOf(part, plain, known));
  return reader;
}

function makeReader(node: AvroNode, plain: boolean, of: (part: AvroNode) => JsonReader): JsonReader {
  switch (node.kind) {
    case "enum":
      return (cursor) =>
        JSON.stringify(node.symbols[cursor.index(node.symbols.length, "an enum has symbol")]);
    case "array": {
      const item = of(node.items);
      return (cursor, depth = 0) => {
        const texts: string[] = [];
        cursor.items(() => texts.push(item(cursor, deeper(depth))));
        return `[${texts.join(",")}]`;
      };
    }
    case "map": {
      const value = of(node.values);
      return (cursor, depth = 0) => {
        const texts: string[] = [];
        cursor.items(() => texts.push(`${JSON.stringify(readText(cursor))}:${value(cursor, deeper(depth))}`));
        return `{${texts.join(",")}}`;
      };
    }
    case "record": {
      const members = node.fields.map(({ name, node: part }) => ({
        name: JSON.stringify(name),
        read: of(part),
      }));
      return (cursor, depth = 0) =>
        `{${members.map(({ name, read }) => `${name}:${read(cursor, deeper(depth))}`).join(",")}}`;
    }
    case "union": {
      const readers = node.branches.map(of);
      return (cursor, depth = 0) =>
        readers[cursor.index(readers.length, "a union has branch")]!(cursor, deeper(depth));
    }
    case "null":
      return () => "null";
    default:
      return leafReader(leafOf(node, "", "floor"), plain);
  }
}

function leafReader({ type, read, plain: readPlain }: AvroLeaf, plain: boolean): JsonReader {
  if (plain)
    return (cursor) => {
      const value = readPlain(cursor);
      if (typeof value === "object") return value.digits;
      if (typeof value === "number" && !Number.isFinite(value)) return `"${value}"`;
      return typeof value === "string" ? JSON.stringify(value) : String(value);
    };
  const isNumber = ["boolean", "int32", "int64", "decimal"].includes(type.kind);
  const isFloat = type.kind === "float32" || type.kind === "float64";
  return (cursor) => {
    const value = read(cursor);
    const text = formatScalar(type, value);
    return isNumber || (isFloat && Number.isFinite(value)) ? text : JSON.stringify(text);
  };
}

function deeper(depth: number): number {
  if (depth >= MAX_DEPTH) throw damaged(`a value is nested deeper than ${MAX_DEPTH} levels`);
  return depth + 1;
}
