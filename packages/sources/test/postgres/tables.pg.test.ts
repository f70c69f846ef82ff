import { describe, expect, test } from "vitest";
import { postgres } from "@alluvium/sources/postgres";
import { readAll, sourceContext, streamOf, useDatabase } from "./database.ts";

const db = useDatabase("tables");

/** Opens, and gives the names of the streams. */
async function names(options: object, only?: readonly string[]): Promise<readonly string[]> {
  await using session = await postgres({ url: db.url, ...options }).open(
    sourceContext(only === undefined ? {} : { only }),
  );
  return session.streams.map(({ name }) => name);
}

test("what is read: all tables of the schema, lists, patterns, other schemas, and never what was left out", async () => {
  await db
    .run(`create extension hstore; create extension pg_stat_statements`)
    .catch(() => db.run("create extension if not exists hstore"));
  await db.run(`create schema sales; create schema empty;
    create table orders (id int primary key); create table order_items (id int); create table "Odd.Name" (x int);
    create table sales.orders (id int); create table sales.targets (id int);
    create view recent as select 1 as one; create materialized view summed as select 2 as two;
    create table sales.parent (id int); create table sales.child (extra int) inherits (sales.parent);
    insert into sales.parent values (1); insert into sales.child values (2, 3)`);
  expect(await names({})).toEqual(["Odd.Name", "order_items", "orders"]);
  expect(await names({ views: true })).toEqual(["Odd.Name", "order_items", "orders", "recent", "summed"]);
  expect(await names({ exclude: ["order*"] })).toEqual(["Odd.Name"]);
  expect(await names({ tables: ["order*", "sales.t*"] })).toEqual(["order_items", "orders", "sales.targets"]);
  expect(await names({ tables: ["Odd.Name", "recent", "summed", "sales.orders"] })).toEqual([
    "Odd.Name",
    "recent",
    "summed",
    "sales.orders",
  ]);
  expect(await names({ schema: "sales", tables: ["orders"] })).toEqual(["orders"]);
  expect(await names({ tables: { orders: {}, "sales.orders": {} } }, ["sales.orders"])).toEqual([
    "sales.orders",
  ]);
  await using session = await postgres({ url: db.url, tables: ["sales.orders", "sales.parent"] }).open(
    sourceContext(),
  );
  expect(streamOf(session, "sales.orders").tables[0]).toMatchObject({
    name: "sales.orders",
    table: "sales_orders",
  });
  // As the server shows it: with the rows of its children.
  expect((await readAll(streamOf(session, "sales.parent"))).rows).toEqual([{ id: 1 }, { id: 2 }]);
});

test("a table is described by the catalogue", async () => {
  await db.run(`create table keyed (b text not null, a int, "Upper Case" int, gone int, "q""uote" int, made int generated always as (a * 2) stored, "ü" int generated always as identity,
    primary key (a, b)); alter table keyed drop column gone; insert into keyed (a, b, "q""uote") values (1, 'x', 5)`);
  await using session = await postgres({ url: db.url, tables: { keyed: { disposition: "merge" } } }).open(
    sourceContext(),
  );
  const stream = streamOf(session, "keyed");
  expect(stream.tables[0]).toMatchObject({
    primaryKey: ["a", "b"],
    disposition: { kind: "merge", strategy: "upsert" },
  });
  expect(stream.tables[0]!.schema.fields.map(({ name, nullable }) => [name, nullable])).toEqual([
    ["b", false],
    ["a", false],
    ["Upper Case", true],
    ['q"uote', true],
    ["made", true],
    ["ü", false],
  ]);
  expect((await readAll(stream)).rows).toEqual([
    { b: "x", a: 1, "Upper Case": null, 'q"uote': 5, made: 2, ü: 1 },
  ]);
});

test("tables without rows, and without columns", async () => {
  await db.run(
    "create table hollow (); insert into hollow default values; insert into hollow default values; create table bare (x int)",
  );
  await using session = await postgres({ url: db.url, tables: ["hollow", "bare"] }).open(sourceContext());
  expect((await readAll(streamOf(session, "hollow"))).batches.map(({ length }) => length)).toEqual([2]);
  expect((await readAll(streamOf(session, "bare"))).batches).toEqual([]);
});

