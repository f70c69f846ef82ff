import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline, resource, source } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import { flatRows, nestedOrders } from "../objects.ts";

// Loads objects that are already there into a Delta table: `objects-load.ts flat|nested ROWS`.
const [shape, count] = [process.argv[2], Number(process.argv[3])];
const distinct = Math.min(count, 100_000);
const rows: object[] = shape === "nested" ? nestedOrders(distinct) : flatRows(distinct);
const pages = Array.from({ length: Math.ceil(distinct / 1000) }, (_, i) =>
  rows.slice(i * 1000, (i + 1) * 1000),
);
const items = resource({
  name: "items",
  async *read() {
    for (let done = 0; done < count; done += distinct) yield* pages;
  },
});
const folder = mkdtempSync(join(tmpdir(), "alluvium-bench-"));
try {
  const load = pipeline({
    name: "bench",
    source: source("objects", () => [items])(),
    destination: delta({ url: folder }),
  });
  globalThis.gc?.();
  const cpu = process.cpuUsage();
  const started = performance.now();
  const report = await load.run();
  const wall = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  process.stdout.write(
    `${JSON.stringify({ rows: report.tables.items.rows, wall_s: wall, cpu_s: (used.user + used.system) / 1e6 })}\n`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
