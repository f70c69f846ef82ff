import type { ColumnType, Schema } from "@alluvium/core";
import { compareValues, type ParquetFile, type ParquetValue } from "@alluvium/core/parquet";
import type { LeafBounds } from "./bounds.ts";

/**
 * What a file's footer knows of its leaves outside lists and maps, over all row groups. A leaf of which some row group says too little
 * has no bounds; floats have none, because a footer does not tell whether there is a NaN.
 */
export function footerLeaves({
  rowGroups,
  schema,
}: Pick<ParquetFile, "rowGroups" | "schema">): readonly LeafBounds[] {
  const leaves: LeafBounds[] = [];
  rowGroups[0]?.columns.forEach(({ path }, i) => {
    const type = leafType(schema, path);
    if (type === undefined) return;
    let nulls = 0;
    let min: ParquetValue | undefined;
    let max: ParquetValue | undefined;
    let known = type.kind !== "float32" && type.kind !== "float64";
    for (const group of rowGroups) {
      const { statistics, slots } = group.columns[i]!;
      if (statistics.nulls === undefined) return;
      nulls += statistics.nulls;
      if (statistics.nulls === slots) continue;
      if (statistics.min === undefined || statistics.max === undefined) known = false;
      else {
        if (min === undefined || compareValues(statistics.min, min) < 0) min = statistics.min;
        if (max === undefined || compareValues(statistics.max, max) > 0) max = statistics.max;
      }
    }
    leaves.push({
      path,
      type,
      nulls,
      ...(known && min !== undefined && max !== undefined ? { min, max } : {}),
    });
  });
  return leaves;
}

/** The type of a leaf that only structs lead to. */
function leafType(schema: Schema, path: readonly string[]): ColumnType | undefined {
  let fields = schema.fields;
  let type: ColumnType | undefined;
  for (const name of path) {
    type = fields.find((field) => field.name === name)?.type;
    if (type === undefined || type.kind === "list" || type.kind === "map") return undefined;
    fields = type.kind === "struct" ? type.fields : [];
  }
  return type;
}
