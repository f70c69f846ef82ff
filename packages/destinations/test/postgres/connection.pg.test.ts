import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { AlluviumError, type ColumnType, type OpenContext, type RunEvent, type Schema } from "@alluvium/core";
import { formatScalar, rowsOf, vectorOf, type Scalar } from "@alluvium/core/columns";
import { batchOf, suiteContext } from "@alluvium/core/testing";
import { postgresDatabase } from "../../src/postgres/database.ts";
import type { PostgresOptions } from "../../src/postgres/options.ts";
import { storedType, typeName, widens } from "../../src/postgres/types.ts";
import { CommitUnknownError, type SqlConnection } from "../../src/sql/engine.ts";
import { useDatabase } from "./database.ts";
import { startProxy, type Loss } from "./proxy.ts";

const db = useDatabase("connection");

async function open(
  options: Partial<PostgresOptions> = {},
  context: Partial<OpenContext> = {},
): Promise<SqlConnection> {
  const given = "client" in options || "connect" in options ? {} : { url: db.url };
  const connection = await postgresDatabase({ ...given, ...options }).connect({
    ...suiteContext(),
    ...context,
  });
  onTestFinished(() => connection[Symbol.asyncDispose]());
  return connection;
}

const string: ColumnType = { kind: "string" };
const list = (type: ColumnType): ColumnType => ({
  kind: "list",
  element: { name: "element", type, nullable: true },
});
const stored: readonly ColumnType[] = [
  { kind: "boolean" },
  { kind: "int16" },
  { kind: "int32" },
  { kind: "int64" },
  { kind: "float32" },
  { kind: "float64" },
  { kind: "decimal", precision: 18, scale: 2 },
  { kind: "decimal", precision: 38, scale: 38 },
  { kind: "decimal", precision: 1, scale: 0 },
  string,
  { kind: "binary" },
  { kind: "date" },
  { kind: "time" },
  { kind: "timestamp", zone: "utc" },
  { kind: "timestamp", zone: "local" },
  { kind: "uuid" },
  { kind: "json" },
  list({ kind: "int64" }),
  list({ kind: "decimal", precision: 10, scale: 3 }),
  list({ kind: "timestamp", zone: "utc" }),
  list({ kind: "json" }),
];

