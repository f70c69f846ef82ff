import type { Destination } from "@alluvium/core";
import { runner } from "@alluvium/core/run";
import { openSqlSession } from "../sql/session.ts";
import { capabilities, duckdbDatabase } from "./database.ts";
import { destinations } from "./destinations.ts";
import type { DuckDBOptions } from "./options.ts";

/** What a DuckDB destination can do. */
export type DuckDBAbility = "append" | "replace" | "upsert" | "insertOnly" | "deleteInsert" | "scd2";

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
  const destination: Destination<DuckDBAbility> = {
    specVersion: 1,
    name: "duckdb",
    runner,
    capabilities,
    open: (context) => openSqlSession(duckdbDatabase(options), context),
  };
  destinations.remember(destination, options);
  return destination;
}
