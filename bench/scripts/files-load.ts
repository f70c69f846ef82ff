import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { pipeline } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import { csv, files, jsonLines } from "@alluvium/sources/files";

// Loads one file into a new Delta table: `files-load.ts FILE`.
const path = process.argv[2]!;
const folder = mkdtempSync(join(tmpdir(), "alluvium-bench-"));
try {
  const load = pipeline({
    name: "bench",
    source: files({
      url: dirname(path),
      tables: { lineitem: { files: basename(path), format: path.includes(".csv") ? csv() : jsonLines() } },
    }),
    destination: delta({ url: folder }),
  });
  const report = await load.run();
  process.stdout.write(`${JSON.stringify({ rows: report.tables.lineitem.rows })}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
