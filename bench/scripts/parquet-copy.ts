import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";

// Copies a Parquet file to another one with DuckDB, zstd: `parquet-copy.ts FILE`.
const path = process.argv[2]!;
const folder = mkdtempSync(join(tmpdir(), "alluvium-bench-"));
try {
  const instance = await DuckDBInstance.create(":memory:", { threads: String(availableParallelism()) });
  const connection = await instance.connect();
  const from = path.replaceAll("'", "''");
  const result = await connection.run(
    `copy (from '${from}') to '${join(folder, "copy.parquet")}' (format parquet, compression zstd)`,
  );
  process.stdout.write(`${JSON.stringify({ rows: Number((await result.getRows())[0]![0]) })}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
