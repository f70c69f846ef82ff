import { compareValues, type ParquetFile, type ParquetValue } from "@alluvium/core/parquet";
import type { LeafBounds } from "./bounds.ts";

/**
 * What a file's footer knows of its leaves, over all row groups. A leaf of which some row group says too little has no bounds; floats
 * have none, because a footer does not tell whether there is a NaN.
 */
export function footerLeaves(file: ParquetFile): readonly LeafBounds[] {
  const [first, ...others] = file.rowGroups;
  if (first === undefined) return [];
  const leaves: LeafBounds[] = [];
  first.columns.forEach(({ path, type }, i) => {
    const parts = [first, ...others].map((group) => group.columns[i]!);
    let nulls = 0;
    let min: ParquetValue | undefined;
    let max: ParquetValue | undefined;
    let known = type.kind !== "float32" && type.kind !== "float64";
    for (const { statistics, values } of parts) {
      if (statistics?.nulls === undefined) return;
      nulls += statistics.nulls;
      if (statistics.nulls === values) continue;
      if (statistics.min === undefined || statistics.max === undefined) known = false;
      else {
        if (min === undefined || compareValues(statistics.min, min) < 0) min = statistics.min;
        if (max === undefined || compareValues(statistics.max, max) > 0) max = statistics.max;
      }
    }
    leaves.push({ path, type, nulls, ...(known && min !== undefined && max !== undefined ? { min, max } : {}) });
  });
  return leaves;
}
