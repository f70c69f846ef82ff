import { DuckDBInstance } from "@duckdb/node-api";
import { attachLake } from "@alluvium/destinations/delta";

/** Opens DuckDB in memory with a view per table of the lake, as each table stands now. */
export async function openLake(
  lake: string,
): Promise<{ query(sql: string): Promise<Record<string, unknown>[]> } & Disposable> {
  // Extensions would be downloaded; Parquet is built in.
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  await connection.run("set timezone = 'UTC'");
  await attachLake(connection, { url: lake });
  return {
    query: async (sql) =>
      (await connection.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[],
    [Symbol.dispose]() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
