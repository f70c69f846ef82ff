import { AlluviumError } from "../errors.ts";
import type { SchemaChange } from "../schema/schema-change.ts";
import type { Json } from "./json.ts";
import { decodeType, encodeType } from "./schema-codec.ts";

/**
 * A difference as JSON: the same members, with column types as `encodeType` writes them. Part of stored state: what is written once must
 * stay readable.
 */
export function encodeSchemaChange(change: SchemaChange): Json {
  switch (change.kind) {
    case "columnAdded":
    case "columnBound":
    case "variantAdded":
      return { ...change, type: encodeType(change.type) };
    case "columnWidened":
      return { ...change, from: encodeType(change.from), to: encodeType(change.to) };
    default:
      return { ...change };
  }
}

/** Reads what {@link encodeSchemaChange} wrote. Throws `ALV_STATE_INVALID` naming what this version does not know. */
export function decodeSchemaChange(json: Json): SchemaChange {
  const record = (typeof json === "object" && json !== null ? json : {}) as Readonly<Record<string, Json>>;
  const text = (member: string): string => {
    const value = record[member];
    if (typeof value === "string") return value;
    throw unknown(json);
  };
  const type = (member: string) => decodeType(record[member] ?? null);
  const kind = text("kind") as SchemaChange["kind"];
  switch (kind) {
    case "tableCreated":
      return { kind };
    case "columnAdded":
    case "columnBound":
      return { kind, column: text("column"), type: type("type") };
    case "columnWidened":
      return { kind, column: text("column"), from: type("from"), to: type("to") };
    case "variantAdded":
      return { kind, column: text("column"), variant: text("variant"), type: type("type") };
    case "columnMissing":
      return { kind, column: text("column") };
    case "dispositionChanged":
      return { kind, from: text("from"), to: text("to") };
    default:
      throw unknown(json);
  }
}

function unknown(json: Json): AlluviumError {
  return new AlluviumError(
    "ALV_STATE_INVALID",
    `${JSON.stringify(json)} is no change of a table that this version knows: the state is damaged, or a newer version of Alluvium wrote it`,
  );
}
