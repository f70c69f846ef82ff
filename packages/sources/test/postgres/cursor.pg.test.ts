import { describe, expect, test } from "vitest";
import { postgres, type PostgresTableOptions } from "@alluvium/sources/postgres";
import type { RunEvent } from "@alluvium/core";
import { columnCursorCodec, type ColumnCursor } from "@alluvium/core/cursor";
import { readAll, sourceContext, streamOf, useDatabase, type ReadResult } from "./database.ts";

const db = useDatabase("cursor");

interface Read extends ReadResult {
  readonly cursor: ColumnCursor | undefined;
  readonly ids: readonly number[];
}

/** One run over table `t`: opens, reads to the end, and stores the cursor as a state would. */
async function run(
  options: PostgresTableOptions,
  since?: ColumnCursor,
  extra: {
    readonly settleTimeout?: number;
    readonly beforeRead?: () => Promise<void>;
    readonly events?: RunEvent[];
  } & Parameters<typeof readAll>[1] = {},
): Promise<Read> {
  const { settleTimeout = 5000, beforeRead, ...overrides } = extra;
  const source = postgres({ url: db.url, tables: { t: options }, settleTimeout });
  await using session = await source.open(sourceContext());
  await beforeRead?.();
  const result = await readAll(streamOf(session, "t"), { since, ...overrides });
  const stored =
    result.checkpoint === undefined
      ? since
      : columnCursorCodec.decode(columnCursorCodec.encode(result.checkpoint as ColumnCursor), 1);
  return {
    ...result,
    cursor: stored,
    ids: result.rows.map(({ id }) => Number(id)).toSorted((a, b) => a - b),
  };
}

const recreate = (columns: string): Promise<unknown> =>
  db.run(`drop table if exists t; create table t (id int primary key, ${columns})`);

test("a time cursor takes each row once, also those that share the last value", async () => {
  await recreate("at timestamptz not null default now(), note text");
  await db.run(`insert into t select i, '2024-01-01 00:00:00.000001+00' from generate_series(1, 5) i`);
  const options = { cursor: "at" };
  const first = await run(options);
  expect(first.ids).toEqual([1, 2, 3, 4, 5]);
  expect(first.cursor).toMatchObject({ value: "2024-01-01T00:00:00.000001Z" });
  expect((await run(options, first.cursor)).rows).toEqual([]);
  await db.run(
    `insert into t values (6, '2024-01-01 00:00:00.000001+00'), (7, '2024-01-01 00:00:00.000002+00'), (8, '2023-01-01 00:00+00')`,
  );
  const second = await run(options, first.cursor);
  expect(second.ids).toEqual([6, 7]);
  expect((await run(options, second.cursor)).rows).toEqual([]);
});

test("a transaction that is open and commits behind the cursor is not lost", async () => {
  await recreate("at timestamptz not null default now()");
  const slow = await db.connect();
  await slow.query("begin");
  await slow.query("insert into t values (1)");
  await db.run("insert into t values (2)");
  const first = await run({ cursor: "at" });
  // Row 2 is later than the open transaction's start, so it waits.
  expect(first.ids).toEqual([]);
  await slow.query("commit");
  const second = await run({ cursor: "at" }, first.cursor);
  expect(second.ids).toEqual([1, 2]);
});

test("a transaction that commits between the horizon and the read is seen by the next run", async () => {
  await recreate("at timestamptz not null default now()");
  const slow = await db.connect();
  await slow.query("begin");
  await slow.query("insert into t values (1)");
  const first = await run({ cursor: "at" }, undefined, {
    beforeRead: async () => {
      await slow.query("commit");
      await db.run("insert into t values (2)");
    },
  });
  const second = await run({ cursor: "at" }, first.cursor);
  expect([...first.ids, ...second.ids]).toEqual([1, 2]);
});

test("a lag counts from the greatest value", async () => {
  await recreate("at timestamptz not null");
  await db.run(
    `insert into t values (1, now() - interval '20 minutes'), (2, now() - interval '5 minutes'), (3, now())`,
  );
  expect((await run({ cursor: { column: "at", lag: { minutes: 4 } } })).ids).toEqual([1, 2]);
  expect((await run({ cursor: { column: "at", lag: { minutes: 10 } } })).ids).toEqual([1]);
});

