import pg from "pg";
import { afterAll, beforeAll, inject } from "vitest";
import type { RunEvent, SourceContext, SourceSession, Stream, StreamContext } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { sourceContext as contextOf } from "@alluvium/core/testing";
import { rowsOfBatch } from "./rows.ts";

export { rowsOfBatch as rowsOf } from "./rows.ts";

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
  const database = `alluvium_${name}`;
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

/** What opening a source takes, for tests. */
export function sourceContext(
  overrides: {
    readonly only?: readonly string[];
    readonly signal?: AbortSignal;
    readonly events?: RunEvent[];
  } = {},
): SourceContext {
  const { events, ...context } = overrides;
  return contextOf({ concurrency: 4, emit: (event) => events?.push(event), ...context });
}

/** What reading a stream takes, for tests. */
export function streamContext<Cursor>(
  overrides: Partial<StreamContext<Cursor>> & { readonly events?: RunEvent[] } = {},
): StreamContext<Cursor> {
  const { events, ...rest } = overrides;
  return {
    signal: new AbortController().signal,
    since: undefined,
    budget: 8 << 20,
    attempt: 1,
    emit: (event) => events?.push(event),
    ...rest,
  };
}

/** A stream by name. */
export function streamOf(session: SourceSession, name: string): Stream {
  const stream = session.streams.find((each) => each.name === name);
  if (stream === undefined)
    throw new Error(`no stream ${name}, but ${session.streams.map((each) => each.name).join(", ")}`);
  return stream;
}

/** Everything that a read yields. */
export interface ReadResult {
  readonly batches: readonly Batch[];
  readonly rows: readonly Record<string, unknown>[];
  /** The last checkpoint. */
  readonly checkpoint: unknown;
  readonly checkpoints: readonly unknown[];
}

/** Reads a stream to its end. */
export async function readAll(
  stream: Stream,
  overrides: Parameters<typeof streamContext>[0] = {},
): Promise<ReadResult> {
  const batches: Batch[] = [];
  const checkpoints: unknown[] = [];
  for await (const item of stream.read(streamContext(overrides)))
    if ("batch" in item) batches.push(item.batch);
    else if ("checkpoint" in item) checkpoints.push(item.checkpoint);
  return { batches, checkpoints, checkpoint: checkpoints.at(-1), rows: batches.flatMap(rowsOfBatch) };
}
