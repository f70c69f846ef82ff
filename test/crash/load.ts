import { AlluviumError, pipeline } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import { postgres } from "@alluvium/sources/postgres";

/*
 * One run of the pipeline that the kill test kills: `load.ts DATABASE_URL LAKE`. The smallest budget makes batches of 64 KiB, of which each may end a
 * load: with the rows of `events`, a few KiB each, a run makes dozens of commits, and a kill meets every step.
 */
const [url, lake] = [process.argv[2]!, process.argv[3]!];
const load = pipeline({
  name: "crash",
  source: postgres({
    url,
    tables: {
      events: { cursor: { column: "id", order: "ascending" } },
      readings: { cursor: { column: "at", order: "ascending" }, partitionBy: ["sensor"] },
      customers: {},
    },
  }),
  destination: delta({ url: lake }),
  budget: 1024 * 1024,
  leaseWait: 5_000,
});
process.send?.("started");
try {
  const report = await load.run({ commitInterval: 0 });
  process.send?.({ loads: report.loads.length });
} catch (error) {
  // With two runs at once one of them has to give way.
  if (!AlluviumError.is(error) || error.code !== "ALV_CONCURRENT_RUN") throw error;
  process.send?.({ loads: -1 });
}
process.exit(0);
