import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterAll, expect, test } from "vitest";
import { AlluviumError, pipeline, resource, source, typed } from "@alluvium/core";
import { memoryDestination } from "@alluvium/core/testing";
import { database, duckdb } from "../../src/duckdb/index.ts";

const folder = mkdtempSync(join(tmpdir(), "alluvium-duckdb-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Order {
  readonly id: number;
  readonly orderNumber: bigint;
  readonly total: string;
  readonly placedAt: Date;
  readonly note?: string;
  readonly tags: readonly string[];
  readonly address: { readonly city: string; readonly zip?: string };
}
const orders = resource({
  name: "orders",
  schema: typed<Order>(),
  primaryKey: "id",
  disposition: "merge",
  columns: { total: { type: "decimal", precision: 10, scale: 2 } },
  read: async function* () {
    yield [
      {
        id: 1,
        orderNumber: 9_007_199_254_740_993n,
        total: "12.50",
        placedAt: new Date("2026-01-02T03:04:05.678Z"),
        tags: ["a", "b"],
        address: { city: "Köln" },
      },
      {
        id: 2,
        orderNumber: 2n,
        total: "0.10",
        placedAt: new Date("1969-12-31T23:59:59.999Z"),
        note: "x",
        tags: [],
        address: { city: "Bonn", zip: "53111" },
      },
    ];
  },
});
const shop = source("shop", () => [orders]);

test("what a pipeline loaded is read back, typed, in user form", async () => {
  const load = pipeline({
    name: "shop",
    source: shop(),
    destination: duckdb({ path: join(folder, "shop.duckdb") }),
  });
  const report = await load.run();
  expect(report.tables.orders.rows).toBe(2);
  await using db = await database(load);
  const rows = await db.selectFrom("orders").selectAll().orderBy("id").execute();
  expect(rows).toMatchObject([
    {
      id: 1n,
      order_number: 9_007_199_254_740_993n,
      total: "12.50",
      placed_at: new Date("2026-01-02T03:04:05.678Z"),
      note: null,
      tags: ["a", "b"],
      address: { city: "Köln", zip: null },
    },
    { id: 2n, note: "x", placed_at: new Date("1969-12-31T23:59:59.999Z"), tags: [] },
  ]);
  const { rows: json } = await sql`select '{"small":1,"large":9007199254740993}'::json as j`.execute(db);
  expect(json, "digits that no number holds").toEqual([{ j: { small: 1, large: 9007199254740993n } }]);
  const found = await db
    .selectFrom("orders")
    .select("id")
    .where("placed_at", ">=", new Date("2026-01-01T00:00:00Z"))
    .execute();
  expect(found).toEqual([{ id: 1n }]);
  const [entry] = await db.selectFrom("_alv_loads").selectAll().execute();
  expect(entry).toMatchObject({ pipeline: "shop", sequence: 0n, tables: [{ table: "orders", rows: 2 }] });
});

test("a second run merges, and the file is free in between", async () => {
  const path = join(folder, "again.duckdb");
  const load = pipeline({ name: "shop", source: shop(), destination: duckdb({ path }) });
  await load.run();
  await load.run();
  await using db = await database(load);
  const rows = await db.selectFrom("orders").select("id").execute();
  expect(rows).toHaveLength(2);
});

test("queries at the same time wait for one another", async () => {
  const path = join(folder, "together.duckdb");
  const load = pipeline({ name: "shop", source: shop(), destination: duckdb({ path }) });
  await load.run();
  await using db = await database(load);
  const count = () => db.selectFrom("orders").select("id").execute();
  const found = await Promise.all([count(), count(), count()]);
  expect(found.map((rows) => rows.length)).toEqual([2, 2, 2]);
});

test("another destination is refused by name", async () => {
  const load = pipeline({
    name: "elsewhere",
    source: source("s", () => [resource({ name: "t", read: () => [{ id: 1 }] })])(),
    destination: memoryDestination(),
  });
  await expect(database(load)).rejects.toSatisfy(
    (error) => AlluviumError.is(error) && error.code === "ALV_CONFIG" && error.message.includes("memory"),
  );
});