describe("the catalogue", () => {
  test("every stored type is read as it was asked for", async () => {
    const connection = await open();
    const columns = stored.map((type, i) => `"c${i}" ${connection.dialect.typeName(type)}`);
    await db.run(
      `drop table if exists kinds; create table kinds (${columns.join(", ")}, n numeric, e int4range)`,
    );
    const found = await connection.inspect("kinds");
    expect(found?.columns.slice(0, stored.length).map(({ type }) => type)).toEqual(stored);
    expect(found?.columns.slice(stored.length)).toMatchObject([
      { name: "n", type: undefined, native: "numeric" },
      { name: "e", type: undefined, native: "int4range" },
    ]);
    for (const type of stored) expect(storedType(type)).toEqual(type);
  });

  test("nulls, keys and indexes; nothing of partial, deferrable or other indexes", async () => {
    const connection = await open();
    await db.run(`drop table if exists keyed; create table keyed (a int, "B" text not null, c int, d int,
      primary key (a, "B"), unique (c) deferrable);
      create index on keyed (d, a) include (c); create index on keyed (lower("B")); create unique index on keyed (d) where a > 0`);
    const found = await connection.inspect("keyed");
    expect(found?.columns.map(({ name, nullable }) => [name, nullable])).toEqual([
      ["a", false],
      ["B", false],
      ["c", true],
      ["d", true],
    ]);
    expect(found?.indexes).toHaveLength(3);
    expect(found?.indexes).toEqual(
      expect.arrayContaining([
        { unique: true, columns: ["a", "B"] },
        { unique: false, columns: ["c"] },
        { unique: false, columns: ["d", "a"] },
      ]),
    );
    expect(await connection.inspect("nowhere")).toBeUndefined();
  });

  test("a table keeps its mark beside a comment, through changes, and loses it with its life", async () => {
    const connection = await open();
    const name = 'o\'dd % "t"';
    const quoted = connection.dialect.table(name);
    await db.run(`create table ${quoted} (a int); comment on table ${quoted} is 'about [it]'`);
    for (const id of ["first", "second"]) {
      await connection.execute({ text: connection.dialect.identify(name, id) });
      expect((await connection.inspect(name))?.id).toBe(id);
    }
    const [row] = await db.run(
      `select obj_description('${quoted.replaceAll("'", "''")}'::regclass) as comment`,
    );
    expect(row).toEqual({ comment: "about [it] [alluvium second]" });
    await db.run(`alter table ${quoted} add b int; alter table ${quoted} rename to moved`);
    expect((await connection.inspect("moved"))?.id).toBe("second");
    await db.run("drop table moved; create table moved (a int)");
    expect((await connection.inspect("moved"))?.id).toBeUndefined();
  });

  test("a view is refused by name", async () => {
    const connection = await open();
    await db.run("create or replace view seen as select 1 as one");
    await expect(connection.inspect("seen")).rejects.toThrow("public.seen is a view");
    await connection.transaction(async () => {
      await expect(connection.inspect("seen", { lock: true })).rejects.toThrow("is a view");
    });
  });

  test("ALTER COLUMN TYPE does what `widens` says, to the value", async () => {
    const connection = await open();
    const samples: Partial<Record<ColumnType["kind"], readonly string[]>> = {
      int16: ["-32768", "32767"],
      int32: ["-2147483648", "2147483647"],
      int64: ["-9223372036854775808", "9223372036854775807"],
      float32: ["0.1", "3.4028235e38", "NaN"],
      decimal: ["0.01", "-9.99"],
      date: ["0001-01-01", "9999-12-31"],
    };
    const decimals = [
      { kind: "decimal", precision: 3, scale: 2 },
      { kind: "decimal", precision: 4, scale: 2 },
      { kind: "decimal", precision: 21, scale: 2 },
      { kind: "decimal", precision: 20, scale: 2 },
    ] as const;
    let widened = 0;
    for (const from of [...stored, ...decimals])
      for (const to of [...stored, ...decimals]) {
        const values = samples[from.kind];
        if (values === undefined || JSON.stringify(from) === JSON.stringify(to) || !widens(from, to))
          continue;
        if (from.kind === "decimal" && from.precision !== 3) continue;
        widened += 1;
        await db.run(`drop table if exists w; create table w (v ${typeName(from, "jsonb")}, o ${typeName(from, "jsonb")});
          insert into w (v) values ${values.map((value) => `('${value}')`).join(", ")}; update w set o = v;
          alter table w alter v type ${typeName(to, "jsonb")}`);
        const rows = await db.run("select v is not distinct from o as same from w");
        expect(rows, `${JSON.stringify(from)} → ${JSON.stringify(to)}`).toEqual(
          values.map(() => ({ same: true })),
        );
      }
    expect(widened).toBeGreaterThan(15);
    expect(widens({ kind: "int64" }, { kind: "float64" })).toBe(false);
    expect(widens({ kind: "int64" }, { kind: "decimal", precision: 20, scale: 2 })).toBe(false);
    expect(widens({ kind: "date" }, { kind: "timestamp", zone: "utc" })).toBe(false);
    expect(widens(string, { kind: "json" })).toBe(false);
    await connection.query({ text: "select 1 as one" });
  });
});

