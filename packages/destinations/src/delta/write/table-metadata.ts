import { AlluviumError } from "@alluvium/core";
import type { DataFile, LoadIdentity, TableChange } from "../../lake/contract.ts";
import { partitionName } from "../../lake/files/partition.ts";
import type { Metadata, Protocol } from "../log/actions.ts";
import { newProtocol, withInvariants, withLocalTimestamps } from "../log/protocol.ts";
import type { TableState } from "../log/state.ts";
import { checkNames, usesLocalTimestamps, type DeltaStruct } from "../types.ts";
import { adopted } from "./ownership.ts";
import { tableSchema } from "./partitions.ts";
import { mergeSchema } from "./schema.ts";

/** What a table is after a load, and which of the two actions say something new. */
export interface NextMetadata {
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  readonly schema: DeltaStruct;
  readonly protocolChanged: boolean;
  readonly metadataChanged: boolean;
}

/** Protocol and metadata of a table after `change`; what others changed in the meantime is kept. */
export function nextMetadata(
  change: TableChange,
  load: LoadIdentity,
  state: TableState | undefined,
  now: number,
): NextMetadata {
  const ours = namesChecked(change, tableSchema(change.table, change.schema, change.partitionBy));
  const partitionColumns = change.partitionBy.map(partitionName);
  if (state === undefined) {
    return {
      protocol: withInvariants(newProtocol(usesLocalTimestamps(ours)), ours),
      metadata: {
        id: change.tableId,
        name: change.table,
        format: { provider: "parquet", options: {} },
        schemaString: JSON.stringify(ours),
        partitionColumns,
        createdTime: now,
        configuration: change.ownership === "shared" ? {} : adopted({}, load.pipeline),
      },
      schema: ours,
      protocolChanged: true,
      metadataChanged: true,
    };
  }
  samePartitions(change.table, state.metadata.partitionColumns, partitionColumns);
  const schema = namesChecked(
    change,
    change.newColumns
      ? ours
      : mergeSchema(state.schema, ours, {
          table: change.table,
          mayHoldNulls: (column) => change.files.some((file) => mayHoldNulls(file, column)),
          mayRelax: change.ownership !== "shared",
        }),
    state.schema,
  );
  const configuration =
    change.ownership === "adopt"
      ? adopted(state.metadata.configuration, load.pipeline)
      : state.metadata.configuration;
  const protocol = withInvariants(
    usesLocalTimestamps(schema) ? withLocalTimestamps(state.protocol) : state.protocol,
    schema,
  );
  const metadataChanged = schema !== state.schema || configuration !== state.metadata.configuration;
  return {
    protocol,
    metadata: metadataChanged
      ? {
          ...state.metadata,
          configuration,
          ...(schema !== state.schema && { schemaString: JSON.stringify(schema) }),
        }
      : state.metadata,
    schema,
    protocolChanged: protocol !== state.protocol,
    metadataChanged,
  };
}

/** Checks names that are new; at apply time a name that cannot be stored parks the table. */
function namesChecked(change: TableChange, schema: DeltaStruct, known?: DeltaStruct): DeltaStruct {
  if (schema === known) return schema;
  try {
    checkNames(change.table, schema);
  } catch (error) {
    if (!AlluviumError.is(error)) throw error;
    throw new AlluviumError("ALV_SCHEMA_CONFLICT", error.message, { resource: change.table, cause: error });
  }
  return schema;
}

function samePartitions(table: string, stored: readonly string[], ours: readonly string[]): void {
  if (stored.length === ours.length && stored.every((name, i) => name === ours[i])) return;
  const text = (names: readonly string[]): string => (names.length === 0 ? "nothing" : names.join(", "));
  throw new AlluviumError(
    "ALV_SCHEMA_CONFLICT",
    `table "${table}" is partitioned by ${text(stored)}, this load by ${text(ours)}. Partitioning is fixed when a table is created: ` +
      "use the table's, or load into another table.",
    { resource: table },
  );
}

function mayHoldNulls(file: DataFile, column: string): boolean {
  if (file.rows === 0) return false;
  const partition = file.partition[column];
  if (partition !== undefined) return partition === null || partition === "";
  const known = file.columns.find(({ path }) => path.length === 1 && path[0] === column);
  return known === undefined || known.nulls > 0;
}
