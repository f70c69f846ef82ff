import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";

// Reads a CSV or JSON lines file into one Parquet file by DuckDB, with what it finds out about the columns: `duckdb-files.ts FILE`.
const path = process.argv[2]!;
const folder = mkdtempSync(join(tmpdir(), "alluvium-bench-"));
try {
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  const reader = path.endsWith(".csv") ? "read_csv" : "read_json";
  const target = join(folder, "rows.parquet");
  await connection.run(
    `copy (select * from ${reader}('${path}')) to '${target}' (format parquet, codec zstd)`,
  );
  const counted = await connection.runAndReadAll(`select count(*)::int from '${target}'`);
  process.stdout.write(`${JSON.stringify({ rows: counted.getRows()[0]![0] })}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
