import { sql } from "kysely";
import { expect, test } from "vitest";
import { AlluviumError, pipeline, resource, source, typed } from "@alluvium/core";
import { memoryDestination } from "@alluvium/core/testing";
import { database, postgres } from "@alluvium/destinations/postgres";
import { useDatabase } from "./database.ts";

const db = useDatabase("read_back");

interface Order {
  readonly id: number;
  readonly orderNumber: bigint;
  readonly total: string;
  readonly weight: number;
  readonly paid: boolean;
  readonly placedAt: Date;
  readonly day: string;
  readonly picture: Uint8Array;
  readonly note?: string;
  readonly tags: readonly string[];
  readonly visits: readonly Date[];
  readonly address: { readonly city: string; readonly zip?: string; readonly count: bigint };
}
const odd = ["a", 'q"uote', "back\\slash", "{brace,comma}", "NULL", "", "ü\n"];
const orders = resource({
  name: "orders",
  schema: typed<Order>(),
  primaryKey: "id",
  disposition: "merge",
  columns: { total: { type: "decimal", precision: 10, scale: 2 }, day: { type: "date" } },
  read: async function* () {
    yield [
      {
        id: 1,
        orderNumber: 9_007_199_254_740_993n,
        total: "12.50",
        weight: 0.1,
        paid: true,
        placedAt: new Date("2026-01-02T03:04:05.678Z"),
        day: "2026-01-02",
        picture: Uint8Array.of(0, 255, 92),
        tags: odd,
        visits: [new Date("0001-01-01T00:00:00.001Z"), new Date("9999-12-31T23:59:59.999Z")],
        address: { city: "Köln", count: 9_007_199_254_740_993n },
      },
      {
        id: 2,
        orderNumber: -(2n ** 63n),
        total: "0.10",
        weight: -1e300,
        paid: false,
        placedAt: new Date("1969-12-31T23:59:59.999Z"),
        day: "1969-12-31",
        picture: new Uint8Array(),
        note: "x",
        tags: [],
        visits: [new Date("-000043-03-15T12:00:00.000Z")],
        address: { city: "Bonn", zip: "53111", count: 1n },
      },
    ];
  },
});
const load = () =>
  pipeline({
    name: "shop",
    source: source("shop", () => [orders])(),
    destination: postgres({ url: db.url, schema: "Read back" }),
  });

test("what a pipeline loaded is read back, typed, in user form", async () => {
  const shop = load();
  await shop.run();
  await using read = await database(shop);
  const rows = await read.selectFrom("orders").selectAll().orderBy("id").execute();
  expect(rows).toMatchObject([
    {
      id: 1n,
      order_number: 9_007_199_254_740_993n,
      total: "12.50",
      weight: 0.1,
      paid: true,
      placed_at: new Date("2026-01-02T03:04:05.678Z"),
      day: "2026-01-02",
      picture: Uint8Array.of(0, 255, 92),
      note: null,
      tags: odd,
      visits: [new Date("0001-01-01T00:00:00.001Z"), new Date("9999-12-31T23:59:59.999Z")],
      address: { city: "Köln", zip: null, count: 9_007_199_254_740_993n },
    },
    {
      id: 2n,
      order_number: -(2n ** 63n),
      weight: -1e300,
      placed_at: new Date("1969-12-31T23:59:59.999Z"),
      picture: new Uint8Array(),
      note: "x",
      tags: [],
      visits: [new Date("-000043-03-15T12:00:00.000Z")],
      address: { city: "Bonn", zip: "53111", count: 1 },
    },
  ]);
  const [entry] = await read.selectFrom("_alv_loads").selectAll().execute();
  expect(entry).toMatchObject({ pipeline: "shop", sequence: 0n, tables: [{ table: "orders", rows: 2 }] });
  expect(entry!.committed_at).toBeInstanceOf(Date);
});

test("parameters have the values of rows", async () => {
  const shop = load();
  await shop.run();
  await using read = await database(shop);
  const one = read.selectFrom("orders").select("id");
  const found = async (query: typeof one): Promise<unknown> => query.execute();
  expect(await found(one.where("placed_at", ">=", new Date("2026-01-01T00:00:00Z")))).toEqual([{ id: 1n }]);
  expect(await found(one.where("picture", "=", Uint8Array.of(0, 255, 92)))).toEqual([{ id: 1n }]);
  expect(await found(one.where("tags", "=", sql.val(odd)))).toEqual([{ id: 1n }]);
  expect(await found(one.where("order_number", "=", -(2n ** 63n)))).toEqual([{ id: 2n }]);
  expect(await found(one.where("paid", "=", false))).toEqual([{ id: 2n }]);
  const raw = await sql<{ n: number[][] }>`select array[[1, null], [3, 4]] as n from orders limit 1`.execute(
    read,
  );
  expect(raw.rows).toEqual([
    {
      n: [
        [1, null],
        [3, 4],
      ],
    },
  ]);
});

test("queries at the same time wait for one another, and a transaction is one", async () => {
  const shop = load();
  await shop.run();
  await using read = await database(shop);
  const count = (): Promise<{ id: number | bigint }[]> => read.selectFrom("orders").select("id").execute();
  const [a, b, c] = await Promise.all([count(), count(), count()]);
  expect([a.length, b.length, c.length]).toEqual([2, 2, 2]);
  const failed = read
    .transaction()
    .setIsolationLevel("serializable")
    .execute(async (transaction) => {
      await transaction.deleteFrom("orders").execute();
      expect(await transaction.selectFrom("orders").select("id").execute()).toEqual([]);
      throw new Error("not that");
    });
  await expect(failed).rejects.toThrow("not that");
  expect(await count()).toHaveLength(2);
});

test("a client of the user's stays open, with its own settings", async () => {
  const client = await db.connect();
  await client.query("set search_path to public");
  const shop = pipeline({
    name: "own",
    source: source("shop", () => [orders])(),
    destination: postgres({ client, schema: "own" }),
  });
  await shop.run();
  {
    await using read = await database(shop);
    expect(await read.selectFrom("orders").select("id").execute()).toHaveLength(2);
  }
  const { rows } = await client.query("show search_path");
  expect(rows).toEqual([{ search_path: "public" }]);
});

test("another destination is refused by name", async () => {
  const other = pipeline({
    name: "elsewhere",
    source: source("s", () => [resource({ name: "t", read: () => [{ id: 1 }] })])(),
    destination: memoryDestination(),
  });
  await expect(database(other)).rejects.toSatisfy(
    (error) => AlluviumError.is(error) && error.code === "ALV_CONFIG" && error.message.includes("memory"),
  );
});