test("a constraint that is not validated does not promise values", async () => {
  const [{ v }] = (await db.run("select current_setting('server_version_num')::int as v")) as [{ v: number }];
  if (v < 180_000) return;
  await db.run(
    "create table loose (x int); insert into loose values (null); alter table loose add constraint c not null x not valid",
  );
  await using session = await postgres({ url: db.url, tables: ["loose"] }).open(sourceContext());
  expect(streamOf(session, "loose").tables[0]!.schema.fields[0]!.nullable).toBe(true);
});

test("queries are read like tables", async () => {
  const sql =
    "select id, id * 1.5::numeric(6,1) as price, 'it''s' || E'\\\\' as note -- a comment at the end";
  const queries = {
    priced: {
      sql: `${sql}\n from generate_series(1, 3) id;`,
      primaryKey: "id",
      where: "id > 1",
      select: ["id", "note"],
      cursor: { column: "id", lag: 0 },
    },
    plain: { sql: "select now() > '2000-01-01' as yes, row(1, 2) as pair, interval '1 day' as day" },
  } as const;
  await using session = await postgres({ url: db.url, queries }).open(sourceContext());
  expect(session.streams.map(({ name }) => name)).toEqual(["priced", "plain"]);
  expect((await readAll(streamOf(session, "priced"))).rows).toEqual(
    [2, 3].map((id) => ({ id, note: "it's\\" })),
  );
  expect((await readAll(streamOf(session, "plain"))).rows).toEqual([
    { yes: true, pair: "(1,2)", day: "1 day" },
  ]);
  await expect(names({ queries: { x: { sql: "select 1 as a, 2 as a" } } })).rejects.toMatchObject({
    code: "ALV_NAME_COLLISION",
  });
  await expect(names({ queries: { x: { sql: "delete from orders returning 1" } } })).rejects.toThrow(/x/);
});

describe("what does not exist is named, with what is near", () => {
  const wrong: readonly (readonly [options: object, message: RegExp])[] = [
    [{ tables: ["ordrs"] }, /no table or view "ordrs" in schema "public"; did you mean "orders"/],
    [
      { tables: ["sale.orders"] },
      /no table or view "sale.orders"; there is no schema "sale"; did you mean "sales"/,
    ],
    [{ tables: ["zzz*"] }, /no table matches "zzz\*"/],
    [{ schema: "pubic" }, /schema "pubic" has no tables; did you mean "public"/],
    [{ schema: "empty" }, /schema "empty" has no tables/],
    [
      { tables: { keyed: { cursor: "upper case" } } },
      /keyed: cursor names the column "upper case", which does not exist; did you mean "Upper Case"/,
    ],
    [{ tables: { orders: { primaryKey: "key" } } }, /orders: primaryKey names the column "key"/],
    [{ tables: { orders: { select: ["nr"] } } }, /orders: select names the column "nr"/],
  ];
  test.each(wrong)("%o", async (options, message) => {
    await expect(names(options)).rejects.toMatchObject({
      code: "ALV_SOURCE_NOT_FOUND",
      message: expect.stringMatching(message) as string,
    });
  });
});

describe("options that make no sense", () => {
  const wrong: readonly (readonly [options: object, message: RegExp])[] = [
    [{ tables: { orders: { disposition: "append" } } }, /append without a cursor would load every row again/],
    [{ tables: { orders: { disposition: "replace", cursor: "id" } } }, /a replace reads all rows/],
    [{ tables: { order_items: { disposition: "merge" } } }, /a merge needs a primary key/],
    [{ tables: { orders: { cursor: { column: "id", lag: { minutes: 1 } } } } }, /its lag needs a number/],
    [{ tables: { orders: { cursr: "id" } } }, /cursr/],
    [{ connections: 0 }, /connections/],
    [{ numeric: { precision: 10, scale: 12 } }, /scale must not exceed precision/],
    [{ client: {} }, /several of url, client and connect are given/],
  ];
  test.each(wrong)("%o", async (options, message) => {
    await expect(names(options)).rejects.toMatchObject({
      code: "ALV_CONFIG",
      message: expect.stringMatching(message) as string,
    });
  });
});
