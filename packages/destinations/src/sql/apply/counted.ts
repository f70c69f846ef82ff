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
    const rows = await connection.execute(statement);
    if (statement.counts !== undefined) sums[statement.counts] += rows;
  }
  const { inserted, updated, deleted, put } = sums;
  return { inserted: put > 0 ? inserted + put - updated : inserted, updated, deleted };
}
