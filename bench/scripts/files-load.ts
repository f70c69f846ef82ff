import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { pipeline } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import { csv, files, jsonLines, parquet, type FileFormat } from "@alluvium/sources/files";

// Loads one file into a new Delta table: `files-load.ts FILE`.
const path = process.argv[2]!;
const folder = mkdtempSync(join(tmpdir(), "alluvium-bench-"));
try {
  const load = pipeline({
    name: "bench",
    source: files({
      url: dirname(path),
      tables: { lineitem: { files: basename(path), format: formatOf(path) } },
    }),
    destination: delta({ url: folder }),
  });
  const report = await load.run();
  process.stdout.write(`${JSON.stringify({ rows: report.tables.lineitem.rows })}\n`);
} finally {
  rmSync(folder, { recursive: true });
}

function formatOf(name: string): FileFormat {
  if (name.endsWith(".parquet")) return parquet();
  return name.includes(".csv") ? csv() : jsonLines();
}
