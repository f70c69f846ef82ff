import { writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type ErrorCode, type RunEvent, type Source } from "@alluvium/core";
import { postgres } from "@alluvium/sources/postgres";
import { startPostgres } from "../../scripts/postgres.ts";
import { ownDatabase, type TestDatabase } from "../database.ts";
import { expectFailedRun, lakeOf, ownFolder, quick, secret, tableRows } from "./failure.ts";
import { openProxy } from "./proxy.ts";

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await ownDatabase(inject("pgUrl"));
  client = new pg.Client({ connectionString: database.url });
  client.on("error", () => {});
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database[Symbol.asyncDispose]();
});

const from = (options: object): Source => postgres({ url: database.url, ...options }) as unknown as Source;
const at = (change: (url: URL) => void, base: string = database.url): string => {
  const url = new URL(base);
  change(url);
  return url.href;
};

/** The table `o` with three rows, loaded by its cursor `id`. */
async function loaded(): Promise<string> {
  await client.query(`drop table if exists o cascade;
    create table o (id int primary key, at timestamptz, n int, flag boolean, data jsonb);
    insert into o select g, '2026-01-01'::timestamptz + g * interval '1 minute', g, true, '{}' from generate_series(1, 3) g`);
  const url = ownFolder();
  await lakeOf(from({ tables: { o: { cursor: "id" } } }), url).run();
  return url;
}

