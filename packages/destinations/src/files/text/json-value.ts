import type { ColumnType } from "@alluvium/core";
import { jsonReader, type JsonSpelling, type Vector } from "@alluvium/core/columns";

/**
 * Reads rows of a vector as JSON text on one line: as `jsonReader` of core does, but bytes as Base64, and `json` without line ends between its tokens.
 */
export function jsonValueReader(vector: Vector): (row: number) => string {
  return jsonReader(vector, lineSpelling);
}

const lineSpelling: JsonSpelling = ({ kind }) =>
  kind === "binary"
    ? (value) => `"${base64(value as Uint8Array)}"`
    : kind === "json"
      ? (value) => (value as string).replace(/[\r\n]+/g, " ")
      : undefined;

/** Bytes as text that both formats write. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
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
