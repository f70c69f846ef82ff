import { chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AlluviumError, pipeline, type RunReport } from "@alluvium/core";
import { memoryDestination, type MemoryStore } from "@alluvium/core/testing";
import { postgres } from "@alluvium/sources/postgres";
import { readAll, sourceContext, streamContext, streamOf } from "./database.ts";
import { startPostgres, type PostgresServer } from "../../../../scripts/postgres.ts";

// A standby that follows its primary by streaming replication, made from a base backup.

const folder = mkdtempSync(join(tmpdir(), "alluvium-standby-"));
let primary: PostgresServer;
let standby: PostgresServer;
let client: pg.Client;

/** Copies a cluster while its server runs, between the functions that make that a base backup. */
async function baseBackup(from: string, to: string): Promise<string> {
  const client = new pg.Client({ connectionString: primary.url });
  await client.connect();
  await client.query("select pg_backup_start('standby', true)");
  mkdirSync(to);
  // Not what belongs to the running server.
  cpSync(join(from, "data"), join(to, "data"), {
    recursive: true,
    filter: (path) => !["postmaster.pid", "postmaster.opts"].includes(basename(path)),
  });
  const { rows } = await client.query<{ labelfile: string }>("select labelfile from pg_backup_stop(false)");
  await client.end();
  const { uid, gid } = statSync(join(from, "data"));
  for (const path of ["", ...readdirSync(join(to, "data"), { recursive: true, encoding: "utf8" })])
    chownSync(join(to, "data", path), uid, gid);
  return rows[0]!.labelfile;
}

/** Waits until the standby has what the primary has now. */
async function caughtUp(): Promise<void> {
  const { rows } = await client.query<{ lsn: string }>("select pg_current_wal_flush_lsn()::text as lsn");
  await onStandby(async (reader) => {
    for (let tries = 0; ; tries++) {
      const { rows: seen } = await reader.query<{ done: boolean }>(
        "select pg_last_wal_replay_lsn() >= $1::pg_lsn as done",
        [rows[0]!.lsn],
      );
      if (seen[0]!.done) return;
      if (tries > 600) throw new Error("the standby does not follow");
      await delay(50);
    }
  });
}

/**
 * Waits until the standby has got what the primary has now, and its replay has come to the end of it or stands still: behind a query whose rows nobody
 * takes, which the server can only end once it can send again.
 */
async function caughtUpOrHeld(): Promise<void> {
  const { rows } = await client.query<{ lsn: string }>("select pg_current_wal_flush_lsn()::text as lsn");
  await onStandby(async (reader) => {
    let before: string | undefined;
    for (let still = 0; still < 10; await delay(50)) {
      const { rows: seen } = await reader.query<{ replayed: string; received: boolean }>(
        "select pg_last_wal_replay_lsn()::text as replayed, pg_last_wal_receive_lsn() >= $1::pg_lsn as received",
        [rows[0]!.lsn],
      );
      const { replayed, received } = seen[0]!;
      still = received && replayed === before ? still + 1 : 0;
      before = replayed;
    }
  });
}

async function onStandby<Result>(work: (reader: pg.Client) => Promise<Result>): Promise<Result> {
  const reader = new pg.Client({ connectionString: standby.url });
  await reader.connect();
  try {
    return await work(reader);
  } finally {
    await reader.end();
  }
}

beforeAll(async () => {
  primary = await startPostgres({ folder: join(folder, "primary") });
  client = new pg.Client({ connectionString: primary.url });
  await client.connect();
  await client.query(`create table big as select i as id, repeat('x', 1500) as filler from generate_series(1, 60000) i; analyze big;
    create table events (id bigint generated always as identity primary key, v int); insert into events (v) select i from generate_series(1, 500) i;
    create table readings (at timestamptz primary key); insert into readings select now() - i * interval '1 minute' from generate_series(0, 59) i`);
  const label = await baseBackup(join(folder, "primary"), join(folder, "standby"));
  const { port } = new URL(primary.url);
  standby = await startPostgres({
    folder: join(folder, "standby"),
    settings: {
      primary_conninfo: `host=127.0.0.1 port=${port} user=postgres`,
      // A query that stands in the way of what has to be replayed is ended at once.
      max_standby_streaming_delay: "0",
    },
    files: { "standby.signal": "", backup_label: label },
  });
  await caughtUp();
}, 120_000);