test("a sequence cursor waits for transactions that may have drawn smaller values", async () => {
  await db.run(`drop table if exists t; create table t (id serial primary key, note text)`);
  const slow = await db.connect();
  await slow.query("begin");
  await slow.query("insert into t (note) values ('one')");
  await db.run("insert into t (note) values ('two')");
  const events: RunEvent[] = [];
  const waiting = run({ cursor: "id" });
  setTimeout(() => void slow.query("commit"), 400);
  expect((await waiting).ids).toEqual([1, 2]);
  expect(events).toEqual([]);

  await slow.query("begin");
  await slow.query("select nextval('t_id_seq')"); // draws a value without an xid
  await db.run("insert into t (note) values ('four')");
  await expect(run({ cursor: "id" }, undefined, { settleTimeout: 300 })).rejects.toMatchObject({
    code: "ALV_LATE_TRANSACTIONS",
    message: expect.stringMatching(/t, cursor "id": .*1 open transaction .*set the cursor's lag/) as string,
  });
  expect((await run({ cursor: { column: "id", lag: 0 } })).ids).toEqual([1, 2, 4]);
  expect((await run({ cursor: { column: "id", lag: 2 } })).ids).toEqual([1]);
  await slow.query("rollback");
});

test("a sequence that hands out values in advance needs a lag", async () => {
  await db.run(
    `drop table if exists t; create table t (id int generated always as identity (cache 10) primary key)`,
  );
  await expect(run({ cursor: "id" })).rejects.toThrow(/its sequence hands 10 values to a session at once/);
  expect((await run({ cursor: { column: "id", lag: 0 } })).ids).toEqual([]);
});

describe("kinds of cursor, in full precision", () => {
  const kinds: readonly (readonly [type: string, values: readonly string[]])[] = [
    ["bigint", ["9007199254740992", "9007199254740993", "9223372036854775807"]],
    [
      "numeric(38,10)",
      ["12345678901234567890.0123456789", "12345678901234567890.0123456790", "99999999999999999999.9"],
    ],
    ["numeric(12,2)", ["-1.50", "-1.49", "10.00"]],
    [
      "text",
      ["Z", "a", "é", "🙂", "it's \\ quoted"].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    ],
    ["date", ["0044-03-15 BC", "2024-02-29", "12024-01-01"]],
    ["timestamp", ["0044-03-15 01:02:03.000004 BC", "2024-02-29 23:59:59.999999", "2024-03-01 00:00:00"]],
    ["timestamptz", ["1969-12-31 23:59:59.999999+00", "2024-06-30 12:00:00+05"]],
    [
      "uuid",
      [
        "018f0000-0000-7000-8000-000000000000",
        "018f0000-0000-7000-8000-000000000001",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
      ],
    ],
    ["oid", ["1", "4294967295"]],
  ];
  test.each(kinds)("%s", async (type, values) => {
    await recreate(`c ${type} not null`);
    let cursor: ColumnCursor | undefined;
    // Dates in the far future are above the horizon.
    const lasting = values.filter((value) => !(type === "date" && value.startsWith("12024")));
    for (const [i, value] of lasting.entries()) {
      await db.run(`insert into t values (${i}, '${value.replaceAll("'", "''")}')`);
      const next = await run({ cursor: "c" }, cursor);
      expect(next.ids, `${type} ${value}`).toEqual([i]);
      cursor = next.cursor;
    }
    expect((await run({ cursor: "c" }, cursor)).rows).toEqual([]);
  });

  test.each(["jsonb", "boolean", "numeric", "double precision", "interval", "char(3)"])(
    "%s is refused",
    async (type) => {
      await recreate(`c ${type}`);
      await expect(run({ cursor: "c" })).rejects.toMatchObject({ code: "ALV_CONFIG" });
    },
  );
});

test("rows without a value: an error, left out, or each taken once", async () => {
  await recreate("c int");
  await db.run("insert into t values (1, 10), (2, null)");
  await expect(run({ cursor: { column: "c", lag: 0 } })).rejects.toThrow(
    /rows without a value.*nulls: "include"/,
  );
  expect((await run({ cursor: { column: "c", nulls: "exclude" } })).ids).toEqual([1]);
  const options = { cursor: { column: "c", nulls: "include" } } as const;
  const first = await run(options);
  expect(first.ids).toEqual([1, 2]);
  await db.run("insert into t values (3, null), (4, 11)");
  const second = await run(options, first.cursor);
  expect(second.ids).toEqual([3, 4]);
  expect((await run(options, second.cursor)).ids).toEqual([]);
});

test("an infinite value would end the cursor: it is an error", async () => {
  await recreate("at timestamptz not null");
  await db.run("insert into t values (1, 'infinity')");
  await expect(run({ cursor: "at" })).rejects.toThrow(/rows with the value infinity/);
});

test("of a value that more rows share than can be counted nothing is taken before it is closed", async () => {
  await recreate("c int not null");
  await db.run(
    "insert into t select i, 1 from generate_series(1, 10) i; insert into t select i, 2 from generate_series(11, 100111) i",
  );
  const first = await run({ cursor: "c" });
  expect(first.rows).toHaveLength(10);
  expect(first.cursor).toMatchObject({ value: "2", boundary: [] });
  const second = await run({ cursor: "c" }, first.cursor);
  expect(second.rows).toHaveLength(0);
  await db.run("insert into t values (200000, 2), (200001, 3)");
  const third = await run({ cursor: "c" }, second.cursor);
  expect(third.rows).toHaveLength(100_103);
  const last = await run({ cursor: "c" }, third.cursor);
  expect(last.rows).toHaveLength(0);
  await db.run("insert into t select i, 3 from generate_series(300000, 400005) i");
  // The boundary of a value that grows too large for it: its old rows are known, the new ones wait.
  const grown = await run({ cursor: "c" }, last.cursor);
  await db.run("insert into t values (500000, 4)");
  const closed = await run({ cursor: "c" }, grown.cursor);
  const end = await run({ cursor: "c" }, closed.cursor);
  expect(grown.rows.length + closed.rows.length + end.rows.length).toBe(100_007);
});

test("an ordered cursor offers points to resume from, and resuming yields the rest", async () => {
  await recreate("c int not null, filler text");
  await db.run("insert into t select i, i / 7, repeat('x', 200) from generate_series(1, 20000) i");
  const options = { cursor: { column: "c", order: "ascending" } } as const;
  const whole = await run(options, undefined, { budget: 1 << 20 });
  expect(whole.checkpoints.length).toBeGreaterThan(3);
  const before = whole.batches.slice(0, 2).reduce((sum, batch) => sum + batch.length, 0);
  const rest = await run(options, whole.checkpoints[1] as ColumnCursor);
  expect(before + rest.rows.length).toBe(20_000);
  expect(new Set([...whole.ids.slice(0, 0), ...rest.ids]).size).toBe(rest.rows.length);
});

test("initial, a window, a sample and a condition", async () => {
  await recreate("at timestamptz not null");
  await db.run(
    "insert into t select i, '2024-01-01'::timestamptz + i * interval '1 day' from generate_series(1, 10) i",
  );
  const initial = new Date("2024-01-08T00:00:00Z");
  await db.run("set timezone to 'UTC'");
  expect((await run({ cursor: { column: "at", initial } })).rows.length).toBeGreaterThanOrEqual(3);
  const window = { since: new Date("2024-01-03T00:00:00Z"), until: "2024-01-05T00:00:00Z" };
  const backfill = await run({ cursor: "at" }, undefined, { window });
  expect(backfill.rows).toHaveLength(2);
  expect(backfill.checkpoints).toEqual([]);
  const sample = await run({ cursor: "at" }, undefined, { limit: 4 });
  expect(sample.rows).toHaveLength(4);
  expect(sample.checkpoints).toEqual([]);
  expect((await run({ cursor: "at", where: "id % 2 = 0" })).ids).toEqual([2, 4, 6, 8, 10]);
});

test("a merge reads again from the cursor less the lag, and leaves nothing out", async () => {
  await recreate("c int not null");
  await db.run("insert into t select i, i from generate_series(1, 10) i");
  const options = { cursor: { column: "c", lag: 3 }, disposition: "merge" } as const;
  const first = await run(options);
  expect(first.ids).toHaveLength(10);
  expect((await run(options, first.cursor)).ids).toEqual([7, 8, 9, 10]);
});
