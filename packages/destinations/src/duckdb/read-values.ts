import { parseJson } from "../sql/read-json.ts";

/** What we use of a type of `@duckdb/node-api`. */
interface DuckDBValueType {
  readonly typeId: number;
  readonly alias?: string | undefined;
}

/** Ids of DuckDB's types (`DUCKDB_TYPE` of its C API) whose values are not yet in user form. */
const typeIds = { timestamp: 12, date: 13, time: 15, decimal: 19, uuid: 27, timestampTz: 31 } as const;

/**
 * A value of DuckDB in user form: decimals, dates and times as text, timestamps as `Date`, blobs as bytes, JSON parsed, lists as arrays,
 * structs as objects, maps as `Map`.
 */
export function userValue(value: unknown, type: DuckDBValueType): unknown {
  if (value === null || value === undefined) return null;
  if (type.alias === "JSON") return parseJson(value as string);
  switch (type.typeId) {
    case typeIds.timestamp:
    case typeIds.timestampTz: {
      const { micros } = value as { readonly micros: bigint };
      return new Date(Number(micros / 1000n - (micros % 1000n < 0n ? 1n : 0n)));
    }
    case typeIds.date:
    case typeIds.time:
    case typeIds.decimal:
    case typeIds.uuid:
      return (value as { toString(): string }).toString();
    default:
      return nestedValue(value, type);
  }
}

function nestedValue(value: unknown, type: DuckDBValueType): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("bytes" in value) return value.bytes;
  if ("items" in value) {
    const { valueType } = type as unknown as { readonly valueType: DuckDBValueType };
    return (value.items as readonly unknown[]).map((item) => userValue(item, valueType));
  }
  if (!("entries" in value)) return value;
  const { entries } = value;
  if (Array.isArray(entries)) {
    const { keyType, valueType } = type as unknown as Readonly<
      Record<"keyType" | "valueType", DuckDBValueType>
    >;
    return new Map(
      (entries as readonly { readonly key: unknown; readonly value: unknown }[]).map((entry) => [
        userValue(entry.key, keyType),
        userValue(entry.value, valueType),
      ]),
    );
  }
  const { entryNames, entryTypes } = type as unknown as {
    readonly entryNames: readonly string[];
    readonly entryTypes: readonly DuckDBValueType[];
  };
  return Object.fromEntries(
    entryNames.map((name, i) => [
      name,
      userValue((entries as Readonly<Record<string, unknown>>)[name], entryTypes[i]!),
    ]),
  );
}
