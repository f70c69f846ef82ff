import type { FailedRows } from "../read/function-checks.ts";

/** The rows that functions refused, as they are numbered after some were left out: `from` says which each was. */
export function rowsAmong(failed: FailedRows, from: Int32Array | undefined): FailedRows {
  if (from === undefined) return failed;
  const now = new Map(Array.from(from, (row, i) => [row, i]));
  return new Map(Array.from(failed, ([name, rows]) => [name, rows.flatMap((row) => now.get(row) ?? [])]));
}