describe("a server that cannot be reached or says no", () => {
  test.each<[string, (url: string) => object, ErrorCode, readonly RegExp[]]>([
    [
      "a wrong port",
      (url) => ({ url: at((it) => void (it.port = "1"), url) }),
      "ALV_CONNECTION",
      [/127\.0\.0\.1:1\//, /nothing listens there/],
    ],
    [
      "a host of no such name",
      (url) => ({ url: at((it) => void (it.hostname = "no-such-host.invalid"), url) }),
      "ALV_CONNECTION",
      [/no-such-host\.invalid/, /no host of this name|could not be resolved/],
    ],
    [
      "a database of no such name",
      (url) => ({ url: at((it) => void (it.pathname = "/nowhere"), url) }),
      "ALV_SOURCE_NOT_FOUND",
      [/"nowhere"/, /end of the url/],
    ],
    [
      "a user of no such name",
      (url) => ({ url: at((it) => ((it.username = "nobody_here"), (it.password = secret)), url) }),
      "ALV_AUTH",
      [/"nobody_here"/, /check user/],
    ],
    [
      "TLS where the server speaks none",
      (url) => ({ url: at((it) => void (it.search = "?sslmode=require"), url) }),
      "ALV_CONNECTION",
      [/SSL/, /sslmode=disable/],
    ],
    ["another scheme", () => ({ url: `mysql://u:${secret}@h/d` }), "ALV_CONFIG", [/postgres:\/\/user/]],
    [
      "a password that is not encoded",
      () => ({ url: `postgres://u:${secret}#@[h/d` }),
      "ALV_CONFIG",
      [/percent-encoded/],
    ],
    [
      "an unknown parameter",
      () => ({ url: `postgres://u:${secret}@h/d?wrong=1` }),
      "ALV_CONFIG",
      [/"wrong"/],
    ],
    ["no url", () => ({ url: undefined }), "ALV_CONFIG", [/url, client and connect/]],
    [
      "a URL object",
      (url) => ({ url: new URL(url) }),
      "ALV_CONFIG",
      [/url is no credential/, /env\("NAME"\)/],
    ],
    ["an empty secret", () => ({ url: () => Promise.resolve("") }), "ALV_CONFIG", [/url is empty/]],
  ])("%s", async (_what, options, code, parts) => {
    const url = await loaded();
    const before = await tableRows(`${url}/o`);
    await expectFailedRun(code, parts, () =>
      lakeOf(from({ tables: { o: { cursor: "id" } }, connectTimeout: 5000, ...options(database.url) }), url),
    );
    expect(await tableRows(`${url}/o`)).toEqual(before);
    await client.query("insert into o values (4)");
    await lakeOf(from({ tables: { o: { cursor: "id" } } }), url).run();
    expect(await tableRows(`${url}/o`)).toHaveLength(4);
  });

  test("a password that is wrong, missing, or refused with TLS alone; a secret stays one", async () => {
    const folder = ownFolder();
    const hba = join(folder, "hba.conf");
    writeFileSync(
      hba,
      "host all postgres 127.0.0.1/32 trust\nhost all locked 127.0.0.1/32 scram-sha-256\nhostssl all tls 127.0.0.1/32 trust\n",
      { mode: 0o644 },
    );
    const { chmodSync } = await import("node:fs");
    chmodSync(folder, 0o755);
    await using server = await startPostgres({ settings: { hba_file: hba } });
    const admin = new pg.Client({ connectionString: server.url });
    await admin.connect();
    await admin.query(`create table o (id int primary key); insert into o values (1);
      create role locked login password '${secret}'; create role tls login; grant select on o to locked, tls`);
    await admin.end();
    const as = (user: string, password: string): string =>
      at((it) => ((it.username = user), (it.password = password)), server.url);
    const url = ownFolder();
    const load =
      (options: object): (() => ReturnType<typeof lakeOf>) =>
      () =>
        lakeOf(postgres({ tables: { o: { cursor: "id" } }, ...options } as never) as never, url);
    await expectFailedRun(
      "ALV_AUTH",
      [/"locked"/, /check user and password/],
      load({ url: as("locked", `${secret}-not`) }),
    );
    await expectFailedRun("ALV_AUTH", [/password/, /url|give password/], load({ url: as("locked", "") }));
    await expectFailedRun("ALV_AUTH", [/"tls"/, /pg_hba\.conf/], load({ url: as("tls", "") }));
    await load({ url: as("locked", secret) })().run();
    expect(await tableRows(`${url}/o`)).toEqual([{ id: 1n }].map(() => ({ id: 1 })));
  });

  test("a user without privileges on a table", async () => {
    await loaded();
    await client.query(
      `drop role if exists bad_input_reader; create role bad_input_reader login password '${secret}'`,
    );
    try {
      await expectFailedRun("ALV_AUTH", [/\bo\b/, /select/i], () =>
        lakeOf(
          from({
            url: at((it) => ((it.username = "bad_input_reader"), (it.password = secret))),
            tables: ["o"],
          }),
          ownFolder(),
        ),
      );
    } finally {
      await client.query("drop owned by bad_input_reader; drop role bad_input_reader");
    }
  });
});

describe("tables and options that cannot be", () => {
  test.each<[string, object, ErrorCode, readonly RegExp[]]>([
    ["a table of no such name", { tables: ["oo"] }, "ALV_SOURCE_NOT_FOUND", [/"oo"/, /did you mean "o"/]],
    [
      "a schema of no such name",
      { schema: "nope", tables: ["o"] },
      "ALV_SOURCE_NOT_FOUND",
      [/"nope"/, /"public"/],
    ],
    ["a pattern without a match", { tables: ["zz*"] }, "ALV_SOURCE_NOT_FOUND", [/"zz\*"/, /"o"/]],
    [
      "a key of no such name",
      { tables: { o: { primaryKey: "idd" } } },
      "ALV_SOURCE_NOT_FOUND",
      [/o: primaryKey/, /"idd"/, /"id"/],
    ],
    [
      "a key with nulls",
      { tables: { nokey: { primaryKey: "a" } } },
      "ALV_ROW_INVALID",
      [/nokey/, /key column a/],
    ],
    [
      "a cursor of no such name",
      { tables: { o: { cursor: "att" } } },
      "ALV_SOURCE_NOT_FOUND",
      [/cursor/, /"att"/, /"at"/],
    ],
    [
      "a cursor without an order",
      { tables: { o: { cursor: "data" } } },
      "ALV_CONFIG",
      [/cursor "data"/, /timestamp/],
    ],
    [
      "a cursor that is null throughout",
      { tables: { nokey: { cursor: "c" } } },
      "ALV_ROW_INVALID",
      [/cursor "c"/, /"include"/, /"exclude"/],
    ],
    [
      "a cursor's start of another type",
      { queries: { q: { sql: "select id, n from o", cursor: { column: "n", initial: "abc" } } } },
      "ALV_CONFIG",
      [/"abc"/, /initial/],
    ],
    [
      "an invalid start",
      { tables: { o: { cursor: { column: "at", initial: new Date("x") } } } },
      "ALV_CONFIG",
      [/o\.cursor\.initial/, /Invalid Date/],
    ],
    [
      "a lag of another kind",
      { tables: { o: { cursor: { column: "at", lag: 5 } } } },
      "ALV_CONFIG",
      [/lag/, /minutes/],
    ],
    [
      "a lag that is misspelled",
      { tables: { o: { cursor: { column: "at", lag: { hour: 1 } } } } },
      "ALV_CONFIG",
      [/o\.cursor\.lag/, /"hour"/],
    ],
    [
      "an append of everything",
      { tables: { o: { disposition: "append" } } },
      "ALV_CONFIG",
      [/\bo\b/, /cursor/],
    ],
    [
      "a merge without a key",
      { tables: { nokey: { disposition: "merge" } } },
      "ALV_CONFIG",
      [/nokey/, /primaryKey/],
    ],
    ["columns that get one name", { tables: ["dupe"] }, "ALV_NAME_COLLISION", [/"orderId"/, /"order_id"/]],
    [
      "tables that get one name",
      { tables: { o: { as: "x" }, nokey: { as: "x" } } },
      "ALV_NAME_COLLISION",
      [/\bo\b/, /nokey/, /\bx\b/],
    ],
    [
      "NaN for a decimal",
      { tables: ["special"] },
      "ALV_VALUE_UNREPRESENTABLE",
      [/special, column "n"/, /NaN/, /special: "text"/],
    ],
    [
      "a condition that is no SQL",
      { tables: { o: { where: "n = = 1" } } },
      "ALV_CONFIG",
      [/\bo\b/, /syntax error/],
    ],
    [
      "a condition on no column",
      { tables: { o: { where: "nope = 1" } } },
      "ALV_SOURCE_NOT_FOUND",
      [/"nope"/, /where and sql/],
    ],
    [
      "a condition that is more",
      { tables: { o: { where: "true); drop table o; --" } } },
      "ALV_CONFIG",
      [/syntax error/],
    ],
    [
      "a query that writes",
      { queries: { q: { sql: "insert into o (id) values (99) returning id" } } },
      "ALV_CONFIG",
      [/\bq\b/],
    ],
    ["two statements", { queries: { q: { sql: "select 1 as a; drop table o" } } }, "ALV_CONFIG", [/\bq\b/]],
    [
      "a query with a name twice",
      { queries: { q: { sql: "select 1 as a, 2 as a" } } },
      "ALV_NAME_COLLISION",
      [/"q"/, /"a"/, /AS/],
    ],
    [
      "a query that fails midway",
      { queries: { q: { sql: "select 1 / (g - 500) as x from generate_series(1, 1000) g" } } },
      "ALV_SOURCE_FAILED",
      [/\bq\b/, /division by zero/],
    ],
    ["an option of no such name", { tabels: ["o"] }, "ALV_CONFIG", [/"tabels"/]],
    [
      "a table's option of no such name",
      { tables: { o: { cursr: "at" } } },
      "ALV_CONFIG",
      [/tables\.o/, /"cursr"/],
    ],
    [
      "numbers that are none",
      { connections: 0, idleTimeout: "5s" },
      "ALV_CONFIG",
      [/connections is 0/, /idleTimeout is "5s"/],
    ],
    [
      "partitions that are none",
      { tables: { o: { partitionBy: "at" } } },
      "ALV_CONFIG",
      [/partitionBy is "at"/, /day\(/],
    ],
  ])("%s", async (_what, options, code, parts) => {
    const url = await loaded();
    await client.query(`drop table if exists nokey, dupe, special;
      create table nokey (a int, c timestamptz); insert into nokey values (1, null), (null, null);
      create table dupe ("orderId" int, order_id int); create table special (n numeric(5, 2)); insert into special values ('NaN')`);
    const before = await tableRows(`${url}/o`);
    await expectFailedRun(code, parts, () => lakeOf(from(options), url));
    expect(await tableRows(`${url}/o`)).toEqual(before);
    expect((await client.query("select count(*)::int as n from o")).rows).toEqual([{ n: 3 }]);
  });
});

describe("a source that changes", () => {
  test("a column's type, a column that is dropped, the cursor, the table, the condition", async () => {
    const url = await loaded();
    const lake = (options: object = { cursor: "id" }) => lakeOf(from({ tables: { o: options } }), url);
    const before = await tableRows(`${url}/o`);
    const unharmed = async (): Promise<void> => expect(await tableRows(`${url}/o`)).toEqual(before);

    await client.query(
      "alter table o alter n type text using n::text; insert into o (id, n) values (4, 'x')",
    );
    await expectFailedRun("ALV_SCHEMA_CONFLICT", [/"n"/, /int32/, /string/], () =>
      lake({ cursor: "id", contract: "freeze" }),
    );
    await unharmed();
    await client.query("delete from o where id = 4; alter table o alter n type int using n::int");
    await expectFailedRun("ALV_STATE_MISMATCH", [/\bid\b/, /\bat\b/], () => lake({ cursor: "at" }));
    await expectFailedRun("ALV_STATE_MISMATCH", [/where|id > 3/], () =>
      lake({ cursor: "id", where: "id > 3" }),
    );
    await client.query("alter table o rename id to key");
    await expectFailedRun("ALV_SOURCE_NOT_FOUND", [/cursor/, /"id"/, /"key"/], lake);
    await client.query("alter table o rename key to id; alter table o rename to elsewhere");
    await expectFailedRun("ALV_SOURCE_NOT_FOUND", [/"o"/], lake);
    await client.query("alter table elsewhere rename to o");
    await unharmed();

    await client.query("alter table o drop column n; insert into o (id) values (4)");
    const report = await lake().run();
    expect(report.tables["o"]?.schemaChanges).toContainEqual({ kind: "columnMissing", column: "n" });
    expect(await tableRows(`${url}/o`)).toHaveLength(4);
  });

  test("nothing in it: an empty table, and one that became empty", async () => {
    await client.query("drop table if exists e; create table e (id int primary key)");
    const url = ownFolder();
    const lake = () => lakeOf(from({ tables: ["e"] }), url);
    expect((await lake().run()).tables["e"]).toMatchObject({ rows: 0, complete: true });
    await client.query("insert into e values (1)");
    await lake().run();
    await client.query("delete from e");
    await expectFailedRun("ALV_EMPTY_REPLACE", [/\be\b/, /allowEmpty/], lake);
    expect(await tableRows(`${url}/e`)).toEqual([{ id: 1 }]);
    await lakeOf(from({ tables: { e: { disposition: { replace: "all", allowEmpty: true } } } }), url).run();
    expect(await tableRows(`${url}/e`)).toEqual([]);
  });

  test("a table that is dropped while another is read", async () => {
    await client.query(`drop table if exists a_first, z_last; create table a_first (id int); create table z_last (id int);
      insert into a_first select generate_series(1, 1000); insert into z_last values (1)`);
    const other = new pg.Client({ connectionString: database.url });
    await other.connect();
    const onEvent = (event: RunEvent): void => {
      if (event.type === "streamStarted")
        void other.query("set lock_timeout = '2s'; drop table z_last").catch(() => {});
    };
    // The snapshot's transaction holds its tables, so that a drop waits: both are loaded.
    const url = ownFolder();
    const report = await lakeOf(from({ tables: ["a_first", "z_last"] }), url, { concurrency: 1 }).run({
      onEvent,
    });
    expect(report).toMatchObject({ complete: true, tables: { z_last: { rows: 1 } } });
    await other.end();
  });
});

describe("a line that goes bad", () => {
  const big =
    "drop table if exists big; create table big as select g as id, repeat('x', 200) as text from generate_series(1, 40000) g; alter table big add primary key (id)";
  const count = async (url: string): Promise<number> =>
    new Set((await tableRows(`${url}/big`)).map((row) => (row as { id: number }).id)).size;

  test("a server that falls silent in the midst of a copy is given up, and said so", async () => {
    await client.query(big);
    const url = await loaded();
    const before = await tableRows(`${url}/o`);
    await using proxy = await openProxy(database.url);
    proxy.onData = (received) => {
      if (received > 2_000_000) proxy.mode = "silent";
    };
    const lake = () =>
      lakeOf(
        from({ url: proxy.url, tables: ["big"], idleTimeout: 700, connectTimeout: 700, connections: 1 }),
        url,
      );
    await expectFailedRun("ALV_TIMEOUT", [/127\.0\.0\.1/, /no answer for 0\.7 s|connectTimeout/], lake);
    expect(await tableRows(`${url}/o`)).toEqual(before);
    proxy.onData = () => {};
    proxy.mode = "open";
    await lake().run();
    expect(await count(url)).toBe(40_000);
  });

  test("a connection that is reset once is made again, one that always is fails", async () => {
    await client.query(big);
    const url = ownFolder();
    await using proxy = await openProxy(database.url);
    let breaks = 1;
    let next = 2_000_000;
    proxy.onData = (received) => {
      if (breaks === 0 || received < next) return;
      breaks -= 1;
      next = received + 2_000_000;
      setImmediate(() => proxy.breakAll());
    };
    const lake = () => lakeOf(from({ url: proxy.url, tables: ["big"], connections: 1 }), url);
    const events: RunEvent[] = [];
    const report = await lake().run({ ...quick, onEvent: (event) => void events.push(event) });
    expect(report).toMatchObject({ complete: true, tables: { big: { rows: 40_000 } } });
    expect(events.filter(({ type }) => type === "retry").length).toBeGreaterThan(0);
    expect(await count(url)).toBe(40_000);

    const before = await tableRows(`${url}/big`);
    breaks = Number.POSITIVE_INFINITY;
    next = 0;
    await expectFailedRun("ALV_CONNECTION", [/127\.0\.0\.1/, /connection/i], lake);
    expect(await tableRows(`${url}/big`)).toEqual(before);
    breaks = 0;
    await lake().run();
    expect(await count(url)).toBe(40_000);
  });
});
