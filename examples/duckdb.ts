// #region duckdb
import { DuckDBInstance } from "@duckdb/node-api";
import { deltaTable } from "@alluvium/destinations/delta";

const snapshot = await deltaTable("./lake/issues").snapshot();
const files = [];
for await (const file of snapshot.files()) files.push(file.path);

const duckdb = await DuckDBInstance.create(":memory:");
const connection = await duckdb.connect();
const list = files.map((file) => `'${file.replaceAll("'", "''")}'`).join(", ");
// Files from before a column was added lack it: union_by_name fills it with null.
await connection.run(
  `create view issues as
   select * from read_parquet([${list}], union_by_name = true, hive_partitioning = true)`,
);
const counted = "select open, count(*) as issues from issues group by open";
const result = await connection.runAndReadAll(counted);
console.log(result.getRowObjects());
// #endregion duckdb
connection.closeSync();
duckdb.closeSync();
