import { deepEqual, equal, ok } from "node:assert/strict";
import type { Batch } from "../columns/batch.ts";
import { rowsOf } from "../columns/rows.ts";
import { openResources } from "../read/open.ts";
import type { Source, SourceContext, SourceSession, Stream, StreamContext, StreamItem } from "../stream.ts";
import type { Json } from "../state/json.ts";
import type { SuiteCase } from "./suite.ts";

/** What the suite is told of a source. */
export interface SourceSuiteOptions {
  /** Takes one case: `test` of vitest, jest, `node:test` … */
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Gives a source whose rows do not change during a case. Called once a case. */
  readonly open: () => Promise<SuiteSource>;
  /** Milliseconds within which reading must stop after an abort. @default 5000 */
  readonly patience?: number;
}

/** A source under test. */
export interface SuiteSource {
  /** The source under test. */
  readonly source: Source;
  /** Cleans up after a case. */
  [Symbol.asyncDispose]?(): PromiseLike<void>;
}

/** Rows by table, each as text. */
type Read = Map<string, string[]>;

/**
 * What every source must do: what checkpoints mean, that reading stops when told, that what it opened is closed, and that it says the
 * same of itself each time.
 *
 * @example
 * ```ts
 * sourceSuite({ test, open: async () => ({ source: postgres({ url }) }) });
 * ```
 */
export function sourceSuite(options: SourceSuiteOptions): void {
  const patience = options.patience ?? 5000;
  const one = (
    name: string,
    run: (open: (signal?: AbortSignal) => Promise<SourceSession>) => Promise<void>,
  ): SuiteCase => ({
    name,
    async run() {
      const subject = await options.open();
      try {
        await run((signal) => subject.source.open(sourceContext(signal && { signal })));
      } finally {
        await subject[Symbol.asyncDispose]?.();
      }
    },
  });
  const cases = [
    one("streams, tables, identities and schemas are the same each time", async (open) => {
      const describe = async (): Promise<unknown> => {
        await using session = await open();
        return session.streams.map((stream) => ({
          name: stream.name,
          identity: stream.identity,
          version: stream.cursor.version,
          tables: stream.tables.map(({ name, schema, primaryKey }) => ({ name, schema, primaryKey })),
        }));
      };
      const first = await describe();
      deepEqual(await describe(), first);
      const streams = first as readonly { name: string; tables: readonly { name: string }[] }[];
      const names = streams.map(({ name }) => name);
      equal(new Set(names).size, names.length, "stream names are unique");
      const tables = streams.flatMap((stream) => stream.tables.map(({ name }) => name));
      equal(new Set(tables).size, tables.length, "each table belongs to one stream");
    }),
    one("reading twice gives the same rows, and batches are what they say", async (open) => {
      const first = await readAll(open);
      deepEqual(await readAll(open), first);
    }),
    one("reading from a checkpoint gives the rest", async (open) => {
      await using session = await open();
      for (const stream of session.streams) await checkCheckpoints(stream, open);
    }),
    one("an abort stops the reading soon", async (open) => {
      const stop = new AbortController();
      await using session = await open(stop.signal);
      for (const stream of session.streams) {
        const reading = new AbortController();
        const iterator = stream.read(contextOf(reading.signal))[Symbol.asyncIterator]();
        await iterator.next();
        reading.abort(new Error("enough"));
        await within(patience, `stream ${stream.name} after an abort`, drain(iterator));
      }
    }),
    one("a source that is disposed midway closes", async (open) => {
      const session = await open();
      const iterators = session.streams.map((stream) =>
        stream.read(contextOf(new AbortController().signal))[Symbol.asyncIterator](),
      );
      await Promise.all(iterators.slice(0, 2).map((iterator) => iterator.next()));
      for (const iterator of iterators.slice(0, 2)) await iterator.return?.();
      await within(patience, "disposing the source", session[Symbol.asyncDispose]());
    }),
  ];
  for (const { name, run } of cases) options.test(name, run);
}

/** What a source is opened with, where a test has no run. */
export function sourceContext(context: Partial<SourceContext> = {}): SourceContext {
  return {
    signal: new AbortController().signal,
    budget: 32 * 1024 * 1024,
    concurrency: 2,
    emit: () => {},
    openResources,
    ...context,
  };
}

