import { createServer, type Server, type Socket } from "node:net";
import { inspect } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AlluviumError, Secret, type RunEvent } from "@alluvium/core";
import { postgres } from "@alluvium/sources/postgres";
import { readAll, sourceContext, streamContext, streamOf, useDatabase } from "./database.ts";

const db = useDatabase("errors");
const secret = "hunter2-hunter2";

function at(change: (url: URL) => void): string {
  const url = new URL(db.url);
  change(url);
  return url.href;
}

async function failure(options: object): Promise<AlluviumError> {
  const events: RunEvent[] = [];
  const error: unknown = await (async () => {
    await using session = await postgres(options).open(sourceContext({ events }));
    for (const stream of session.streams) await readAll(stream, { events });
  })().catch((thrown: unknown) => thrown);
  if (!AlluviumError.is(error)) throw error ?? new Error("nothing failed");
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret);
  expect(JSON.stringify(events)).not.toContain(secret);
  return error;
}

beforeAll(async () => {
  await db.run(`create table mine (id int primary key); insert into mine values (1); create table hidden (id int, secret text);
    drop role if exists alluvium_reader; create role alluvium_reader login password '${secret}'; grant select on mine to alluvium_reader;
    create table guarded (id int); alter table guarded enable row level security; grant select on guarded to alluvium_reader;
    create policy p on guarded using (id > 1); insert into guarded values (1), (2);
    grant select (id) on hidden to alluvium_reader`);
});
afterAll(async () => {
  await db.run("drop owned by alluvium_reader; drop role alluvium_reader");
});
const reader = at((url) => {
  url.username = "alluvium_reader";
  url.password = secret;
});

test("a wrong port, host, database, user, and TLS that the server does not speak", async () => {
  expect(await failure({ url: at((url) => void (url.port = "1")) })).toMatchObject({
    code: "ALV_CONNECTION",
    message: expect.stringMatching(/:1\/.*nothing listens there/) as string,
  });
  expect(
    await failure({ url: at((url) => void (url.hostname = "no-such-host.invalid")), connectTimeout: 5000 }),
  ).toMatchObject({ code: "ALV_CONNECTION" });
  expect(await failure({ url: at((url) => void (url.pathname = "/nowhere")) })).toMatchObject({
    code: "ALV_SOURCE_NOT_FOUND",
    message: expect.stringContaining('"nowhere"') as string,
  });
  expect(
    await failure({ url: at((url) => ((url.username = "nobody_here"), (url.password = secret))) }),
  ).toMatchObject({ code: "ALV_AUTH" });
  expect(await failure({ url: at((url) => void (url.search = "?sslmode=require")) })).toMatchObject({
    code: "ALV_CONNECTION",
    retryable: false,
    message: expect.stringMatching(/sslmode=disable/) as string,
  });
});

test("a url that is none, and never a word of what it holds", async () => {
  for (const url of [
    `postgres://u:${secret}@[bad/x`,
    `mysql://u:${secret}@h/d`,
    `postgres://u:${secret}@h/d?sslmode=maybe`,
    `postgres://u:${secret}@h/d?wrong=1`,
    `postgres://u:${secret}@a,b/d?host=a,b`,
  ]) {
    const error = await failure({ url });
    expect(error).toMatchObject({ code: "ALV_CONFIG" });
    expect(error.message).not.toContain(secret);
  }
  expect(await failure({ url: () => Promise.resolve("") })).toMatchObject({ code: "ALV_CONFIG" });
  expect(await failure({})).toMatchObject({
    code: "ALV_CONFIG",
    message: expect.stringMatching(/none of url, client and connect/) as string,
  });
});

test("tables that may not be read, whole or in part, or only under a policy", async () => {
  expect(await failure({ url: reader })).toMatchObject({
    code: "ALV_AUTH",
    message: expect.stringMatching(/guarded|hidden/) as string,
  });
  expect(await failure({ url: reader, tables: ["hidden"] })).toMatchObject({
    code: "ALV_AUTH",
    message: expect.stringMatching(/hidden may not be read \(columns "secret"\).*select/) as string,
  });
  expect(await failure({ url: reader, tables: ["guarded"] })).toMatchObject({
    code: "ALV_AUTH",
    message: expect.stringMatching(/row-level security.*rowSecurity: true/) as string,
  });
  await using session = await postgres({
    url: reader,
    tables: { guarded: {}, hidden: { select: ["id"] }, mine: {} },
    rowSecurity: true,
  }).open(sourceContext());
  expect((await readAll(streamOf(session, "guarded"))).rows).toEqual([{ id: 2 }]);
  expect((await readAll(streamOf(session, "hidden"))).rows).toEqual([]);
});

test("other users' transactions cannot be seen: the time cursor stays behind", async () => {
  await db.run(`create table timed (id int, at timestamptz not null default now()); grant select on timed to alluvium_reader;
    insert into timed values (1, now() - interval '1 hour'), (2, now())`);
  const other = await db.connect();
  const read = async (): Promise<readonly unknown[]> => {
    await using session = await postgres({ url: reader, tables: { timed: { cursor: "at" } } }).open(
      sourceContext(),
    );
    return (await readAll(streamOf(session, "timed"))).rows.map(({ id }) => id);
  };
  expect(await read()).toEqual([1, 2]);
  await other.query("begin; select 1");
  expect(await read()).toEqual([1]);
  await other.query("rollback");
});

