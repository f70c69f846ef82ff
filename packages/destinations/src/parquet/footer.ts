import { AlluviumError, type Json, type Partition, type Schema } from "@alluvium/core";
import { canonicalJson, encodeSchema } from "@alluvium/core/state";
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
    [footerKeys.partition]: canonicalJson(partitionBy.map((partition) => ({ ...partition }))),
  };
}

const transforms: ReadonlySet<Json> = new Set(["year", "month", "day", "hour"]);

/** The partitioning that a footer tells. */
export function decodePartitions(metadata: Readonly<Record<string, string>>): readonly Partition[] {
  const text = metadata[footerKeys.partition];
  if (text === undefined) return [];
  const value: Json = parse(text);
  if (!Array.isArray(value)) throw damaged(text);
  return (value as readonly Json[]).map((each) => {
    if (typeof each !== "object" || each === null || Array.isArray(each)) throw damaged(text);
    const { column, transform, name } = each as { readonly [key: string]: Json };
    if (typeof column !== "string" || (transform !== undefined && !transforms.has(transform)))
      throw damaged(text);
    return {
      column,
      ...(transform === undefined ? {} : { transform: transform as NonNullable<Partition["transform"]> }),
      ...(typeof name === "string" ? { name } : {}),
    };
  });
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
