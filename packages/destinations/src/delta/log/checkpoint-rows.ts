import type { ColumnType, Field, Schema } from "@alluvium/core";
import { parseScalar, vectorOf, type Batch, type Vector } from "@alluvium/core/columns";
import type { Column } from "../read/columns.ts";
import { parseStatistics } from "../read/pruning.ts";
import type { Action, AddFile, Metadata, RemoveFile } from "./actions.ts";
import type { CheckpointForm } from "./checkpoint-schema.ts";

/** Actions as rows of a checkpoint, one action a row. */
export function checkpointBatch(schema: Schema, actions: readonly Action[], form: CheckpointForm): Batch {
  const rows = actions.map((action) => rowOf(action, form));
  const columns = schema.fields.map(({ name, type }): Vector =>
    vectorOf(
      type,
      rows.map((row) => row[name] ?? null),
    ),
  );
  return { schema, length: rows.length, columns };
}

type Row = Readonly<Record<string, unknown>>;

function rowOf({ protocol, metaData, txn, domainMetadata, remove, add }: Action, form: CheckpointForm): Row {
  if (protocol) return { protocol };
  if (metaData) return { metaData: metadataRow(metaData) };
  if (txn) return { txn };
  if (domainMetadata) return { domainMetadata };
  if (remove) return { remove: removeRow(remove) };
  return add ? { add: addRow(add, form) } : {};
}

function metadataRow(metadata: Metadata): Row {
  const { id, name, description, format, schemaString, partitionColumns, createdTime, configuration } =
    metadata;
  return {
    id,
    name,
    description,
    format: { provider: format.provider, options: mapOf(format.options) },
    schemaString,
    partitionColumns,
    createdTime,
    configuration: mapOf(configuration),
  };
}

function removeRow(remove: RemoveFile): Row {
  const { path, deletionTimestamp, dataChange, extendedFileMetadata, partitionValues, size } = remove;
  const { deletionVector, baseRowId, defaultRowCommitVersion } = remove;
  return {
    path,
    deletionTimestamp,
    dataChange,
    extendedFileMetadata,
    partitionValues: partitionValues && mapOf(partitionValues),
    size,
    deletionVector: vectorRow(deletionVector),
    baseRowId,
    defaultRowCommitVersion,
  };
}

function addRow(add: AddFile, { json, struct }: CheckpointForm): Row {
  const { path, partitionValues, size, modificationTime, tags, deletionVector, stats } = add;
  return {
    path,
    partitionValues: mapOf(partitionValues),
    size,
    modificationTime,
    // A checkpoint changes nothing.
    dataChange: false,
    ...(json && { stats }),
    tags: tags && mapOf(tags),
    deletionVector: vectorRow(deletionVector),
    baseRowId: add.baseRowId,
    defaultRowCommitVersion: add.defaultRowCommitVersion,
    clusteringProvider: add.clusteringProvider,
    ...(struct && {
      partitionValues_parsed: parsedPartitions(add, struct),
      stats_parsed: parsedStatistics(stats, struct),
    }),
  };
}

function vectorRow(vector: AddFile["deletionVector"]): Row | undefined {
  if (vector === null || vector === undefined) return undefined;
  const { storageType, pathOrInlineDv, offset, sizeInBytes, cardinality } = vector;
  return { storageType, pathOrInlineDv, offset, sizeInBytes, cardinality };
}

function mapOf(
  record: Readonly<Record<string, string | null>> | null | undefined,
): Map<string, string | null> {
  return new Map(Object.entries(record ?? {}));
}

function parsedPartitions(add: AddFile, columns: readonly Column[]): Row | undefined {
  const partitions = columns.filter(({ partition }) => partition);
  if (partitions.length === 0) return undefined;
  return Object.fromEntries(
    partitions.map(({ physical, type }) => {
      const value = add.partitionValues[physical];
      if (value === null || value === undefined || value === "") return [physical, null];
      return [physical, type.kind === "binary" ? new TextEncoder().encode(value) : typedText(type, value)];
    }),
  );
}

function parsedStatistics(text: string | null | undefined, columns: readonly Column[]): Row | undefined {
  const stats = parseStatistics(text);
  if (stats === undefined) return undefined;
  const byName = new Map(columns.map((column) => [column.physical, column.type] as const));
  const long: ColumnType = { kind: "int64" };
  const typed = (tree: unknown, typeFor: (type: ColumnType) => ColumnType): Row | undefined =>
    isTree(tree)
      ? Object.fromEntries(
          Object.entries(tree).flatMap(([name, value]) => {
            const type = byName.get(name);
            return type === undefined ? [] : [[name, typedLeaf(typeFor(type), value, typeFor)]];
          }),
        )
      : undefined;
  return {
    numRecords: stats.numRecords === undefined ? null : typedText(long, String(stats.numRecords)),
    minValues: typed(stats.minValues, (type) => type),
    maxValues: typed(stats.maxValues, (type) => type),
    nullCount: typed(stats.nullCount, (type) => (type.kind === "struct" ? type : long)),
  };
}

function typedLeaf(type: ColumnType, value: unknown, typeFor: (type: ColumnType) => ColumnType): unknown {
  if (type.kind === "struct") {
    if (!isTree(value)) return null;
    const byName = new Map(type.fields.map((member: Field) => [member.name, member.type] as const));
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, member]) => {
        const memberType = byName.get(name);
        return memberType === undefined ? [] : [[name, typedLeaf(typeFor(memberType), member, typeFor)]];
      }),
    );
  }
  return typeof value === "string" ? typedText(type, value) : null;
}

/** Text as a value that {@link vectorOf} takes; what is not of the type is as good as absent. */
function typedText(type: ColumnType, text: string): unknown {
  const value = parseScalar(type, text);
  if (value === undefined) return null;
  // A bigint for a decimal would be taken as a whole number.
  return type.kind === "decimal" || type.kind === "date" ? text : value;
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
