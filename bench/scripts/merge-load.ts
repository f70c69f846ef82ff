import { readFileSync } from "node:fs";
import { pipeline } from "@alluvium/core";
import { bytesSource, openParquet } from "@alluvium/core/parquet";
import { delta } from "@alluvium/destinations/delta";
import { batchSource } from "../batch-source.ts";
import { lineitemSchema } from "../lineitem-batches.ts";

// Merges the rows of a Parquet file, which are in memory before the clock starts, into the table `lineitem` of a lake:
// `merge-load.ts FOLDER FILE [vectors|rewrite]`.
const [folder, file] = [process.argv[2]!, process.argv[3]!];
const mergeMode = process.argv[4] === "rewrite" ? "rewrite" : "vectors";
const parquet = await openParquet(bytesSource(readFileSync(file)));
const batches = await Array.fromAsync(parquet.read());
const load = pipeline({
  name: "merge",
  source: batchSource(batches, {
    name: "lineitem",
    schema: lineitemSchema,
    disposition: { kind: "merge", strategy: "upsert" },
    primaryKey: ["l_orderkey", "l_linenumber"],
  }),
  destination: delta({ url: folder, mergeMode }),
  adopt: ["lineitem"],
  loadIdColumn: false,
});
globalThis.gc?.();
const cpu = process.cpuUsage();
const started = performance.now();
const report = await load.run();
const wall = (performance.now() - started) / 1000;
const used = process.cpuUsage(cpu);
const { rows } = (report.tables as Record<string, { rows: number }>)["lineitem"]!;
process.stdout.write(`${JSON.stringify({ rows, wall_s: wall, cpu_s: (used.user + used.system) / 1e6 })}\n`);
