import { DuckDBInstance } from "@duckdb/node-api";
import { duckdbDatabase } from "../../src/duckdb/database.ts";
import type { CrashPlace } from "../sql/crash-suite.ts";

/** A new database in memory. */
export async function crashPlace(): Promise<CrashPlace> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  return {
    database: duckdbDatabase({ instance }),
    async read(table, columns) {
      const there = await connection.run(`select 1 from duckdb_tables() where table_name = '${table}'`);
      if ((await there.getRowsJS()).length === 0) return [];
      const rows = await connection.run(
        `select concat_ws('|', ${columns.map((name) => `coalesce(cast("${name}" as varchar), 'null')`).join(", ")}) as row from "${table}"`,
      );
      return (await rows.getRowsJS()).map(([text]) => text as string);
    },
    async run(sql) {
      await connection.run(sql);
    },
    async [Symbol.asyncDispose]() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
