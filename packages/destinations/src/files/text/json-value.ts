import type { ColumnType } from "@alluvium/core";
import { formatScalar, isValid, scalarReader, type Vector } from "@alluvium/core/columns";

/**
 * Reads rows of a vector as JSON text on one line: numbers with all their digits; NaN and the infinities, dates, times, uuids as text; bytes
 * as Base64; lists as arrays, structs and maps as objects; `json` as it is, but for line ends between its tokens.
 */
export function jsonValueReader(vector: Vector): (row: number) => string {
  const read = validReader(vector);
  return (row) => (isValid(vector, row) ? read(row) : "null");
}

function validReader(vector: Vector): (row: number) => string {
  switch (vector.layout) {
    case "null":
      return () => "null";
    case "dictionary": {
      const texts: (string | undefined)[] = [];
      const read = jsonValueReader(vector.dictionary);
      return (row) => (texts[vector.codes[row]!] ??= read(vector.codes[row]!));
    }
    case "list": {
      const read = jsonValueReader(vector.child);
      return (row) => `[${joined(vector.offsets, row, read)}]`;
    }
    case "map": {
      const key = jsonValueReader(vector.keys);
      const value = jsonValueReader(vector.values);
      const member = (at: number): string => `${asKey(key(at))}:${value(at)}`;
      return (row) => `{${joined(vector.offsets, row, member)}}`;
    }
    case "struct": {
      const fields = vector.type.kind === "struct" ? vector.type.fields : [];
      const names = fields.map(({ name }) => JSON.stringify(name));
      const readers = vector.children.map(jsonValueReader);
      return (row) => `{${readers.map((read, i) => `${names[i]}:${read(row)}`).join(",")}}`;
    }
    default:
      return scalarText(vector);
  }
}

function scalarText(vector: Vector): (row: number) => string {
  const { type } = vector;
  const read = scalarReader(vector);
  switch (type.kind) {
    case "boolean":
    case "int8":
    case "int16":
    case "int32":
    case "int64":
      return (row) => String(read(row));
    case "decimal":
      return (row) => formatScalar(type, read(row)!);
    case "float32":
    case "float64":
      return (row) => {
        const value = read(row) as number;
        const text = formatScalar(type, value);
        return Number.isFinite(value) ? text : `"${text}"`;
      };
    case "string":
      return (row) => JSON.stringify(read(row));
    case "json":
      return (row) => (read(row) as string).replace(/[\r\n]+/g, " ");
    case "binary":
      return (row) => `"${base64(read(row) as Uint8Array)}"`;
    default:
      return (row) => `"${formatScalar(type, read(row)!)}"`;
  }
}

/** Bytes as text that both formats write. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function asKey(text: string): string {
  return text.startsWith('"') ? text : JSON.stringify(text);
}

function joined(offsets: Int32Array, row: number, read: (at: number) => string): string {
  const parts: string[] = [];
  for (let at = offsets[row]!; at < offsets[row + 1]!; at++) parts.push(read(at));
  return parts.join(",");
}

/** A value of parsed JSON, as the appender takes it for a column of `type`: the reverse of {@link jsonValueReader}. */
export function restoredValue(type: ColumnType, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (type.kind) {
    case "binary":
      return typeof value === "string" ? new Uint8Array(Buffer.from(value, "base64")) : value;
    case "float32":
    case "float64":
      return typeof value === "string" || typeof value === "bigint" ? Number(value) : value;
    case "list":
      return Array.isArray(value) ? value.map((element) => restoredValue(type.element.type, element)) : value;
    case "struct": {
      if (typeof value !== "object") return value;
      const members = value as Readonly<Record<string, unknown>>;
      return Object.fromEntries(
        type.fields.map((field) => [
          field.name,
          restoredValue(field.type, Object.hasOwn(members, field.name) ? members[field.name] : null),
        ]),
      );
    }
    case "map":
      if (typeof value !== "object") return value;
      return new Map(
        Object.entries(value).map(([key, member]) => [
          restoredKey(type.key.type, key),
          restoredValue(type.value.type, member),
        ]),
      );
    default:
      return value;
  }
}

function restoredKey(type: ColumnType, key: string): unknown {
  return type.kind === "boolean" ? key === "true" : restoredValue(type, key);
}
