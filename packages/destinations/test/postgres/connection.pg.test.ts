import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { AlluviumError, Secret } from "@alluvium/core";
import { batchOf, suiteContext } from "@alluvium/core/testing";
import { postgresDatabase } from "../../src/postgres/database.ts";
import type { PostgresOptions } from "../../src/postgres/options.ts";
import { CommitUnknownError } from "../../src/sql/engine.ts";
import { abortIn, opener } from "./connections.ts";
import { useDatabase } from "./database.ts";
import { startProxy, type Loss } from "./proxy.ts";

const db = useDatabase("connection");
const open = opener(db.url);

describe("transactions", () => {
  test.for<readonly [Loss, boolean]>([
    ["request", false],
    ["answer", true],
    ["hang", true],
  ])("an answer to COMMIT that is lost (%s) is settled: committed %s", async ([how, committed]) => {
    await db.run("drop table if exists c; create table c (a int)");
    await using proxy = await startProxy(db.url);
    const connection = await open({ url: proxy.url, commitTimeout: 500 });
    const lease = await connection.lease({
      context: suiteContext(),
      wait: 0,
      signal: new AbortController().signal,
    });
    const segment = await connection.stage({
      fields: [{ name: "a", type: { kind: "int32" }, nullable: true }],
    });
    await segment.append(batchOf({ a: [{ kind: "int32" }, [1]] }));
    const load = connection.transaction(async () => {
      await connection.execute({ text: `insert into public.c select a from ${segment.relation}` });
      proxy.lose("commit", how);
    });
    await expect(load).rejects.toBeInstanceOf(CommitUnknownError);
    expect(await connection.settle()).toEqual({ staged: true });
    expect(await connection.query({ text: "select a from public.c" })).toEqual(committed ? [{ a: 1 }] : []);
    expect(await lease.check()).toBe(true);
    await connection[Symbol.asyncDispose]();
    expect(await db.run("select 1 from pg_class where relname like '\\_alv\\_stage%'")).toEqual([]);
  });

  test("a COMMIT that is still under way is ended before anything is read", async () => {
    await db.run("drop table if exists c; create table c (a int primary key deferrable initially deferred)");
    await using proxy = await startProxy(db.url);
    const connection = await open({ url: proxy.url, commitTimeout: 300 });
    // Its deferred check waits for a transaction that holds the same key.
    const blocker = await db.connect();
    await blocker.query("begin; insert into c values (1)");
    const load = connection.transaction(async () => {
      await connection.execute({ text: "insert into public.c values (1)" });
    });
    await expect(load).rejects.toBeInstanceOf(Error);
    await connection.settle();
    await blocker.query("commit");
    expect(await connection.query({ text: "select count(*)::int as n from public.c" })).toEqual([{ n: 1 }]);
  });

  test("with a client of the user's the next run must find out", async () => {
    await using proxy = await startProxy(db.url);
    const client = new pg.Client({ connectionString: proxy.url });
    client.on("error", () => {});
    await client.connect();
    const connection = await open({ client });
    const load = connection.transaction(async () => proxy.lose("commit", "answer"));
    await expect(load).rejects.toBeInstanceOf(CommitUnknownError);
    await expect(connection.settle()).rejects.toMatchObject({ code: "ALV_CONNECTION", retryable: false });
  });

  test("what failed inside is rolled back, also when the failure was swallowed", async () => {
    await db.run("drop table if exists c; create table c (a int)");
    const connection = await open();
    const load = connection.transaction(async () => {
      await connection.execute({ text: "insert into public.c values (1)" });
      await connection.execute({ text: "insert into public.nowhere values (1)" }).catch(() => {});
    });
    await expect(load).rejects.toMatchObject({ code: "ALV_INTERNAL" });
    expect(await connection.query({ text: "select a from public.c" })).toEqual([]);
  });

  test("a lock that does not come in time, and a table that goes while it is waited for", async () => {
    await db.run("drop table if exists l; create table l (a int)");
    const connection = await open({ lockTimeout: 200 });
    const other = await db.connect();
    await other.query("begin; insert into l values (1)");
    const locked = connection.transaction(() => connection.inspect("l", { lock: true }));
    await expect(locked).rejects.toMatchObject({ code: "ALV_TABLE_CONFLICT", resource: "l" });
    await other.query("rollback");

    const patient = await open({ lockTimeout: 10_000 });
    await other.query("begin; drop table l");
    const gone = patient.transaction(async () => {
      const found = await patient.inspect("l", { lock: true });
      // The transaction goes on.
      await patient.query({ text: "select 1 as one" });
      return found;
    });
    setTimeout(() => void other.query("commit"), 300);
    expect(await gone).toBeUndefined();
  });

  test("a locked table is read by others, but not written", async () => {
    await db.run("drop table if exists l; create table l (a int)");
    const connection = await open();
    await connection.transaction(async () => {
      await connection.inspect("l", { lock: true });
      expect(await db.run("select a from l")).toEqual([]);
      const other = await db.connect();
      await other.query("set lock_timeout to '100ms'");
      await expect(other.query("insert into l values (1)")).rejects.toThrow("lock timeout");
    });
  });
});

