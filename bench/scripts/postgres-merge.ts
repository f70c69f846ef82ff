import { pipeline, type Source, type TableDescription } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { postgres as postgresDestination } from "@alluvium/destinations/postgres";
import { sourceContext } from "@alluvium/core/testing";
import { postgres } from "@alluvium/sources/postgres";

// Merges changed rows into a table: `postgres-merge.ts URL CHANGES TABLE`, both with the schema. They are in memory before the clock starts.
const [url, changes, table] = [process.argv[2]!, process.argv[3]!, process.argv[4]!];
const [schema, name] = table.split(".") as [string, string];

const batches: Batch[] = [];
{
  const from = postgres({ url, tables: [changes] });
  await using session = await from.open(sourceContext());
  const [stream] = session.streams;
  const signal = new AbortController().signal;
  for await (const item of stream!.read({
    signal,
    since: undefined,
    budget: 1 << 30,
    attempt: 1,
    emit: () => {},
  }))
    if ("batch" in item) batches.push(item.batch);
}

const description: TableDescription = {
  name,
  schema: batches[0]!.schema,
  primaryKey: ["l_orderkey", "l_linenumber"],
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
const load = pipeline({
  name: "bench",
  source,
  destination: postgresDestination({ url, schema }),
  adopt: [name],
});
const report = await load.run();
const wall_s = (performance.now() - started) / 1000;
const used = process.cpuUsage(cpu);
const rows = Object.values(report.tables).reduce((sum, each) => sum + each.rows, 0);
process.stdout.write(`${JSON.stringify({ rows, wall_s, cpu_s: (used.user + used.system) / 1e6 })}\n`);
