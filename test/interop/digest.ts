import { createHash } from "node:crypto";
import type { ColumnType, Field } from "@alluvium/core";
import { cellOf, type Row } from "./expected.ts";

/** One hash a column, over its values in the order of `key`, as `digests` of `cells.py` makes it. Columns without members only. */
export function digestOf(
  fields: readonly Field[],
  rows: readonly Row[],
  key: string,
): Record<string, string> {
  const sorted = [...rows].sort((a, b) => Number((a[key] as bigint) - (b[key] as bigint)));
  return Object.fromEntries(
    fields.map(({ name, type }) => {
      const text = sorted.map((row) => textOf(type, row[name])).join("\n");
      return [name, createHash("sha256").update(text).digest("hex")];
    }),
  );
}

function textOf(type: ColumnType, value: unknown): string {
  if (value === null || value === undefined) return "\0";
  if (type.kind === "float64")
    return String(new BigInt64Array(new Float64Array([value as number]).buffer)[0]);
  return String(cellOf(type, value) as string | boolean);
}
