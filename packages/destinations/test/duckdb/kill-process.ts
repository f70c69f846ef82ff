import { pipeline, resource, source, typed } from "@alluvium/core";
import { duckdb } from "@alluvium/destinations/duckdb";

/*
 * One run of the pipeline that the kill test kills: `kill-process.ts DATABASE ROWS`. The source has the rows 1 to ROWS; batches are small and
 * each may end a load, so that a run makes dozens of commits, and a kill meets every step.
 */
const [path, rows] = [process.argv[2]!, Number(process.argv[3])];

async function* pages<Row>(since: number | undefined, make: (id: number) => Row): AsyncGenerator<Row[]> {
  for (let first = since ?? 1; first <= rows; first += 100)
    yield Array.from({ length: Math.min(100, rows - first + 1) }, (_, i) => make(first + i));
}

const events = resource({
  name: "events",
  schema: typed<{ id: number; text: string }>(),
  cursor: { column: "id", order: "ascending" },
  disposition: "append",
  read: ({ since }) => pages(since, (id) => ({ id, text: `event ${id} `.repeat(100) })),
});

const accounts = resource({
  name: "accounts",
  schema: typed<{ account: number; version: number; gone: boolean }>(),
  primaryKey: "account",
  cursor: { column: "version", order: "ascending" },
  disposition: { merge: "upsert", deleteFlag: "gone" },
  read: ({ since }) =>
    pages(since, (version) => ({ account: version % 97, version, gone: version % 11 === 0 })),
});

const load = pipeline({
  name: "crash",
  source: source("kill", () => [events, accounts])(),
  destination: duckdb({ path }),
  // The smallest budget makes batches of 64 KiB, of which each may end a load.
  budget: 1024 * 1024,
  leaseWait: 5_000,
});
process.send?.("started");
const report = await load.run({ commitInterval: 0 });
process.send?.({ loads: report.loads.length });
process.exit(0);
