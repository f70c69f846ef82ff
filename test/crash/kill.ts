import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rowsOf } from "@alluvium/core/columns";
import { deltaTable } from "@alluvium/destinations/delta";
import pg from "pg";

/** What a series of kills came to. */
export interface KillReport {
  readonly kills: number;
  /** Runs that ended by themselves before their time. */
  readonly survived: number;
  /** Runs that gave way to another one. */
  readonly gaveWay: number;
  /** Loads that were committed, by killed runs and others. */
  readonly loads: number;
  readonly rows: Record<string, number>;
  /** What differs between the source and the lake: must be empty. */
  readonly differences: readonly string[];
}

function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function runOnce(
  url: string,
  lake: string,
  killAfter: number | undefined,
): Promise<number | undefined> {
  const child = fork(join(import.meta.dirname, "load.ts"), [url, lake], {
    execArgv: ["--conditions=@alluvium/source"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let complaint = "";
  child.stderr!.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  let loads: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  child.on("message", (message) => {
    if (message === "started") {
      if (killAfter !== undefined) timer = setTimeout(() => child.kill("SIGKILL"), killAfter);
    } else loads = (message as { loads: number }).loads;
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((done) =>
    child.once("close", (...ended) => done(ended)),
  );
  clearTimeout(timer);
  if (signal === "SIGKILL") return undefined;
  if (code !== 0) throw new Error(`the run failed by itself (${code}):\n${complaint}`);
  return loads ?? 0;
}

/**
 * Kills runs of a pipeline at random moments while the source goes on changing, then lets one run finish, and compares the lake with the
 * source: every row once. `seed` repeats the schedule as far as the machine does. `pairs`: two runs at once, each killed at a moment of
 * its own.
 */
export async function killAgainAndAgain(options: {
  readonly url: string;
  readonly kills: number;
  readonly seed: number;
  readonly pairs?: boolean;
}): Promise<KillReport> {
  const random = generator(options.seed);
  const lake = mkdtempSync(join(tmpdir(), "alluvium-kill-"));
  const client = new pg.Client({ connectionString: options.url });
  await client.connect();
  let kills = 0;
  let survived = 0;
  let gaveWay = 0;
  const kill = async (): Promise<void> => {
    const done = await runOnce(
      options.url,
      lake,
      Math.floor(random() * (options.pairs === true ? 2_500 : 1_500)),
    );
    if (done === undefined) kills += 1;
    else if (done < 0) gaveWay += 1;
    else survived += 1;
  };
  /** Two runs at once: their lease, which would keep them apart, is taken away as often as they take it. */
  const killPair = async (): Promise<void> => {
    const lease = join(lake, "_alluvium/crash/main/_lease.json");
    const thief = setInterval(() => rmSync(lease, { force: true }), 20);
    try {
      await Promise.all([kill(), kill()]);
    } finally {
      clearInterval(thief);
    }
  };
  try {
    await client.query(`
      drop table if exists events, readings, customers;
      create table events (id bigint generated always as identity primary key, kind text not null, payload jsonb, filler text);
      create table readings (sensor text, at timestamptz not null default clock_timestamp(), value numeric(12,3));
      create table customers (id int primary key, name text);
      create index on readings (at)`);
    const change = async (rows: number): Promise<void> => {
      await client.query(
        `insert into events (kind, payload, filler) select 'k' || (n % 7), jsonb_build_object('n', n, 'x', md5(n::text)), repeat(md5(random()::text), 100) from generate_series(1, $1) n`,
        [rows],
      );
      // Several rows share a time now and then: the boundary of the cursor.
      await client.query(
        `insert into readings (sensor, at, value) select 's' || (n % 3), now(), n from generate_series(1, $1) n`,
        [rows],
      );
      await client.query(
        `insert into customers select coalesce(max(id), 0) + 1, md5(random()::text) from customers`,
      );
      await client.query(`update customers set name = name || '!' where id % 5 = $1`, [
        Math.floor(random() * 5),
      ]);
    };
    await change(1_000);
    while (kills < options.kills) {
      await (options.pairs === true ? killPair() : kill());
      await change(50 + Math.floor(random() * 400));
    }
    if ((await runOnce(options.url, lake, undefined))! < 0)
      throw new Error("the last run gave way to nobody");
    const differences: string[] = [];
    const rows: Record<string, number> = {};
    for (const [table, columns] of Object.entries(comparedColumns)) {
      const wanted = await client.query({
        text: `select ${columns.map((column) => sourceTexts[column] ?? `${column}::text`).join(", ")} from ${table}`,
        rowMode: "array",
      });
      const source = wanted.rows.map((row) => JSON.stringify(row)).sort();
      const found: string[] = [];
      for await (const row of rowsIn(lake, table, columns))
        found.push(JSON.stringify(columns.map((column) => cell(column, row[column]!))));
      found.sort();
      rows[table] = source.length;
      if (found.length !== source.length)
        differences.push(`${table}: ${source.length} rows in the source, ${found.length} in the lake`);
      else if (found.some((row, index) => row !== source[index]))
        differences.push(`${table}: other rows than the source`);
    }
    const loads: number[] = [];
    for await (const row of rowsIn(lake, "_alv_loads", ["sequence"])) loads.push(Number(row["sequence"]));
    loads.sort((a, b) => a - b);
    if (loads.some((sequence, index) => sequence !== index))
      differences.push(`_alv_loads: ${loads.length} loads up to number ${loads.at(-1)}`);
    return { kills, survived, gaveWay, loads: loads.length, rows, differences };
  } finally {
    await client.end();
    rmSync(lake, { recursive: true, force: true });
  }
}

const comparedColumns = {
  events: ["id", "kind", "payload", "filler"],
  readings: ["sensor", "at", "value"],
  customers: ["id", "name"],
} as const;

/** Columns that are not compared by their text. */
const sourceTexts: Readonly<Record<string, string>> = {
  at: "(extract(epoch from at) * 1000000)::bigint::text",
  filler: "md5(filler)",
};

type Cell = string | number | bigint | null;

function cell(column: string, value: Cell): string | null {
  if (value === null) return null;
  return column === "filler" ? createHash("md5").update(String(value)).digest("hex") : String(value);
}

async function* rowsIn(
  lake: string,
  table: string,
  columns: readonly string[],
): AsyncGenerator<Readonly<Record<string, Cell>>> {
  for await (const batch of deltaTable(join(lake, table)).scan({ columns }))
    yield* rowsOf(batch, { timestamps: "micros" }) as Iterable<Record<string, Cell>>;
}
