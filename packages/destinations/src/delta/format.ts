import { AlluviumError, type Capabilities, type Partition, type Schema } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import type { FormatContext, LakeFormat, LakeTable, ScanContext } from "../lake/contract.ts";
import { partitionName } from "../lake/files/partition.ts";
import type { MergeFormat } from "./merge/plan.ts";
import { checkWritable } from "./log/protocol.ts";
import { loadState } from "./log/state.ts";
import { placeFile } from "./place.ts";
import { openSnapshot } from "./read/snapshot.ts";
import { checkNames, storedType } from "./types.ts";
import { applyChange } from "./write/apply.ts";
import { knownPipelines } from "./write/ownership.ts";
import { describeSchema, tableSchema } from "./write/partitions.ts";
import { previewTable } from "./write/preview.ts";

/** What Delta tables can do. */
export const capabilities: Capabilities = {
  abilities: ["append", "replace", "upsert", "insertOnly", "deleteInsert", "scd2"],
  delivery: "exactlyOnce",
  visibility: "table",
  foldsCase: true,
  partitions: true,
  releasesBatches: true,
  follows: true,
  storedType,
};

/** {@link deltaFormat} with merges that are carried out in a way of choice. */
export function deltaFormatWith(merges: MergeFormat): LakeFormat {
  return { ...deltaFormat, apply: (change, context) => applyChange(change, context, merges) };
}

/** Delta Lake as a format of the lake protocol. */
export const deltaFormat: LakeFormat = {
  name: "delta",
  capabilities,
  inspect: inspectTable,
  check(table: string, schema: Schema, partitionBy: readonly Partition[]): void {
    // Columns that partitions come from may not be known yet; the names that partitions add are.
    const isKnown = ({ column }: Partition): boolean => schema.fields.some(({ name }) => name === column);
    const { fields } = tableSchema(table, schema, partitionBy.filter(isKnown));
    const later = partitionBy.filter((partition) => partition.transform && !isKnown(partition));
    const added = later.map((one) => ({
      name: partitionName(one),
      type: "date",
      nullable: true,
      metadata: {},
    }));
    checkNames(table, { type: "struct", fields: [...fields, ...added] });
  },
  preview: previewTable,
  scan: scanTable,
  async query(text, context) {
    const { queryLake } = await import("./query.ts");
    return queryLake(text, context);
  },
  place: placeFile,
  apply: (change, context) => applyChange(change, context, { mode: "vectors", files: {} }),
};

async function inspectTable(
  directory: string,
  { store, signal }: FormatContext,
): Promise<LakeTable | undefined> {
  const state = await loadState(store, directory, { verify: true, signal });
  if (state === undefined) return undefined;
  checkWritable(state.protocol, state.metadata, state.schema, `the table in "${directory}"`);
  return {
    id: state.metadata.id,
    ...describeSchema(state.schema, state.metadata.partitionColumns),
    version: state.version,
    pipelines: knownPipelines(state),
  };
}

async function* scanTable(directory: string, { store, signal, columns }: ScanContext): AsyncGenerator<Batch> {
  const state = await loadState(store, directory, { verify: true, signal });
  if (state === undefined)
    throw new AlluviumError(
      "ALV_TABLE_NOT_FOUND",
      `there is no Delta table in "${directory}" of ${store.url}`,
    );
  yield* openSnapshot(store, directory, state).scan({ signal, ...(columns && { columns }) });
}
