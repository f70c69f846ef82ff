import type { RowCounts } from "@alluvium/core";
import type { SqlContext } from "../context.ts";
import type { CountedStatement } from "../dialect.ts";

/** Runs statements and adds up what they say they did. */
export async function runCounted(
  { connection }: SqlContext,
  statements: readonly CountedStatement[],
): Promise<RowCounts> {
  const sums = { inserted: 0, updated: 0, deleted: 0, put: 0 };
  for (const statement of statements) {
    const { counts } = statement;
    if (counts === "each") {
      const [row] = await connection.query(statement);
      for (const kind of ["inserted", "updated", "deleted"] as const) sums[kind] += Number(row![kind]);
      continue;
    }
    const rows = await connection.execute(statement);
    if (counts !== undefined) sums[counts] += rows;
  }
  const { put } = sums;
  if (put === 0) return { inserted: sums.inserted, updated: sums.updated, deleted: sums.deleted };
  // A key that others stored twice: one of its rows is updated, those that are too many go.
  const surplus = Math.max(0, sums.updated - put);
  const updated = sums.updated - surplus;
  return { inserted: sums.inserted + put - updated, updated, deleted: sums.deleted + surplus };
}
