import { AlluviumError, type Json, type Partition } from "@alluvium/core";
import { canonicalJson } from "@alluvium/core/state";

const transforms: ReadonlySet<Json> = new Set(["year", "month", "day", "hour"]);

/** A partitioning as folders keep it. */
export function encodePartitioning(partitionBy: readonly Partition[]): Json {
  return partitionBy.map((partition) => ({ ...partition }));
}

/** What {@link encodePartitioning} wrote; anything else is `ALV_FILE_INVALID`. */
export function decodePartitioning(value: Json): readonly Partition[] {
  if (!Array.isArray(value)) throw damaged(value);
  return (value as readonly Json[]).map((each) => {
    if (typeof each !== "object" || each === null || Array.isArray(each)) throw damaged(value);
    const { column, transform, name } = each as { readonly [key: string]: Json };
    if (typeof column !== "string" || (transform !== undefined && !transforms.has(transform)))
      throw damaged(value);
    return {
      column,
      ...(transform === undefined ? {} : { transform: transform as NonNullable<Partition["transform"]> }),
      ...(typeof name === "string" ? { name } : {}),
    };
  });
}

function damaged(value: Json): AlluviumError {
  return new AlluviumError(
    "ALV_FILE_INVALID",
    `what a folder keeps of its partitioning is ${canonicalJson(value)}, which is none`,
  );
}
