import type { ColumnType } from "@alluvium/core";
import type { Head } from "../log/replay.ts";
import { readerFeatures } from "../log/protocol.ts";
import { typeOf, type DeltaField, type DeltaType } from "../types.ts";

/** How columns are found in data files: by name, by physical name, or by field id. */
export type MappingMode = "none" | "name" | "id";

/** The table's column mapping; honoured only where the protocol has the feature. */
export function mappingMode({ protocol, metadata }: Pick<Head, "protocol" | "metadata">): MappingMode {
  const mode = metadata.configuration["delta.columnMapping.mode"]?.toLowerCase();
  if (mode !== "name" && mode !== "id") return "none";
  return readerFeatures(protocol).includes("columnMapping") ? mode : "none";
}

/** The name of a field in data files, statistics and partition values. */
export function physicalName(field: DeltaField, mode: MappingMode): string {
  const name = field.metadata?.["delta.columnMapping.physicalName"];
  return mode !== "none" && typeof name === "string" ? name : field.name;
}

/** The id of a field in data files, where columns are found by id. */
export function fieldId(field: DeltaField): number | undefined {
  const id = field.metadata?.["delta.columnMapping.id"];
  return typeof id === "number" ? id : undefined;
}

/** A top-level column of a table as readers need it. */
export interface Column {
  readonly name: string;
  /** Its key in statistics and partition values. */
  readonly physical: string;
  readonly type: ColumnType;
  readonly deltaType: DeltaType;
  readonly field: DeltaField;
  /** Whether its value stands in the log, not in the files. */
  readonly partition: boolean;
}

/** The columns of a table, in order. */
export function columnsOf(head: Head): readonly Column[] {
  const mode = mappingMode(head);
  const partitions = new Set(head.metadata.partitionColumns.map((name) => name.toLowerCase()));
  return head.schema.fields.map((field) => ({
    name: field.name,
    physical: physicalName(field, mode),
    type: typeOf(field.type, field.name),
    deltaType: field.type,
    field,
    partition: partitions.has(field.name.toLowerCase()),
  }));
}