function contextOf(signal: AbortSignal, since?: unknown): StreamContext {
  return { signal, since, budget: 8 * 1024 * 1024, attempt: 1, emit: () => {} };
}

async function readAll(open: () => Promise<SourceSession>): Promise<Read> {
  await using session = await open();
  const read: Read = new Map();
  for (const stream of session.streams)
    for await (const item of stream.read(contextOf(new AbortController().signal)))
      if ("batch" in item) add(read, stream, item);
  for (const rows of read.values()) rows.sort();
  return new Map([...read].sort(([left], [right]) => (left < right ? -1 : 1)));
}

async function checkCheckpoints(stream: Stream, open: () => Promise<SourceSession>): Promise<void> {
  const items: StreamItem[] = [];
  for await (const item of stream.read(contextOf(new AbortController().signal))) items.push(item);
  const places = items.flatMap((item, index) => ("checkpoint" in item ? [index] : []));
  if (places.length === 0) return;
  equal(places.at(-1), items.length - 1, `stream ${stream.name} ends with a checkpoint`);
  const merging = stream.tables.some(({ disposition }) => disposition.kind === "merge");
  // The first, the last, and some between.
  for (const place of new Set(
    [0, 0.25, 0.5, 0.75, 1].map((at) => places[Math.floor(at * (places.length - 1))]!),
  )) {
    const item = items[place]!;
    if (!("checkpoint" in item)) continue;
    const stored = JSON.parse(JSON.stringify(stream.cursor.encode(item.checkpoint))) as Json;
    const since = stream.cursor.decode(stored, stream.cursor.version);
    deepEqual(stream.cursor.encode(since), stored, `a cursor of ${stream.name} survives being stored`);
    const expected: Read = new Map();
    for (const later of items.slice(place + 1)) if ("batch" in later) add(expected, stream, later);
    const rest = await readFrom(stream.name, since, open);
    for (const { name } of stream.tables) {
      const [wanted, got] = [(expected.get(name) ?? []).sort(), (rest.get(name) ?? []).sort()];
      // A merge may see rows at the boundary again.
      if (merging) ok(includes(got, wanted), `${name}: rows after checkpoint ${place} are all read`);
      else deepEqual(got, wanted, `${name}: reading from checkpoint ${place} gives exactly the rest`);
    }
  }
}

async function readFrom(name: string, since: unknown, open: () => Promise<SourceSession>): Promise<Read> {
  await using session = await open();
  const stream = session.streams.find((candidate) => candidate.name === name)!;
  const read: Read = new Map();
  for await (const item of stream.read(contextOf(new AbortController().signal, since)))
    if ("batch" in item) add(read, stream, item);
  return read;
}

function add(read: Read, stream: Stream, item: { readonly table: string; readonly batch: Batch }): void {
  const { table, batch } = item;
  ok(
    stream.tables.some(({ name }) => name === table),
    `stream ${stream.name} yields only tables that it described, not ${table}`,
  );
  equal(batch.columns.length, batch.schema.fields.length, `${table}: a vector for each column`);
  for (const [i, column] of batch.columns.entries()) {
    const { name, type } = batch.schema.fields[i]!;
    equal(column.length, batch.length, `${table}.${name} has as many rows as its batch`);
    deepEqual(column.type, type, `${table}.${name} has the type that its batch says`);
  }
  const rows = read.get(table) ?? [];
  read.set(table, rows);
  for (const row of rowsOf(batch, { timestamps: "micros" })) rows.push(rowText(row));
}

function rowText(row: object): string {
  return JSON.stringify(row, (_, value: unknown) =>
    typeof value === "bigint" ? `${value}n` : value instanceof Map ? [...value] : value,
  );
}

function includes(all: readonly string[], some: readonly string[]): boolean {
  const counts = new Map<string, number>();
  for (const row of all) counts.set(row, (counts.get(row) ?? 0) + 1);
  return some.every((row) => {
    const left = counts.get(row) ?? 0;
    counts.set(row, left - 1);
    return left > 0;
  });
}

async function drain(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    while ((await iterator.next()).done !== true);
  } catch {
    // Rejecting with the signal's reason is the usual way to stop.
  }
}

async function within(milliseconds: number, what: string, work: PromiseLike<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${milliseconds} ms`)), milliseconds);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
