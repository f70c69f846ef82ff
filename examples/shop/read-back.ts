import { DuckDBInstance } from "@duckdb/node-api";
import { deltaTable } from "@alluvium/destinations/delta";

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Opens DuckDB in memory with a view per table of the lake, each over the files of the table's newest snapshot. */
export async function openLake(
  lake: string,
  tables: readonly string[],
): Promise<{ query(sql: string): Promise<Record<string, unknown>[]> } & Disposable> {
  // Extensions would be downloaded; Parquet is built in.
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  await connection.run("set timezone = 'UTC'");
  for (const name of tables) {
    const snapshot = await deltaTable(`${lake}/${name}`).snapshot();
    const files: string[] = [];
    for await (const file of snapshot.files()) files.push(quoted(file.path));
    // Older files lack columns that were added later: union_by_name fills them with null.
    await connection.run(
      `create view "${name}" as select * from read_parquet([${files.join(", ")}], union_by_name = true)`,
    );
  }
  return {
    query: async (sql) =>
      (await connection.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[],
    [Symbol.dispose]() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
