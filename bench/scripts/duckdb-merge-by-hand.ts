import { DuckDBInstance } from "@duckdb/node-api";
import { lineitemKey } from "../duckdb-lineitem.ts";

// What one would write by hand: `duckdb-merge-by-hand.ts DATABASE CHANGES`. An UPDATE, or a MERGE that updates, takes several times longer.
const [path, changes] = [process.argv[2]!, process.argv[3]!];
const on = lineitemKey.map((name) => `t.${name} = s.${name}`).join(" and ");

const cpu = process.cpuUsage();
const started = performance.now();
const instance = await DuckDBInstance.create(path);
const connection = await instance.connect();
await connection.run("begin");
await connection.run(`create temporary table changed as select * from read_parquet('${changes}')`);
await connection.run(`delete from lineitem as t using changed as s where ${on}`);
const { rowsChanged: rows } = await connection.run("insert into lineitem select * from changed");
await connection.run("commit");
connection.closeSync();
instance.closeSync();
const wall_s = (performance.now() - started) / 1000;
const used = process.cpuUsage(cpu);
process.stdout.write(`${JSON.stringify({ rows, wall_s, cpu_s: (used.user + used.system) / 1e6 })}\n`);