describe("the dialect", () => {
  const values: readonly (readonly [ColumnType, readonly Scalar[]])[] = [
    [{ kind: "boolean" }, [false, true]],
    [{ kind: "int64" }, [-(2n ** 63n), 0n, 2n ** 63n - 1n]],
    [{ kind: "float64" }, [-Infinity, -1.5, 0, 5e-324, Infinity, Number.NaN]],
    [{ kind: "decimal", precision: 38, scale: 2 }, [-(10n ** 38n) + 1n, 0n, 10n ** 38n - 1n]],
    [
      string,
      ["", "A", "Z", "a", "é", "🦀", "\uFFFD"].toSorted((a, b) =>
        Buffer.compare(Buffer.from(a), Buffer.from(b)),
      ),
    ],
    [{ kind: "binary" }, [new Uint8Array(0), Uint8Array.of(1), Uint8Array.of(1, 0), Uint8Array.of(200)]],
    [{ kind: "date" }, [-2_440_588, -719_529, -719_528, 0, 2_932_896, 2_932_897]],
    [{ kind: "time" }, [0n, 1n, 86_400_000_000n]],
    [
      { kind: "timestamp", zone: "utc" },
      [-210_866_803_200_000_000n, -62_167_219_200_000_001n, 0n, 253_402_300_800_000_000n, 2n ** 63n - 1n],
    ],
    [{ kind: "timestamp", zone: "local" }, [-1n, 0n, 1n]],
    [{ kind: "uuid" }, [new Uint8Array(16), new Uint8Array(16).fill(255)]],
  ];

  test.for(values)("%j: parameters, order and reading back are exact", async ([type, scalars]) => {
    const connection = await open();
    const { dialect } = connection;
    const bound = scalars.map((scalar, i) => dialect.bind(type, formatScalar(type, scalar), i + 1));
    const rows = bound.map(({ sql }, i) => `(${i}, ${sql})`);
    const statement = {
      text: `select v from (values ${rows.toReversed().join(", ")}, (99, null)) as t(i, v) order by ${dialect.ordered("v", type)}, i`,
      values: bound.map(({ value }) => value),
    };
    const schema: Schema = { fields: [{ name: "v", type, nullable: true }] };
    const found: unknown[] = [];
    for await (const batch of connection.scan(statement, schema))
      found.push(...rowsOf(batch, { timestamps: "micros" }).map(({ v }) => v));
    const expected = rowsOf(
      {
        schema,
        length: scalars.length,
        columns: [
          vectorOf(
            type,
            scalars.map((scalar) => userForm(type, scalar)),
          ),
        ],
      },
      { timestamps: "micros" },
    ).map(({ v }) => v);
    expect(found).toEqual([...expected, null]);
  });

  test("equality takes nulls for values, of every type", async () => {
    for (const json of ["jsonb", "json"] as const) {
      const connection = await open({ json });
      for (const type of stored) {
        const { dialect } = connection;
        const a = `cast(null as ${dialect.typeName(type)})`;
        const [row] = await connection.query({ text: `select ${dialect.same(a, a, type)} as same` });
        expect(row, JSON.stringify(type)).toEqual({ same: true });
      }
      const objects = (a: string, b: string): string =>
        connection.dialect.same(
          `cast('${a}' as ${connection.dialect.typeName({ kind: "json" })})`,
          `cast('${b}' as ${connection.dialect.typeName({ kind: "json" })})`,
          { kind: "json" },
        );
      const text = `select ${objects('{"a": 1}', '{"a": 1}')} as same, ${objects('{"a": 1}', '{"a": 2}')} as other`;
      expect(await connection.query({ text })).toEqual([{ same: true, other: false }]);
    }
  });

  function userForm(type: ColumnType, scalar: Scalar): unknown {
    if (
      type.kind === "timestamp" ||
      type.kind === "boolean" ||
      type.kind === "int64" ||
      type.kind === "float64"
    )
      return scalar;
    return type.kind === "binary" ? scalar : formatScalar(type, scalar);
  }

  test("microseconds become timestamps and come back, to the last one", async () => {
    const connection = await open();
    const { dialect } = connection;
    for (const micros of [-210_866_803_200_000_000n, -1n, 0n, 2n ** 53n + 1n, 2n ** 63n - 1n]) {
      const at = dialect.fromMicros("cast($1 as bigint)");
      const [row] = await connection.query({
        text: `select cast(${dialect.toMicros(at)} as text) as back, cast(${at} as text) as text`,
        values: [micros],
      });
      expect(row!["back"]).toBe(String(micros));
      expect(row!["text"]).toMatch(/\+00( BC)?$/);
    }
  });

  test("matching rows go, where nulls are to match those too", async () => {
    const connection = await open();
    const columns = [
      { name: "a", type: { kind: "int32" }, nullable: true },
      { name: "b", type: string, nullable: true },
    ] as const;
    const fill = `drop table if exists del; create table del (a int, b text);
      insert into del values (1, 'x'), (1, 'x'), (1, null), (null, 'x'), (null, null), (0, ''), (2, 'y');
      drop table if exists src; create table src (a int, b text); insert into src values `;
    const left = async (source: string, nullable: boolean): Promise<string[]> => {
      await db.run(fill + source);
      for (const statement of connection.dialect.deleteMatching({
        target: "public.del",
        source: "public.src",
        columns,
        nullable,
      }))
        await connection.execute(statement);
      return (
        await db.run(
          "select concat_ws('|', coalesce(a::text, '∅'), coalesce(b, '∅')) as r from del order by 1",
        )
      ).map(({ r }) => r as string);
    };
    expect(await left("(1, 'x'), (1, 'x'), (null, null)", true)).toEqual(
      ["0|", "1|∅", "2|y", "∅|x"].toSorted(),
    );
    expect(await left("(1, null), (null, 'x'), (9, null)", true)).toEqual(
      ["0|", "1|x", "1|x", "2|y", "∅|∅"].toSorted(),
    );
    expect(await left("(1, null), (2, 'y')", false)).toEqual(
      ["0|", "1|x", "1|x", "1|∅", "∅|x", "∅|∅"].toSorted(),
    );
  });

  test("names of indexes have 63 bytes at most, and are different ones", async () => {
    const connection = await open();
    const long = "ä".repeat(31);
    await db.run(`create table "${long}" ("${long}" int, b int)`);
    for (const columns of [[long], [long, "b"]])
      for (const unique of [true, false])
        for (const text of connection.dialect.index(long, columns, unique))
          await connection.execute({ text });
    expect((await connection.inspect(long))?.indexes).toHaveLength(4);
  });
});

