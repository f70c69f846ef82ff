import pg from "pg";
import { afterAll, beforeAll, inject } from "vitest";

/** A database of the test file's own. */
export interface TestDatabase {
  readonly url: string;
  /** Runs statements on a connection of its own that stays open. */
  run(sql: string): Promise<Record<string, unknown>[]>;
  /** A further connection; ended with the file. */
  connect(): Promise<pg.Client>;
}

/** Creates a database before the file's tests and drops it after them. */
export function useDatabase(name: string, options: string = ""): TestDatabase {
  const clients: pg.Client[] = [];
  let main: pg.Client | undefined;
  const url = new URL(inject("pgUrl"));
  const database = `alluvium_to_${name}`;
  const admin = url.href;
  url.pathname = `/${database}`;
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url.href });
    client.on("error", () => {});
    await client.connect();
    clients.push(client);
    return client;
  };
  const asAdmin = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: admin });
    await client.connect();
    await client.query(sql);
    await client.end();
  };
  beforeAll(async () => {
    await asAdmin(`drop database if exists ${database} with (force)`);
    await asAdmin(`create database ${database} ${options}`);
    main = await connect();
    // A test that fails may leave a transaction open; the next must not wait for it for ever.
    await main.query("set lock_timeout to '5s'");
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end().catch(() => {})));
    await asAdmin(`drop database if exists ${database} with (force)`);
  });
  return {
    url: url.href,
    connect,
    async run(sql) {
      const result = (await main!.query(sql)) as pg.QueryResult | pg.QueryResult[];
      return (Array.isArray(result) ? result.at(-1)! : result).rows as Record<string, unknown>[];
    },
  };
}
