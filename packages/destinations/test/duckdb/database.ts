import { DuckDBInstance } from "@duckdb/node-api";
import type { Destination } from "@alluvium/core";
import { suiteDestination, type Rows, type SuiteDestination } from "@alluvium/core/testing";
import { duckdb, type DuckDBOptions } from "../../src/duckdb/index.ts";

/** A database in memory, with a destination that loads into it and a connection that reads it. */
export interface TestDatabase extends AsyncDisposable {
  readonly instance: DuckDBInstance;
  readonly destination: Destination<never>;
  /** Rows in user form. */
  read(table: string): Promise<Rows>;
  query(sql: string): Promise<Rows>;
}

/** Opens a new database in memory. */
export async function memoryDatabase(options: Partial<DuckDBOptions> = {}): Promise<TestDatabase> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const query = async (sql: string): Promise<Rows> =>
    (await (await connection.run(sql)).getRowObjectsJS()) as Rows;
  return {
    instance,
    destination: duckdb({ instance, ...options }),
    query,
    async read(table) {
      const [known] = await query(
        `select 1 as n from duckdb_tables() where table_name = '${table.replaceAll("'", "''")}'`,
      );
      return known === undefined ? [] : query(`select * from "${table.replaceAll('"', '""')}"`);
    },
    async [Symbol.asyncDispose]() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** A new database for a case of the conformance suite. */
export async function suiteDatabase(): Promise<SuiteDestination> {
  const database = await memoryDatabase();
  return suiteDestination(
    database.destination,
    (table) => database.read(table),
    () => Promise.resolve(database[Symbol.asyncDispose]()),
  );
}
