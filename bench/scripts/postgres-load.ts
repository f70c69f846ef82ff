import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import { postgres } from "@alluvium/sources/postgres";

// Copies a table into a new Delta table: `postgres-load.ts URL TABLE`.
const [url, table] = [process.argv[2]!, process.argv[3]!];
const folder = process.argv[4] ?? mkdtempSync(join(tmpdir(), "alluvium-bench-"));
try {
  const load = pipeline({
    name: "bench",
    source: postgres({ url, tables: { [table]: {} } }),
    destination: delta({ url: folder }),
  });
  const report = await load.run();
  process.stdout.write(
    `${JSON.stringify({ rows: Object.values(report.tables).reduce((sum, each) => sum + each.rows, 0) })}\n`,
  );
} finally {
  if (!process.argv[4]) rmSync(folder, { recursive: true });
}