describe("connections", () => {
  test("a statement that is cancelled stops at the server, and the connection goes on", async () => {
    const connection = await open();
    const reason = new Error("enough");
    await expect(
      connection.query({ text: "select pg_sleep(30)" }, { signal: abortIn(200, reason) }),
    ).rejects.toBe(reason);
    expect(await connection.query({ text: "select 1 as one" })).toEqual([{ one: 1 }]);
    expect(
      await db.run(
        "select 1 from pg_stat_activity where query like '%pg_sleep(30)%' and state = 'active' and pid <> pg_backend_pid()",
      ),
    ).toEqual([]);
  });

  test("a client of the user's is left open, with its settings and without a transaction", async () => {
    const client = await db.connect();
    await client.query("set search_path to weird; set lock_timeout to '7s'; set application_name to 'mine'");
    const connection = await postgresDatabase({ client, lockTimeout: 1 }).connect(suiteContext());
    expect(await connection.query({ text: "show lock_timeout" })).toEqual([{ lock_timeout: "1ms" }]);
    await connection[Symbol.asyncDispose]();
    const { rows } = await client.query(
      "select current_setting('search_path') as path, current_setting('lock_timeout') as lock, current_setting('application_name') as app",
    );
    expect(rows).toEqual([{ path: "weird", lock: "7s", app: "mine" }]);
  });

  test("clients of a pool are given back, others that `connect` makes are ended", async () => {
    const pool = new pg.Pool({ connectionString: db.url, max: 1 });
    onTestFinished(() => pool.end());
    const pooled = await open({ connect: () => pool.connect() });
    await pooled[Symbol.asyncDispose]();
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1]);
    let ended = false;
    const made = await open({
      async connect() {
        const client = new pg.Client({ connectionString: db.url });
        await client.connect();
        client.on("end", () => (ended = true));
        return client;
      },
    });
    await made[Symbol.asyncDispose]();
    expect(ended).toBe(true);
  });

  test("a schema that is missing is made; one that is there needs no right to make any", async () => {
    await db.run(
      "drop role if exists loader; create role loader login; create schema granted; grant create, usage on schema granted to loader",
    );
    const url = new URL(db.url);
    url.username = "loader";
    await open({ url: url.href, schema: "granted" });
    await expect(open({ url: url.href, schema: "fresh" })).rejects.toMatchObject({ code: "ALV_AUTH" });
    await open({ schema: 'new "one"' });
    expect(await db.run(`select nspname from pg_namespace where nspname like 'new%'`)).toHaveLength(1);
    await db.run("drop schema granted; drop role loader");
  });

  test("secrets are in no message", async () => {
    const url = new URL(db.url);
    url.password = "s3cr3t";
    url.pathname = "/nowhere";
    for (const broken of [url.href, `${url.href}?sslmode=maybe`, "postgres://u:s3cr3t@:x/"]) {
      const error = await open({ url: broken }).catch((caught: unknown) => caught);
      expect(AlluviumError.is(error), String(error)).toBe(true);
      expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain("s3cr3t");
    }
  });

  test.for<readonly [object, RegExp]>([
    [{}, /none of url, client and connect is given/],
    [{ url: "postgres://x", client: {} }, /several of url, client and connect/],
    [{ url: "postgres://x", schema: "" }, /schema is/],
    [{ url: "postgres://x", schema: "pg_mine" }, /names that begin with pg_/],
    [{ url: "postgres://x", json: "xml" }, /json is "xml"; it must be "jsonb" or "json"/],
    [{ url: "postgres://x", lockTimeout: -1 }, /lockTimeout is -1; it must not be negative/],
    [{ url: "postgres://x", tables: [] }, /there is no option tables/],
    [{ client: {} }, /needs a connected Client/],
  ])("options are checked: %j", async ([options, message]) => {
    const opened = postgresDatabase(options as PostgresOptions).connect(suiteContext());
    await expect(opened).rejects.toMatchObject({
      code: "ALV_CONFIG",
      message: expect.stringMatching(message) as string,
    });
  });
});

test("credentials that are refused are asked for once more: they may have been rotated", async () => {
  let user = "nobody_here";
  const good = new URL(db.url);
  const url = new Secret(
    () => {
      const given = new URL(good);
      if (user !== "") given.username = user;
      return given.href;
    },
    () => void (user = ""),
  );
  const connection = await open({ url });
  expect(await connection.query({ text: "select 1 as a" })).toEqual([{ a: 1 }]);
  await connection[Symbol.asyncDispose]();
});
