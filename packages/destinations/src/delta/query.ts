import { AlluviumError } from "@alluvium/core";
import { quoteName } from "../sql/standard.ts";
import { loadDriver } from "../duckdb/driver.ts";
import type { QueryContext, QueryFound } from "../lake/contract.ts";
import { countRows } from "../sql/count-rows.ts";
import { attachLake } from "./attach.ts";

/** Runs a query of the user's on a lake's tables in a DuckDB of its own, in memory. Needs the package `@duckdb/node-api`. */
export async function queryLake(
  text: string,
  { store, table, first, signal }: QueryContext,
): Promise<QueryFound> {
  const { DuckDBInstance } = await loadDriver();
  const instance = await DuckDBInstance.create(":memory:");
  try {
    const connection = await instance.connect();
    const interrupt = (): void => connection.interrupt();
    signal.addEventListener("abort", interrupt, { once: true });
    try {
      const reader = {
        run: (sql: string) => connection.run(sql),
        runAndReadAll: async (sql: string) => {
          const rows = await (await connection.run(sql)).getRows();
          return { getRows: () => rows };
        },
      };
      await attachLake(reader, { store, signal });
      const ask = async (sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
        (await connection.run(sql)).getRowObjectsJS();
      return await countRows(ask, text, { quoted: quoteName(table), first });
    } catch (error) {
      signal.throwIfAborted();
      if (AlluviumError.is(error)) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new AlluviumError("ALV_STORE_FAILED", `DuckDB on ${store.url}: ${message}`, {
        cause: error,
        retryable: false,
      });
    } finally {
      signal.removeEventListener("abort", interrupt);
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}
