import { setTimeout as sleep } from "node:timers/promises";
import { AlluviumError, type OpenContext, type Schema } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { conformBatch } from "@alluvium/core/schema";
import type { SqlCall, SqlConnection, SqlRow, SqlStatement, SqlTable, SqlValue } from "../sql/engine.ts";
import { quoteText } from "../sql/standard.ts";
import { duckdbDialect, idInComment } from "./dialect.ts";
import type { DuckDBConnection, DuckDBResult } from "./driver.ts";
import { duckdbError, refusalOf } from "./errors.ts";
import { leaseDefinition, takeLease } from "./lease.ts";
import { openStaging, stagingParent, sweepStaging } from "./staging.ts";
import { columnType } from "./types.ts";

/** A connection that a session has to itself. */
export interface OwnedConnection {
  readonly connection: DuckDBConnection;
  /** Closes what was opened for the session. */
  readonly close: () => Promise<void>;
}

/** What a connection is told. */
export interface ConnectionOptions {
  readonly schema: string;
  readonly staging: string | undefined;
}

/** DuckDB as the session of SQL destinations sees it. */
export async function duckdbConnection(
  { connection, close }: OwnedConnection,
  { schema, staging }: ConnectionOptions,
  context: OpenContext,
): Promise<SqlConnection> {
  const dialect = duckdbDialect(schema);

  async function run(
    what: string,
    { text, values }: SqlStatement,
    signal: AbortSignal = context.signal,
  ): Promise<DuckDBResult> {
    signal.throwIfAborted();
    const stop = (): void => connection.interrupt();
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await connection.run(text, values === undefined ? undefined : [...values]);
    } catch (error) {
      signal.throwIfAborted();
      throw duckdbError(error, what);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** Without a signal: what ends a transaction is not interrupted. */
  async function finish(text: "commit" | "rollback"): Promise<void> {
    try {
      await connection.run(text);
    } catch (error) {
      throw duckdbError(error, text);
    }
  }

  const [place] = await rowsOf(
    await run("find the database's file", {
      text: "select path from duckdb_databases() where database_name = current_database()",
    }),
  );
  const path = place?.["path"];
  const parent = stagingParent(staging, typeof path === "string" && path !== "" ? path : undefined);
  const folder = openStaging(parent, Math.floor(context.budget * 0.75));

  const self: SqlConnection = {
    dialect,
    query: async (statement, call) => rowsOf(await run("read", statement, call?.signal)),
    execute: async (statement, call) => (await run("write", statement, call?.signal)).rowsChanged,
    async *scan({ text, values }: SqlStatement, columns: Schema, call?: SqlCall): AsyncGenerator<Batch> {
      // Our own decoder of Parquet is the fastest way from DuckDB's vectors to ours, and exact for every type.
      const place = await folder.reserve();
      const copy = `copy (${text}) to ${quoteText(place)} (format parquet, compression uncompressed)`;
      await run("read", { text: copy, ...(values === undefined ? {} : { values }) }, call?.signal);
      for await (const batch of folder.read(place, call?.signal)) yield conformBatch(batch, columns);
    },
    async transaction(work) {
      await run("begin", { text: "begin transaction" });
      try {
        const result = await work();
        await finish("commit");
        return result;
      } catch (error) {
        // After a commit that failed there is no transaction left.
        await finish("rollback").catch(() => {});
        throw error;
      }
    },
    settle: () =>
      Promise.reject(new AlluviumError("ALV_INTERNAL", "in one process the answer to COMMIT is never lost")),
    async setUp(statements) {
      for (const text of statements) await untilFree(() => run("write", { text }));
    },
    sweep: () => sweepStaging(parent),
    async lease(options) {
      await self.setUp([leaseDefinition(dialect)]);
      return takeLease(self, options);
    },
    inspect: (table) => inspectTable(self, schema, table),
    refusal: refusalOf,
    stage: (columns) => folder.segment(columns),
    async [Symbol.asyncDispose]() {
      try {
        await folder[Symbol.asyncDispose]();
      } finally {
        await close();
      }
    },
  };
  return self;
}

async function rowsOf(result: DuckDBResult): Promise<readonly SqlRow[]> {
  const rows = await result.getRowObjectsJS();
  return rows as readonly Readonly<Record<string, SqlValue>>[];
}

/** Definitions of two sessions at once are in each other's way. */
async function untilFree(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      if (!AlluviumError.is(error) || error.code !== "ALV_TABLE_CONFLICT" || attempt === 10) throw error;
      await sleep(5 * attempt);
    }
  }
}

/** Transactions see one state of the catalogue; one that another changes meanwhile does not commit. So nothing has to be locked. */
async function inspectTable(
  connection: SqlConnection,
  schema: string,
  table: string,
): Promise<SqlTable | undefined> {
  const where =
    "database_name = current_database() and lower(schema_name) = lower($1) and lower(table_name) = lower($2)";
  const values = [schema, table];
  const [found] = await connection.query({
    text: `select comment from duckdb_tables() where ${where}`,
    values,
  });
  if (found === undefined) return undefined;
  const columns = await connection.query({
    text: `select column_name, data_type, is_nullable from duckdb_columns() where ${where} order by column_index`,
    values,
  });
  const comment = found["comment"];
  return {
    id: idInComment(typeof comment === "string" ? comment : null),
    columns: columns.map((column) => ({
      name: String(column["column_name"]),
      type: columnType(String(column["data_type"])),
      nullable: column["is_nullable"] === true,
      native: String(column["data_type"]),
    })),
    indexes: [],
  };
}
