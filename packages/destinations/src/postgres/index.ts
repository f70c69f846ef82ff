/**
 * Loads tables into PostgreSQL.
 *
 * @module destinations/postgres
 */
import type { Ability, Destination } from "@alluvium/core";
import { runner } from "@alluvium/core/run";
import { openSqlSession } from "../sql/session.ts";
import { capabilities, postgresDatabase } from "./database.ts";
import { destinations } from "./destinations.ts";
import type { PostgresOptions } from "./options.ts";

export { database, type DatabaseOf } from "./read-back.ts";
export type { PostgresClient, PostgresOptions } from "./options.ts";

/**
 * A PostgreSQL database (15 or later) as a destination: a load is one transaction, with the pipeline's state in it, so that readers see all of its
 * tables at once and each row arrives exactly once. Every disposition and merge strategy. Building it does no I/O; options are checked when a
 * pipeline runs (`ALV_CONFIG`). The README says how each type is stored and what is guaranteed.
 *
 * @example
 * ```ts
 * const copy = pipeline({ name: "shop", source: shop, destination: postgres({ url: env("WAREHOUSE_URL"), schema: "shop" }) });
 * await copy.run();
 * ```
 */
export function postgres(options: PostgresOptions): Destination<Ability> {
  const destination: Destination<Ability> = {
    specVersion: 1,
    name: "postgres",
    runner,
    capabilities,
    open: (context) => openSqlSession(postgresDatabase(options), context),
  };
  destinations.remember(destination, options);
  return destination;
}
