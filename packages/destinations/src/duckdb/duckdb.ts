import type { Capabilities, Destination } from "@alluvium/core";
import { runner } from "@alluvium/core/run";
import { openSqlSession } from "../sql/session.ts";
import { openConnection } from "./connect.ts";
import { duckdbConnection } from "./connection.ts";
import { checkOptions, type DuckDBOptions } from "./options.ts";
import { widensInPlace } from "./types.ts";

/** What a DuckDB destination can do. */
export type DuckDBAbility = "append" | "replace" | "upsert" | "insertOnly" | "deleteInsert" | "scd2";

/** What the planner is told. */
export const capabilities: Capabilities = {
  abilities: ["append", "replace", "upsert", "insertOnly", "deleteInsert", "scd2"],
  delivery: "exactlyOnce",
  visibility: "load",
  foldsCase: true,
  partitions: false,
  releasesBatches: true,
  storedType: (type) => type,
  widens: widensInPlace,
};

/**
 * A DuckDB database. Each load is one transaction: rows, columns, the pipeline's state and the list of loads. Readers see a load whole or
 * not at all. Options are checked, and the database is opened, when a pipeline runs.
 *
 * Needs the package `@duckdb/node-api`.
 *
 * @example
 * ```ts
 * const destination = duckdb({ path: "./shop.duckdb" });
 * await pipeline({ name: "shop", source: shop, destination }).run();
 * ```
 */
export function duckdb(options: DuckDBOptions): Destination<DuckDBAbility> {
  return {
    specVersion: 1,
    name: "duckdb",
    capabilities,
    runner,
    open(context) {
      return openSqlSession(
        {
          name: "duckdb",
          capabilities,
          async connect(open) {
            const checked = checkOptions(options);
            const { schema, staging } = checked;
            const owned = await openConnection(checked, open);
            try {
              return await duckdbConnection(owned, { schema, staging }, open);
            } catch (error) {
              await owned.close();
              throw error;
            }
          },
        },
        context,
      );
    },
  };
}
