import { pipeline } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import { batchSource } from "../batch-source.ts";
import { narrow, narrowBatches } from "../narrow-batches.ts";

// Merges rows into the table `narrow` of a lake, nine in ten of which are there: `narrow-merge.ts FOLDER CHANGED ROWS [vectors|rewrite]`.
const [folder, changed, total] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
const mergeMode = process.argv[5] === "rewrite" ? "rewrite" : "vectors";
// Spread evenly over the rows that are there and as many as make one in ten new.
const stride = total / 0.9 / changed;
const load = pipeline({
  name: "merge",
  source: batchSource(
    narrowBatches(changed, (index) => Math.floor(index * stride), 1),
    {
      ...narrow,
      disposition: { kind: "merge", strategy: "upsert" },
      primaryKey: ["id"],
    },
  ),
  destination: delta({ url: folder, mergeMode }),
  adopt: [narrow.name],
  loadIdColumn: false,
});
const cpu = process.cpuUsage();
const started = performance.now();
await load.run();
const wall = (performance.now() - started) / 1000;
const used = process.cpuUsage(cpu);
const [record] = await load.history({ limit: 1 });
const { inserted = 0, updated = 0 } = record?.tables[0]?.changed ?? {};
if (inserted + updated !== changed)
  throw new Error(`${inserted} inserted and ${updated} updated of ${changed}`);
process.stdout.write(
  `${JSON.stringify({ rows: changed, inserted, updated, wall_s: wall, cpu_s: (used.user + used.system) / 1e6 })}\n`,
);
