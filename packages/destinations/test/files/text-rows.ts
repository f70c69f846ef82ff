import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ObjectStore } from "@alluvium/core";
import { DuckDBInstance } from "@duckdb/node-api";
import { isDataFile } from "../../src/folders/list.ts";

/** Endings of text files. */
const endings = ["csv", "jsonl"].flatMap((name) => ["", ".gz", ".zst"].map((codec) => `.${name}${codec}`));

/** The rows of a folder of text files as DuckDB reads them, `reading` being the options of its function. */
export async function duckRows(
  store: ObjectStore,
  table: string,
  reading = "",
): Promise<Record<string, unknown>[]> {
  const folder = await mkdtemp(join(tmpdir(), "alluvium-text-"));
  try {
    let ending = "";
    for await (const { path } of store.list(`${table}/`)) {
      if (!isDataFile(path.slice(table.length + 1), endings)) continue;
      ending = /\.(csv|jsonl)(\.\w+)?$/.exec(path)![0];
      const to = join(folder, path);
      await mkdir(dirname(to), { recursive: true });
      await writeFile(to, await store.get(path));
    }
    if (ending === "") return [];
    const options = `union_by_name = true, hive_partitioning = true${reading && `, ${reading}`}`;
    const glob = join(folder, table, "**", `*${ending}`);
    const call = ending.startsWith(".csv")
      ? `read_csv('${glob}', header = true, ${options})`
      : `read_json('${glob}', format = 'newline_delimited', ${options})`;
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    try {
      await connection.run(
        "SET autoinstall_known_extensions = false; SET autoload_known_extensions = false; SET TimeZone = 'UTC'",
      );
      const rows = (await connection.runAndReadAll(`FROM ${call}`)).getRowObjectsJS();
      return rows.map((row) =>
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name, unnested(value)])),
      );
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** In CSV objects are JSON text. */
function unnested(value: unknown): unknown {
  return typeof value === "string" && value.startsWith("{") ? (JSON.parse(value) as unknown) : value;
}
