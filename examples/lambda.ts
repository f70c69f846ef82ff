// #region lambda
import { env, pipeline } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import { postgres } from "@alluvium/sources/postgres";

// A mounted file system (EFS): the lake is a folder.
const load = pipeline({
  name: "shop",
  source: postgres({
    url: env("DATABASE_URL"),
    tables: { orders: { cursor: { column: "placed_at", order: "ascending" } } },
  }),
  destination: delta({ url: "/mnt/lake" }),
});

export async function handler(
  _event: unknown,
  context: { getRemainingTimeInMillis(): number; readonly awsRequestId: string },
): Promise<{ complete: boolean; rows: number }> {
  // Half a minute is left to commit.
  const deadline = new Date(Date.now() + context.getRemainingTimeInMillis() - 30_000);
  const report = await load.run({ deadline, runId: context.awsRequestId });
  return { complete: report.complete, rows: report.tables.orders.rows };
}
// #endregion lambda
