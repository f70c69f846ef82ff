import { AlluviumError } from "@alluvium/core";
import { parseScalar, type Scalar } from "@alluvium/core/columns";
import type { AddFile } from "../log/actions.ts";
import type { Column } from "./columns.ts";

/**
 * A file's value of a partition column; `null` for null and, as the protocol has it, for empty text.
 *
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#partition-value-serialization
 */
export function parsePartitionValue({ name, physical, type }: Column, add: AddFile): Scalar | null {
  const text = add.partitionValues[physical];
  if (text === null || text === undefined || text === "") return null;
  const value = type.kind === "binary" ? new TextEncoder().encode(text) : parseScalar(type, text);
  if (value === undefined)
    throw new AlluviumError(
      "ALV_FILE_INVALID",
      `partition value ${JSON.stringify(text)} of column "${name}" (file ${add.path}) is not a ${type.kind}`,
    );
  return value;
}
