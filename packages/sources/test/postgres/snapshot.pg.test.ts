import { expect, test } from "vitest";
import type { RunEvent } from "@alluvium/core";
import { postgres } from "@alluvium/sources/postgres";
import { readAll, rowsOf, sourceContext, streamContext, streamOf, useDatabase } from "./database.ts";

const db = useDatabase("snapshot");

test("all tables of a run are read as of one moment, while others write", async () => {
  await db.run(`create table left_t (id int primary key, v int); create table right_t (id int primary key, v int);
    insert into left_t select i, 0 from generate_series(1, 1000) i; insert into right_t select i, 0 from generate_series(1, 1000) i`);
  const writer = await db.connect();
  const events: RunEvent[] = [];
  await using session = await postgres({ url: db.url }).open(sourceContext());
  let version = 0;
  const change = async (): Promise<void> => {
    version += 1;
    await writer.query(
      `begin; update left_t set v = ${version}; update right_t set v = ${version}; insert into left_t values (${1000 + version}, 0); commit`,
    );
  };
  await change();
  const left = await readAll(streamOf(session, "left_t"), { events });
  await change();
  const right = await readAll(streamOf(session, "right_t"), { events });
  expect(left.rows).toHaveLength(1000);
  expect(new Set([...left.rows, ...right.rows].map(({ v }) => v))).toEqual(new Set([0]));
  const snapshots = events.flatMap((event) => (event.type === "streamStarted" ? [event.snapshot] : []));
  expect(snapshots).toHaveLength(2);
  expect(new Set(snapshots).size).toBe(1);
  expect(snapshots[0]).toMatch(/^[0-9A-F-]+ at \d{4}-\d\d-\d\d .* UTC$/);
});

test("ranges over several connections give the whole table once, while its rows move", async () => {
  await db.run(`create table big (id int primary key, v int, filler text);
    insert into big select i, 0, repeat('x', 500) from generate_series(1, 80000) i; analyze big`);
  await using session = await postgres({ url: db.url, tables: ["big"] }).open(sourceContext());
  const writer = await db.connect();
  let moving = true;
  const mover = (async () => {
    for (let i = 0; moving; i++)
      await writer.query(
        `update big set v = v + 1 where id % 50 = ${i % 50}; delete from big where id = ${i + 1}; insert into big values (${100_000 + i}, 0, 'new')`,
      );
  })();
  const connections = new Set<number>();
  const sum = { rows: 0, ids: 0n };
  for await (const item of streamOf(session, "big").read(streamContext())) {
    if (!("batch" in item)) throw new Error("a table without a cursor has no checkpoints");
    for (const row of rowsOf(item.batch)) {
      sum.rows += 1;
      sum.ids += BigInt(row["id"] as number);
      expect(row["v"]).toBe(0);
    }
    const active = await db.run(
      "select pid from pg_stat_activity where query like 'copy (select%' and state = 'active'",
    );
    for (const { pid } of active) connections.add(pid as number);
  }
  moving = false;
  await mover;
  expect(sum).toEqual({ rows: 80_000, ids: (80_000n * 80_001n) / 2n });
  expect(connections.size).toBeGreaterThan(1);
});

test("a partitioned table is read as one, by its leaves; its partitions are not tables of their own", async () => {
  await db.run(`create table parts (id int, region text, v text) partition by list (region);
    create table parts_a partition of parts for values in ('a'); create table parts_rest partition of parts default partition by range (id);
    create table parts_low (v text, region text, id int); alter table parts_rest attach partition parts_low for values from (0) to (500);
    create table parts_high partition of parts_rest default;
    insert into parts select i, case when i % 2 = 0 then 'a' else 'b' end, repeat('y', 3000) from generate_series(1, 20000) i;
    alter table parts alter v set storage external`);
  await using session = await postgres({ url: db.url, tables: ["part*"] }).open(sourceContext());
  expect(session.streams.map(({ name }) => name)).toEqual(["parts"]);
  const { rows } = await readAll(streamOf(session, "parts"));
  expect(rows).toHaveLength(20_000);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(20_000);
  expect(rows.every(({ id, region }) => region === ((id as number) % 2 === 0 ? "a" : "b"))).toBe(true);
});

