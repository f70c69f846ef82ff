import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline, resource, source } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import { duckdb } from "@alluvium/destinations/duckdb";
import { nestedOrders, type NestedOrder } from "../objects.ts";

// Loads nested orders that are already there into child tables: `nested-load.ts delta|duckdb ROWS`.
const [target, count] = [process.argv[2], Number(process.argv[3])];
const distinct = Math.min(count, 100_000);
const rows = nestedOrders(distinct);
const pages: (readonly NestedOrder[])[] = [];
for (let at = 0; at < distinct; at += 1000) pages.push(rows.slice(at, at + 1000));
const orders = resource({
  name: "orders",
  nesting: "tables",
  async *read() {
    for (let done = 0; done < count; done += distinct) yield* pages;
  },
});
const folder = mkdtempSync(join(tmpdir(), "alluvium-bench-"));
try {
  const load = pipeline({
    name: "bench",
    source: source("objects", () => [orders])(),
    destination: target === "duckdb" ? duckdb({ path: join(folder, "shop.duckdb") }) : delta({ url: folder }),
  });
  globalThis.gc?.();
  const cpu = process.cpuUsage();
  const started = performance.now();
  const report = await load.run();
  const wall = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  const tables: { readonly [name: string]: { readonly rows: number } } = report.tables;
  if (tables["orders.items"]?.rows !== 3 * count || tables["orders.tags"]?.rows !== 2 * count)
    throw new Error(`rows are missing: ${JSON.stringify(report)}`);
  process.stdout.write(
    `${JSON.stringify({ rows: report.tables.orders.rows, wall_s: wall, cpu_s: (used.user + used.system) / 1e6 })}\n`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
