import type { ParquetSummary } from "./encoder.ts";
import type { ParsedFooter } from "./metadata.ts";
import { type Bounds, mergeBounds } from "./statistics.ts";
import type { LeafSummary } from "./summary.ts";

/** Adds up the statistics of all row groups. */
export function summaryOf({ metadata, shape, groups }: ParsedFooter, bytes: number): ParquetSummary {
  const columns: LeafSummary[] = [];
  for (const { index, path, type, maxRepetition } of shape.leaves) {
    const chunks = groups.map((group) => group.columns[index]!);
    let nulls = 0;
    let values = 0;
    let bounds: Bounds | undefined;
    let bounded = true;
    for (const { slots, statistics } of chunks) {
      if (statistics.nulls === undefined) nulls = NaN;
      else nulls += statistics.nulls;
      const present = slots - (statistics.nulls ?? 0);
      values += present;
      const { min, max } = statistics;
      if (min !== undefined && max !== undefined) bounds = mergeBounds(bounds, { min, max });
      else if (present > 0) bounded = false;
    }
    if (Number.isNaN(nulls)) continue;
    const cut = (which: "minTruncated" | "maxTruncated") =>
      chunks.some(({ statistics }) => statistics[which] === true) ? { [which]: true } : {};
    columns.push({
      path,
      type,
      repeated: maxRepetition > 0,
      nulls,
      values,
      compressedBytes: chunks.reduce((sum, chunk) => sum + chunk.compressedBytes, 0),
      uncompressedBytes: chunks.reduce((sum, chunk) => sum + chunk.uncompressedBytes, 0),
      ...(bounded && { ...bounds, ...cut("minTruncated"), ...cut("maxTruncated") }),
    });
  }
  return { rows: metadata.rows, bytes, rowGroups: groups.length, columns };
}