test("a reader that is killed midway: the table starts again under a new snapshot, the finished one keeps its own", async () => {
  await db.run(`create table done (id int primary key); insert into done values (1)`);
  await using session = await postgres({ url: db.url, tables: ["done", "big"] }).open(sourceContext());
  const events: RunEvent[] = [];
  await readAll(streamOf(session, "done"), { events });
  const big = streamOf(session, "big");
  let killed = false;
  const failed = (async () => {
    for await (const item of big.read(streamContext({ budget: 1 << 20, events })))
      if ("batch" in item && !killed) {
        killed = true;
        await db.run(
          "select pg_terminate_backend(pid) from pg_stat_activity where query like 'copy (select%' and pid <> pg_backend_pid()",
        );
      }
  })();
  await expect(failed).rejects.toMatchObject({ code: "ALV_CONNECTION", retryable: true });
  // Beyond the blocks that the table had when it was described: the last range has no end.
  await db.run("insert into big select 1000000 + i, 0, repeat('x', 500) from generate_series(1, 40000) i");
  const again = await readAll(big, { attempt: 2, events });
  const [{ count }] = (await db.run("select count(*)::int as count from big")) as [{ count: number }];
  expect(again.rows).toHaveLength(count);
  const snapshots = events.flatMap((event) => (event.type === "streamStarted" ? [event.snapshot] : []));
  expect(snapshots[0]).toBe(snapshots[1]);
  expect(snapshots[2]).not.toBe(snapshots[0]);
});

test("the holder of the snapshot is killed: readers that come later get a new one", async () => {
  await using session = await postgres({ url: db.url, tables: ["done"] }).open(sourceContext());
  await db.run(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'alluvium' and datname = current_database()",
  );
  await new Promise((done) => setTimeout(done, 200));
  expect((await readAll(streamOf(session, "done"))).rows).toEqual([{ id: 1 }]);
});

test("a stop ends the copy soon, and leaves no connection behind", async () => {
  const stop = new AbortController();
  const session = await postgres({ url: db.url, tables: ["big"] }).open(sourceContext());
  const reason = new Error("stop it");
  const stopped = (async () => {
    for await (const item of streamOf(session, "big").read(
      streamContext({ signal: stop.signal, budget: 1 << 20 }),
    ))
      if ("batch" in item) stop.abort(reason);
  })();
  await expect(stopped).rejects.toBe(reason);
  await session[Symbol.asyncDispose]();
  await expect
    .poll(() =>
      db.run(
        "select pid from pg_stat_activity where application_name = 'alluvium' and datname = current_database()",
      ),
    )
    .toEqual([]);
});

test("a reader that leaves midway, and one that is slow, hold little", async () => {
  await using session = await postgres({ url: db.url, tables: ["big"] }).open(sourceContext());
  for await (const item of streamOf(session, "big").read(streamContext({ budget: 1 << 20 }))) {
    expect("batch" in item && item.batch.length).toBeLessThan(10_000);
    break;
  }
  expect((await readAll(streamOf(session, "big"), { limit: 5 })).rows).toHaveLength(5);
});

test("one client of the user's is enough, is read from table by table, and stays open", async () => {
  const client = await db.connect();
  {
    await using session = await postgres({ client, tables: ["left_t", "right_t", "big"] }).open(
      sourceContext(),
    );
    const all = await Promise.all(session.streams.map((stream) => readAll(stream)));
    expect(all.map(({ rows }) => rows.length > 0)).toEqual([true, true, true]);
    const stop = new AbortController();
    const cut = (async () => {
      for await (const _ of streamOf(session, "big").read(
        streamContext({ signal: stop.signal, budget: 1 << 20 }),
      ))
        stop.abort(new Error("enough"));
    })();
    await expect(cut).rejects.toThrow("enough");
  }
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  await client.query("begin");
  await client.query("select 1");
  await expect(postgres({ client }).open(sourceContext())).rejects.toThrow(/inside a transaction/);
});

test("clients of a pool are given back", async () => {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({ connectionString: db.url });
  try {
    {
      await using session = await postgres({ connect: () => pool.connect(), tables: ["done"] }).open(
        sourceContext(),
      );
      expect((await readAll(streamOf(session, "done"))).rows).toEqual([{ id: 1 }]);
    }
    expect(pool.idleCount).toBe(pool.totalCount);
    expect(pool.totalCount).toBeGreaterThan(0);
  } finally {
    await pool.end();
  }
});
