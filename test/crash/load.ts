import { pipeline } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import { postgres } from "@alluvium/sources/postgres";

// One run of the pipeline that the kill test kills: `load.ts DATABASE_URL LAKE`. Many small commits, so that a kill meets every step.
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
  budget: 2 * 1024 * 1024,
});
process.send?.("started");
const report = await load.run({ commitBytes: 20_000, commitInterval: 20 });
process.send?.({ loads: report.loads.length });
process.exit(0);
