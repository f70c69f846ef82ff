import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rowsOf } from "@alluvium/core/columns";
import { pipeline, type AlluviumError, type RunEvent, type RunReport } from "@alluvium/core";
import { delta, deltaTable } from "@alluvium/destinations/delta";
import { postgres } from "@alluvium/sources/postgres";
import pg from "pg";
import { expect, test } from "vitest";
import { startPostgres, type PostgresServer } from "../../scripts/postgres.ts";

// Megabytes each: more than the sockets hold when the server goes.
const EVENTS = 6_000;
const BIG = 5_000;

/** A server that can be shut down as a whole and started again at the same port, with a table to append and one to replace. */
async function openSource(
  folder: string,
): Promise<{ server: PostgresServer; start: () => Promise<PostgresServer> }> {
  const server = await startPostgres({ folder });
  const { port } = new URL(server.url);
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(`create table events (id bigint generated always as identity primary key, filler text);
    insert into events (filler) select repeat(md5(i::text), 100) from generate_series(1, ${EVENTS}) i;
    create table big (id int primary key, filler text);
    insert into big select i, repeat(md5(i::text), 100) from generate_series(1, ${BIG}) i; analyze`);
  // Test servers commit without waiting for the disk: a shutdown at once would take the tables with it.
  await client.query("checkpoint");
  await client.end();
  return { server, start: () => startPostgres({ folder, settings: { port } }) };
}

function run(
  url: string,
  lake: string,
  attempts: number,
  onEvent: (event: RunEvent) => void,
): Promise<RunReport> {
  return pipeline({
    name: "shutdown",
    source: postgres({
      url,
      tables: { events: { cursor: { column: "id", order: "ascending", lag: 0 } }, big: {} },
    }),
    destination: delta({ url: lake }),
    budget: 8 << 20,
    leaseWait: 0,
  }).run({ commitInterval: 0, retry: { attempts, minDelay: 500, maxDelay: 500 }, onEvent });
}

async function idsOf(lake: string, table: string): Promise<number[]> {
  const ids: number[] = [];
  for await (const batch of deltaTable(join(lake, table)).scan({ columns: ["id"] }))
    for (const row of rowsOf(batch)) ids.push(Number((row as { id: number | bigint }).id));
  return ids.sort((a, b) => a - b);
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

test(
  "the server is shut down at once while it is read, and comes back after its recovery: the same run goes on, every row is there once",
  { timeout: 120_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "alluvium-shutdown-"));
    const { server, start } = await openSource(join(folder, "pg"));
    let again: Promise<PostgresServer> | undefined;
    const retried: (string | undefined)[] = [];
    try {
      const report = await run(server.url, join(folder, "lake"), 30, (event) => {
        if (event.type === "retry") retried.push(event.code);
        if (event.type !== "batchRead" || event.table !== "events" || again !== undefined) return;
        process.kill(server.pid, "SIGQUIT");
        // It has ended when its number is gone; only then can another one have its folder and port.
        again = Promise.resolve(server[Symbol.asyncDispose]()).then(start);
      });
      expect(again).toBeDefined();
      expect(retried.length).toBeGreaterThan(0);
      expect(new Set(retried)).toEqual(new Set(["ALV_CONNECTION"]));
      expect(report.complete).toBe(true);
      expect(await idsOf(join(folder, "lake"), "events")).toEqual(numbers(EVENTS));
      expect(await idsOf(join(folder, "lake"), "big")).toEqual(numbers(BIG));
    } finally {
      await (await again)?.[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    }
  },
);

test(
  "the server is shut down in order while it is read, and stays away: one clear error, and a later run completes what was committed",
  { timeout: 120_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "alluvium-shutdown-"));
    const { server, start } = await openSource(join(folder, "pg"));
    const lake = join(folder, "lake");
    let commits = 0;
    try {
      let stopped = false;
      const failed: unknown = await run(server.url, lake, 2, (event) => {
        if (event.type === "loadCommitted") commits += 1;
        if (stopped || commits === 0) return;
        stopped = true;
        process.kill(server.pid, "SIGINT");
      }).then(
        (report) => report.problems[0],
        (error: unknown) => error,
      );
      expect(stopped).toBe(true);
      expect(failed).toMatchObject({ code: "ALV_CONNECTION" });
      const { message } = failed as AlluviumError;
      expect(message).toMatch(/127\.0\.0\.1:\d+/);
      expect(message).toMatch(/shut down|nothing listens there|connection broke|starting or stopping/);
      const before = await idsOf(lake, "events");
      expect(before).toEqual(numbers(before.length));
      expect(before.length).toBeLessThan(EVENTS);
      await server[Symbol.asyncDispose]();
      await using back = await start();
      const report = await run(back.url, lake, 1, () => {});
      expect(report.complete).toBe(true);
      expect(report.tables["events"]!.rows).toBe(EVENTS - before.length);
      expect(await idsOf(lake, "events")).toEqual(numbers(EVENTS));
      expect(await idsOf(lake, "big")).toEqual(numbers(BIG));
    } finally {
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    }
  },
);