test("statement_timeout, a lock that is held, and a query that fails", async () => {
  const slow = { slow: { sql: "select pg_sleep(5)::text as x" } };
  expect(await failure({ url: db.url, queries: slow, statementTimeout: 200 })).toMatchObject({
    code: "ALV_TIMEOUT",
    message: expect.stringMatching(/slow.*statementTimeout/) as string,
  });
  const other = await db.connect();
  await other.query("begin; lock table mine in access exclusive mode");
  expect(await failure({ url: db.url, tables: ["mine"], lockTimeout: 200 })).toMatchObject({
    code: "ALV_TIMEOUT",
    message: expect.stringMatching(/lock/) as string,
  });
  await other.query("rollback");
  expect(
    await failure({
      url: db.url,
      queries: { bad: { sql: "select 1 / (g - 500) as x from generate_series(1, 1000) g" } },
    }),
  ).toMatchObject({
    code: "ALV_SOURCE_FAILED",
    message: expect.stringMatching(/bad: division by zero/) as string,
  });
  expect(await failure({ url: db.url, queries: { bad: { sql: "selekt 1" } } })).toMatchObject({
    code: "ALV_CONFIG",
  });
});

test("a query that someone cancels, and a table that is emptied while it is read", async () => {
  await using session = await postgres({
    url: db.url,
    queries: { long: { sql: "select pg_sleep(30)::text as x" } },
  }).open(sourceContext());
  const reading = readAll(streamOf(session, "long"));
  await expect
    .poll(() =>
      db.run(
        "select pg_cancel_backend(pid) as done from pg_stat_activity where query like 'copy (select%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()",
      ),
    )
    .toEqual([{ done: true }]);
  await expect(reading).rejects.toMatchObject({ code: "ALV_CONNECTION", retryable: true });

  await using held = await postgres({ url: db.url, tables: ["mine"] }).open(sourceContext());
  await expect(db.run("set lock_timeout to '100ms'; truncate mine")).rejects.toThrow(/lock timeout/);
  expect((await readAll(streamOf(held, "mine"))).rows).toEqual([{ id: 1 }]);
});

test("a source that stops answering", async () => {
  const sockets = new Set<Socket>();
  let deaf = false;
  const target = new URL(db.url);
  // A proxy that goes silent.
  const proxy: Server = createServer((socket) => {
    const onward = new (socket.constructor as new () => Socket)().connect(
      Number(target.port),
      target.hostname,
    );
    for (const each of [socket, onward]) {
      sockets.add(each);
      each.on("error", () => {});
    }
    socket.on("data", (data) => void (deaf || onward.write(data)));
    onward.on("data", (data) => void (deaf || socket.write(data)));
  });
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  const { port } = proxy.address() as { port: number };
  try {
    const url = at((each) => ((each.hostname = "127.0.0.1"), (each.port = String(port))));
    const sql = "select g, repeat('x', 1000) as x from generate_series(1, 200000) g";
    await using session = await postgres({
      url,
      queries: { long: { sql } },
      idleTimeout: 800,
      connectTimeout: 800,
    }).open(sourceContext());
    // It falls silent in the midst of a copy …
    const cut = (async () => {
      for await (const item of streamOf(session, "long").read(streamContext())) deaf = "batch" in item;
    })();
    await expect(cut).rejects.toMatchObject({ code: "ALV_TIMEOUT", retryable: true });
    // … and takes no further connection.
    await expect(readAll(streamOf(session, "long"), { attempt: 2 })).rejects.toMatchObject({
      code: "ALV_TIMEOUT",
      retryable: true,
    });
  } finally {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  }
});

test("the run is stopped while it connects or waits", async () => {
  const stop = new AbortController();
  const reason = new Error("not now");
  const slow = await postgres({
    url: db.url,
    queries: { slow: { sql: "select pg_sleep(20)::text as x" } },
  }).open(sourceContext());
  const reading = (async () => {
    for await (const _ of streamOf(slow, "slow").read(streamContext({ signal: stop.signal })));
  })();
  setTimeout(() => stop.abort(reason), 200);
  await expect(reading).rejects.toBe(reason);
  await slow[Symbol.asyncDispose]();
  await expect
    .poll(
      () =>
        db.run(
          "select 1 from pg_stat_activity where query like '%pg_sleep(20)%' and pid <> pg_backend_pid()",
        ),
      { timeout: 5000 },
    )
    .toEqual([]);
  await expect(
    postgres({ url: db.url }).open(sourceContext({ signal: AbortSignal.abort(reason) })),
  ).rejects.toBe(reason);
});

test("credentials that are refused are asked for once more: they may have been rotated", async () => {
  let user = "nobody_here";
  let asked = 0;
  const url = new Secret(
    () => {
      asked += 1;
      return at((change) => ((change.username = user), (change.password = secret)));
    },
    () => void (user = "alluvium_reader"),
  );
  await using session = await postgres({ url, tables: ["mine"] }).open(sourceContext());
  expect(session.streams.map(({ name }) => name)).toEqual(["mine"]);
  expect(asked).toBeGreaterThanOrEqual(2);
});
