import { AlluviumError, type Json, type Partition, type Schema } from "@alluvium/core";
import { canonicalJson, encodeSchema } from "@alluvium/core/state";
import { decodePartitioning, encodePartitioning } from "../folders/partitioning.ts";
import type { TableWriterOptions } from "../lake/contract.ts";

/** Keys of Parquet footers by which a folder knows its table, its columns and its writers. */
export const footerKeys = {
  table: "alluvium.table",
  pipeline: "alluvium.pipeline",
  lane: "alluvium.lane",
  incarnation: "alluvium.incarnation",
  schema: "alluvium.schema",
  partition: "alluvium.partition",
} as const;

/** What each file of a folder says of its table: the columns, also those that stand in directory names only, and the partitioning. */
export function folderFooter(
  schema: Schema,
  { partitionBy }: TableWriterOptions,
): Readonly<Record<string, string>> {
  return {
    [footerKeys.schema]: canonicalJson(encodeSchema(schema)),
    [footerKeys.partition]: canonicalJson(encodePartitioning(partitionBy)),
  };
}

/** The partitioning that a footer tells. */
export function decodePartitions(metadata: Readonly<Record<string, string>>): readonly Partition[] {
  const text = metadata[footerKeys.partition];
  return text === undefined ? [] : decodePartitioning(parse(text));
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw damaged(text);
  }
}

function damaged(text: string): AlluviumError {
  return new AlluviumError(
    "ALV_FILE_INVALID",
    `the footer key ${footerKeys.partition} holds ${text}, which is no partitioning`,
  );
}
