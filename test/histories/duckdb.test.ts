import { DuckDBInstance } from "@duckdb/node-api";
import { suiteDestination } from "@alluvium/core/testing";
import { duckdb } from "@alluvium/destinations/duckdb";
import type { SourceRow } from "./history.ts";
import { historyTest } from "./history-test.ts";

historyTest({
  name: "duckdb",
  capabilities: duckdb({ path: "unused" }).capabilities,
  histories: Number(process.env["HISTORIES"] ?? 2),
  open: async () => {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const rows = async (sql: string): Promise<readonly SourceRow[]> =>
      (await (await connection.run(sql)).getRowObjectsJS()) as readonly SourceRow[];
    return suiteDestination(
      duckdb({ instance }),
      async (table) => {
        const columns = await rows(
          `select column_name as name, data_type as type from duckdb_columns() where table_name = '${table}'`,
        );
        if (columns.length === 0) return [];
        const list = columns.map(({ name, type }) => {
          const column = `"${String(name)}"`;
          if (String(type).startsWith("TIMESTAMP")) return `epoch_us(${column}) as ${column}`;
          return String(type).startsWith("DECIMAL") ? `cast(${column} as varchar) as ${column}` : column;
        });
        return rows(`select ${list.join(", ")} from "${table}"`);
      },
      async () => {
        connection.closeSync();
        instance.closeSync();
      },
    );
  },
});