describe("what is staged", () => {
  const batch = batchOf({ id: [{ kind: "int64" }, [1n, 2n]], name: [string, ["a", null]] });

  async function tables(): Promise<number> {
    const [row] = await db.run(
      "select count(*)::int as n from pg_class where relname like '\\_alv\\_stage%'",
    );
    return row!["n"] as number;
  }

  test("a segment holds its rows until it is dropped", async () => {
    const connection = await open();
    const segment = await connection.stage(batch.schema);
    await segment.append(batch);
    await segment.append(batch);
    await segment.seal();
    expect(segment.bytes).toBeGreaterThan(50);
    const rows = await connection.query({
      text: `select id, name from ${segment.relation} order by id, name`,
    });
    expect(rows).toEqual([
      { id: 1, name: "a" },
      { id: 1, name: "a" },
      { id: 2, name: null },
      { id: 2, name: null },
    ]);
    await segment.drop();
    await segment.drop();
    expect(await tables()).toBe(0);
  });

  test("dead sessions are swept, living ones are not, and a session cleans up behind itself", async () => {
    const living = await open();
    const segment = await living.stage(batch.schema);
    const dead = await open();
    await dead.stage(batch.schema);
    const [{ pid }] = (await dead.query({ text: "select pg_backend_pid() as pid" })) as [{ pid: number }];
    expect(await tables()).toBe(2);
    await db.run(`select pg_terminate_backend(${pid}, 5000)`);
    const sweeper = await open();
    await sweeper.sweep();
    expect(await tables()).toBe(1);
    await segment.append(batch);
    await living[Symbol.asyncDispose]();
    expect(await tables()).toBe(0);
  });

  test("a session whose connection broke cleans up over another one", async () => {
    const connection = await open();
    await connection.stage(batch.schema);
    const [{ pid }] = (await connection.query({ text: "select pg_backend_pid() as pid" })) as [
      { pid: number },
    ];
    await db.run(`select pg_terminate_backend(${pid}, 5000)`);
    await expect(connection.query({ text: "select 1" })).rejects.toMatchObject({ code: "ALV_CONNECTION" });
    await connection[Symbol.asyncDispose]();
    expect(await tables()).toBe(0);
  });
});

describe("the lease", () => {
  const take = (
    connection: SqlConnection,
    wait: number,
    events?: RunEvent[],
  ): ReturnType<SqlConnection["lease"]> =>
    connection.lease({
      context: { ...suiteContext(), emit: (event) => events?.push(event) },
      wait,
      signal: new AbortController().signal,
    });

  test("is one connection's, and free when that gives it back or dies", async () => {
    const first = await open();
    const second = await open();
    const lease = await take(first, 0);
    expect(await lease.check()).toBe(true);
    const events: RunEvent[] = [];
    await expect(take(second, 300, events)).rejects.toMatchObject({
      code: "ALV_CONCURRENT_RUN",
      message: expect.stringMatching(/process \d+ of the server, alluvium from/) as string,
    });
    expect(events).toMatchObject([{ type: "waiting" }]);
    await lease[Symbol.asyncDispose]();
    const next = await take(second, 0);
    const [{ pid }] = (await second.query({ text: "select pg_backend_pid() as pid" })) as [{ pid: number }];
    await db.run(`select pg_terminate_backend(${pid}, 5000)`);
    await take(first, 2000);
    await second.query({ text: "select 1" }).catch(() => {});
    expect(await next.check()).toBe(false);
  });

  test("waiting for it ends with the signal", async () => {
    const first = await open();
    const second = await open();
    await take(first, 0);
    const reason = new Error("no longer");
    const waiting = second.lease({
      context: suiteContext(),
      wait: 60_000,
      signal: AbortSignal.any([abortIn(100, reason)]),
    });
    await expect(waiting).rejects.toBe(reason);
  });
});

function abortIn(milliseconds: number, reason: Error): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), milliseconds);
  return controller.signal;
}

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
