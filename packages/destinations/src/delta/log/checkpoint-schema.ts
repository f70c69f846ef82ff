import type { ColumnType, Field, Schema } from "@alluvium/core";
import type { Column } from "../read/columns.ts";

const text: ColumnType = { kind: "string" };
const long: ColumnType = { kind: "int64" };
const int: ColumnType = { kind: "int32" };
const flag: ColumnType = { kind: "boolean" };
const texts: ColumnType = { kind: "list", element: field("element", text) };
const pairs: ColumnType = {
  kind: "map",
  key: { name: "key", type: text, nullable: false },
  value: field("value", text),
};

function field(name: string, type: ColumnType): Field {
  return { name, type, nullable: true };
}

function struct(members: Readonly<Record<string, ColumnType>>): ColumnType {
  return { kind: "struct", fields: Object.entries(members).map(([name, type]) => field(name, type)) };
}

const deletionVector = struct({
  storageType: text,
  pathOrInlineDv: text,
  offset: int,
  sizeInBytes: int,
  cardinality: long,
});

/** Which forms of statistics a checkpoint holds. */
export interface CheckpointForm {
  /** `delta.checkpoint.writeStatsAsJson`, on unless it is switched off. */
  readonly json: boolean;
  /** The columns with statistics or partition values as columns of their own, if `delta.checkpoint.writeStatsAsStruct` is on. */
  readonly struct: readonly Column[] | undefined;
}

/**
 * The columns of a classic checkpoint. Actions that it must not have (commitInfo, cdc) are not there, tombstones have no statistics.
 *
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoint-schema
 */
export function checkpointSchema({ json, struct: columns }: CheckpointForm): Schema {
  const partitions = columns?.filter(({ partition }) => partition) ?? [];
  return {
    fields: [
      field(
        "protocol",
        struct({
          minReaderVersion: int,
          minWriterVersion: int,
          readerFeatures: texts,
          writerFeatures: texts,
        }),
      ),
      field(
        "metaData",
        struct({
          id: text,
          name: text,
          description: text,
          format: struct({ provider: text, options: pairs }),
          schemaString: text,
          partitionColumns: texts,
          createdTime: long,
          configuration: pairs,
        }),
      ),
      field("txn", struct({ appId: text, version: long, lastUpdated: long })),
      field("domainMetadata", struct({ domain: text, configuration: text, removed: flag })),
      field(
        "remove",
        struct({
          path: text,
          deletionTimestamp: long,
          dataChange: flag,
          extendedFileMetadata: flag,
          partitionValues: pairs,
          size: long,
          deletionVector,
          baseRowId: long,
          defaultRowCommitVersion: long,
        }),
      ),
      field(
        "add",
        struct({
          path: text,
          partitionValues: pairs,
          size: long,
          modificationTime: long,
          dataChange: flag,
          ...(json && { stats: text }),
          tags: pairs,
          deletionVector,
          baseRowId: long,
          defaultRowCommitVersion: long,
          clusteringProvider: text,
          ...(partitions.length > 0 && {
            partitionValues_parsed: struct(
              Object.fromEntries(partitions.map(({ physical, type }) => [physical, type])),
            ),
          }),
          ...(columns && { stats_parsed: statisticsStruct(columns) }),
        }),
      ),
    ],
  };
}

/** Statistics as columns: bounds in the column's own type, counts of nulls as int64. Only what has a bound in text has one here. */
function statisticsStruct(columns: readonly Column[]): ColumnType {
  const bounds = columns.flatMap(({ physical, type, partition }) => {
    const kept = partition ? undefined : boundedType(type);
    return kept === undefined ? [] : [field(physical, kept)];
  });
  const counts = columns.flatMap(({ physical, type, partition }) =>
    partition ? [] : [field(physical, countType(type))],
  );
  return {
    kind: "struct",
    fields: [
      field("numRecords", long),
      ...(bounds.length > 0
        ? [
            field("minValues", { kind: "struct", fields: bounds }),
            field("maxValues", { kind: "struct", fields: bounds }),
          ]
        : []),
      ...(counts.length > 0 ? [field("nullCount", { kind: "struct", fields: counts })] : []),
      field("tightBounds", flag),
    ],
  };
}

function boundedType(type: ColumnType): ColumnType | undefined {
  switch (type.kind) {
    case "null":
    case "boolean":
    case "binary":
    case "list":
    case "map":
      return undefined;
    case "struct": {
      const fields = type.fields.flatMap((member) => {
        const kept = boundedType(member.type);
        return kept === undefined ? [] : [field(member.name, kept)];
      });
      return fields.length === 0 ? undefined : { kind: "struct", fields };
    }
    default:
      return type;
  }
}

function countType(type: ColumnType): ColumnType {
  if (type.kind !== "struct" || type.fields.length === 0) return long;
  return { kind: "struct", fields: type.fields.map((member) => field(member.name, countType(member.type))) };
}
