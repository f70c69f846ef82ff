import type { Capabilities, ColumnType } from "@alluvium/core";

/**
 * The type that a column has in a folder of Parquet files: its own, but `time` becomes text, because 24:00 is a time of ours and
 * none of Parquet's.
 */
export function parquetType(type: ColumnType): ColumnType {
  switch (type.kind) {
    case "time":
      return { kind: "string" };
    case "list":
      return { ...type, element: { ...type.element, type: parquetType(type.element.type) } };
    case "map":
      return {
        ...type,
        key: { ...type.key, type: parquetType(type.key.type) },
        value: { ...type.value, type: parquetType(type.value.type) },
      };
    case "struct":
      return { ...type, fields: type.fields.map((field) => ({ ...field, type: parquetType(field.type) })) };
    default:
      return type;
  }
}

/** What a folder of Parquet files can do. */
export const folderCapabilities: Capabilities = {
  abilities: ["append", "replace"],
  delivery: "exactlyOnce",
  // Files become visible one by one.
  visibility: "file",
  // Parquet tells them apart, but Spark, DuckDB and Athena do not.
  foldsCase: true,
  partitions: true,
  releasesBatches: true,
  storedType: parquetType,
};
