import { AlluviumError } from "@alluvium/core";
import type { Driver, Kysely, QueryResult, TransactionSettings } from "kysely";

/** A connection that queries read through. */
export interface ReadConnection {
  /** Runs a query; values come in user form. */
  query(sql: string, parameters: readonly unknown[]): Promise<QueryResult<unknown>>;
  /** Begins a transaction. */
  begin(settings: TransactionSettings): Promise<void>;
  /** Runs a statement without a result. */
  run(sql: string): Promise<void>;
  close(): Promise<void>;
}

/** Kysely over one connection that is opened with the first query; whoever queries at the same time waits for its turn. */
export async function readKysely<Tables>(open: () => Promise<ReadConnection>): Promise<Kysely<Tables>> {
  const kysely = await import("kysely");
  return new kysely.Kysely<Tables>({
    dialect: {
      createAdapter: () => new kysely.PostgresAdapter(),
      createIntrospector: (inner) => new kysely.PostgresIntrospector(inner),
      createQueryCompiler: () => new kysely.PostgresQueryCompiler(),
      createDriver: () => readDriver(open),
    },
  });
}

function readDriver(open: () => Promise<ReadConnection>): Driver {
  let connection: ReadConnection | undefined;
  let last: Promise<void> = Promise.resolve();
  let release: () => void = () => {};
  const over = {
    async executeQuery<Row>({ sql, parameters }: { sql: string; parameters: readonly unknown[] }) {
      return (await connection!.query(sql, parameters)) as QueryResult<Row>;
    },
    // oxlint-disable-next-line require-yield
    async *streamQuery() {
      throw new AlluviumError(
        "ALV_UNSUPPORTED",
        "database(load) does not stream: limit the query, or use `execute`",
      );
    },
  };
  return {
    async init() {
      connection = await open();
    },
    async acquireConnection() {
      const turn = Promise.withResolvers<void>();
      const before = last;
      last = turn.promise;
      await before;
      // Only now: until here it was for whoever had the connection.
      release = turn.resolve;
      return over;
    },
    releaseConnection: async () => release(),
    beginTransaction: (_, settings) => connection!.begin(settings),
    commitTransaction: () => connection!.run("commit"),
    rollbackTransaction: () => connection!.run("rollback"),
    async destroy() {
      await connection?.close();
      connection = undefined;
    },
  };
}
