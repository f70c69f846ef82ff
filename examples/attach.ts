// #region attach
import { DuckDBInstance } from "@duckdb/node-api";
import { attachLake } from "@alluvium/destinations/delta";

const duckdb = await DuckDBInstance.create(":memory:");
const connection = await duckdb.connect();
for (const { name, version } of await attachLake(connection, { url: "./lake" })) console.log(name, version);
const reader = await connection.runAndReadAll("select open, count(*) as issues from issues group by open");
console.log(reader.getRowObjects());
// #endregion attach
connection.closeSync();
duckdb.closeSync();
