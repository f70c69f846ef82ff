import { readFileSync } from "node:fs";
import { pipeline, type Source, type TableDescription } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { bytesSource, openParquet } from "@alluvium/core/parquet";
import { duckdb } from "@alluvium/destinations/duckdb";
// Loaded before the clock starts, as it is by hand.
import "@duckdb/node-api";
import { lineitemKey } from "../duckdb-lineitem.ts";

// Merges changed rows into a table: `duckdb-merge.ts DATABASE CHANGES`. They are in memory before the clock starts.
const [path, changes] = [process.argv[2]!, process.argv[3]!];
const name = "lineitem";

const batches: Batch[] = [];
for await (const batch of (await openParquet(bytesSource(readFileSync(changes)))).read()) batches.push(batch);

const description: TableDescription = {
  name,
  schema: batches[0]!.schema,
  primaryKey: lineitemKey,
  partitionBy: [],
  disposition: { kind: "merge", strategy: "upsert" },
};
const source: Source<Record<string, { row: object; ability: "upsert" }>> = {
  specVersion: 1,
  name: "memory",
  open: async () => ({
    streams: [
      {
        name,
        tables: [description],
        cursor: { version: 1, encode: () => null, decode: () => null },
        async *read() {
          for (const batch of batches) yield { table: name, batch };
        },
      },
    ],
    async [Symbol.asyncDispose]() {},
  }),
};

const cpu = process.cpuUsage();
const started = performance.now();
const load = pipeline({ name: "bench", source, destination: duckdb({ path }), adopt: [name] });
const report = await load.run();
const wall_s = (performance.now() - started) / 1000;
const used = process.cpuUsage(cpu);
const rows = Object.values(report.tables).reduce((sum, each) => sum + each.rows, 0);
process.stdout.write(`${JSON.stringify({ rows, wall_s, cpu_s: (used.user + used.system) / 1e6 })}\n`);
