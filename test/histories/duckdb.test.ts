import { DuckDBInstance } from "@duckdb/node-api";
import { suiteDestination } from "@alluvium/core/testing";
import { duckdb } from "@alluvium/destinations/duckdb";
import { historyTest } from "./history-test.ts";
import type { SourceRow } from "./history.ts";

historyTest({
  name: "duckdb",
  capabilities: duckdb({ path: ":memory:" }).capabilities,
  open: async () => {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const query = async (sql: string): Promise<readonly SourceRow[]> =>
      await (await connection.run(sql)).getRowObjectsJS();
    return suiteDestination(
      duckdb({ instance }),
      async (table) => {
        const found = await query(
          `select column_name as name, data_type as type from duckdb_columns() where table_name = '${table}'`,
        );
        if (found.length === 0) return [];
        // Timestamps as µs: values of JavaScript would cut them to milliseconds.
        const columns = found.map(({ name, type }) =>
          String(type).startsWith("TIMESTAMP")
            ? `epoch_us("${String(name)}") as "${String(name)}"`
            : String(type).startsWith("DECIMAL")
              ? `"${String(name)}"::varchar as "${String(name)}"`
              : `"${String(name)}"`,
        );
        return await query(`select ${columns.join(", ")} from "${table}"`);
      },
      async () => {
        connection.closeSync();
        instance.closeSync();
      },
    );
  },
});
