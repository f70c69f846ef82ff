import type { FilePlace, PartitionValues } from "../lake/contract.ts";
import { partitionDirectory } from "../lake/files/partition-path.ts";

/** Where a data file stands, within its table's directory: at its final place from the start, since only the log makes it visible. */
export function placeFile(id: string, partition: PartitionValues): FilePlace {
  const path = `${partitionDirectory(partition)}part-${id}.parquet`;
  return { staged: path, final: path };
}
