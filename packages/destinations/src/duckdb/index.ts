/**
 * DuckDB: `duckdb()` loads into a database file or an open database.
 *
 * @module destinations/duckdb
 */
export { duckdb, type DuckDBAbility } from "./duckdb.ts";
export { database, type DatabaseOf } from "./read-back.ts";
export type { DuckDBOptions } from "./options.ts";
export type { DuckDBConnection, DuckDBInstance, DuckDBParameter, DuckDBResult } from "./driver.ts";