afterAll(async () => {
  await client.end();
  await standby[Symbol.asyncDispose]();
  await primary[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

type Cursor = { readonly column: string; readonly lag?: number };

async function run(
  server: PostgresServer,
  store: MemoryStore,
  tables: Readonly<Record<string, { readonly cursor?: Cursor }>>,
): Promise<RunReport> {
  return await pipeline({
    name: "standby",
    source: postgres({ url: server.url, tables: tables as Record<string, { cursor: Cursor }> }),
    destination: memoryDestination({ store }),
  }).run();
}

test("a table comes from a standby by ranges over several connections, under one snapshot", async () => {
  expect(
    await onStandby(async (reader) => (await reader.query("select pg_is_in_recovery() as r")).rows),
  ).toEqual([{ r: true }]);
  const { store } = memoryDestination();
  const report = await run(standby, store, { big: {} });
  expect(report.tables["big"]!.rows).toBe(60_000);
  expect(new Set(store.rows("big").map(({ id }) => id)).size).toBe(60_000);
});

test("a sequence cursor needs a lag there, and then the primary goes on where the standby stopped", async () => {
  const { store } = memoryDestination();
  await expect(run(standby, store, { events: { cursor: { column: "id" } } })).rejects.toMatchObject({
    code: "ALV_LATE_TRANSACTIONS",
    message: expect.stringMatching(/events, cursor "id": .*the server is a standby.*lag/s) as string,
  });
  const tables = { events: { cursor: { column: "id", lag: 0 } } };
  await run(standby, store, tables);
  expect(store.rows("events")).toHaveLength(500);
  await client.query("insert into events (v) select i from generate_series(501, 600) i");
  // It belongs to the same cluster: the cursor is not mismatched.
  expect((await run(primary, store, tables)).tables["events"]!.rows).toBe(100);
  await caughtUp();
  expect((await run(standby, store, tables)).tables["events"]!.rows).toBe(0);
  expect(
    store
      .rows("events")
      .map(({ v }) => v)
      .sort((a, b) => Number(a) - Number(b)),
  ).toEqual(Array.from({ length: 600 }, (_, i) => i + 1));
});

test("a time cursor stays ten minutes behind the clock there, unless a lag is given", async () => {
  const { store } = memoryDestination();
  await run(standby, store, { readings: { cursor: { column: "at" } } });
  const rows = store.rows("readings").length;
  // 60 minutes' rows without those of the last ten.
  expect(rows).toBeGreaterThanOrEqual(48);
  expect(rows).toBeLessThanOrEqual(50);
  const other = memoryDestination();
  await run(standby, other.store, { readings: { cursor: { column: "at", lag: 0 } } });
  expect(other.store.rows("readings")).toHaveLength(60);
});

/** Reads a table from its start, as a run does: once more where replaying, autovacuum's work too, ends it again. */
async function readAgain(big: ReturnType<typeof streamOf>): Promise<Awaited<ReturnType<typeof readAll>>> {
  for (let attempt = 2; ; attempt++) {
    await caughtUp();
    try {
      return await readAll(big, { attempt });
    } catch (error) {
      if (!AlluviumError.is(error) || error.code !== "ALV_SNAPSHOT_LOST" || attempt > 10) throw error;
    }
  }
}

test("a read that stands in the way of the replay loses its snapshot, and the table starts again under a new one", async () => {
  await using session = await postgres({ url: standby.url, tables: ["big"] }).open(sourceContext());
  const big = streamOf(session, "big");
  let rows = 0;
  const read = (async () => {
    for await (const item of big.read(streamContext({ budget: 1 << 20 }))) {
      if (!("batch" in item)) continue;
      if (rows === 0) {
        // What the snapshot still sees is removed at the primary while the read is held up.
        await client.query("delete from big where id % 2 = 0");
        await client.query("vacuum big");
        await caughtUpOrHeld();
      }
      rows += item.batch.length;
    }
  })();
  await expect(read).rejects.toMatchObject({
    code: "ALV_SNAPSHOT_LOST",
    retryable: true,
    message: expect.stringMatching(/conflict with recovery.*max_standby_streaming_delay/s) as string,
  });
  expect(rows).toBeLessThan(60_000);
  const again = await readAgain(big);
  expect(again.rows).toHaveLength(30_000);
  expect(again.rows.every(({ id }) => (id as number) % 2 === 1)).toBe(true);
});
