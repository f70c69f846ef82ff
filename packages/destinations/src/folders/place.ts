import type { FilePlace, LakeFormat, PartitionValues } from "../lake/contract.ts";
import { partitionDirectory } from "../lake/files/partition-path.ts";

/**
 * Where a data file is written, and where it becomes part of its table. The first is hidden from readers by the underscore, and from
 * patterns like `*.parquet` by its ending.
 */
export function placeFiles(ending: string): LakeFormat["place"] {
  return (id: string, partition: PartitionValues): FilePlace => ({
    staged: `_staged/${id}${ending}.new`,
    final: `${partitionDirectory(partition)}part-${id}${ending}`,
  });
}
