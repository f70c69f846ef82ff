import { availableParallelism } from "node:os";
import { DuckDBInstance } from "@duckdb/node-api";
import { deltaTable } from "@alluvium/destinations/delta";

// Reads the files of a Delta table with DuckDB, chunk by chunk, as many threads as there are cores: `scan-duckdb.ts TABLE`.
const files: string[] = [];
for await (const { path } of (await deltaTable(process.argv[2]!).snapshot()).files()) files.push(path);
const instance = await DuckDBInstance.create(":memory:", {
  threads: String(availableParallelism()),
  autoinstall_known_extensions: "false",
  autoload_known_extensions: "false",
});
const connection = await instance.connect();
const list = files.map((path) => `'${path.replaceAll("'", "''")}'`).join(", ");
const cpu = process.cpuUsage();
const started = performance.now();
const result = await connection.stream(`select * from read_parquet([${list}])`);
let rows = 0;
for (;;) {
  const chunk = await result.fetchChunk();
  if (chunk === null || chunk === undefined || chunk.rowCount === 0) break;
  rows += chunk.rowCount;
}
const wall = (performance.now() - started) / 1000;
const used = process.cpuUsage(cpu);
process.stdout.write(`${JSON.stringify({ rows, wall_s: wall, cpu_s: (used.user + used.system) / 1e6 })}\n`);
