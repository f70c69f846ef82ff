import { DuckDBInstance } from "@duckdb/node-api";
import { lineitemRows } from "../duckdb-lineitem.ts";

// Writes a Parquet file of a table like TPC-H's lineitem with DuckDB: `parquet-file.ts FILE ROWS`.
const [path, total] = [process.argv[2]!, Number(process.argv[3])];
const instance = await DuckDBInstance.create(":memory:");
const connection = await instance.connect();
const rows = lineitemRows(`select range as r from range(${total})`, 1);
await connection.run(
  `copy (${rows}) to '${path.replaceAll("'", "''")}' (format parquet, compression snappy)`,
);
process.stdout.write(`${JSON.stringify({ rows: total })}\n`);
