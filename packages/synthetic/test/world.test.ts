import { createHash } from "node:crypto";
import { isValid, type Batch, type Vector } from "@alluvium/core/columns";
import { describe, expect, test } from "vitest";
import { createWorld, type TableName, type World } from "../src/index.ts";

const world = createWorld({ seed: 7, customers: 3_000, products: 200 });
const end = new Date("2027-01-01T00:00:00Z");

function value(vector: Vector, row: number): unknown {
  if (!isValid(vector, row)) return null;
  if (vector.layout === "boolean") return ((vector.values[row >> 3]! >> (row & 7)) & 1) === 1;
  if (vector.layout === "bytes")
    return Buffer.from(vector.data.subarray(vector.offsets[row]!, vector.offsets[row + 1]!)).toString();
  if (vector.layout === "fixed") return Number(vector.values[row]!);
  throw new Error(vector.layout);
}

function rowsOf(batch: Batch): Record<string, unknown>[] {
  return Array.from({ length: batch.length }, (_, row) =>
    Object.fromEntries(batch.schema.fields.map((field, i) => [field.name, value(batch.columns[i]!, row)])),
  );
}

async function rows(
  of: World,
  name: TableName,
  start?: number,
  stop?: number,
  asOf = end,
): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for await (const batch of of.table(name).asOf(asOf).range(start, stop)) found.push(...rowsOf(batch));
  return found;
}

const digest = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex");

describe("a world", () => {
  test("is the same in any division", async () => {
    for (const name of world.tables) {
      const { owners } = world.table(name);
      const middle = Math.floor(owners / 3);
      const whole = await rows(world, name);
      expect(
        digest([...(await rows(world, name, 0, middle)), ...(await rows(world, name, middle, owners))]),
      ).toBe(digest(whole));
      expect(whole.length).toBeGreaterThan(100);
    }
  });

  test("is another one with another seed", async () => {
    const other = createWorld({ seed: 8, customers: 3_000, products: 200 });
    expect(digest(await rows(other, "orders"))).not.toBe(digest(await rows(world, "orders")));
  });

  test("holds together: no orphan, no child before its parent, money adds up", async () => {
    const customers = new Map((await rows(world, "customers")).map((row) => [row["customer_id"], row]));
    const products = new Set((await rows(world, "products")).map((row) => row["product_id"]));
    const orders = new Map((await rows(world, "orders")).map((row) => [row["order_id"], row]));
    const sums = new Map<unknown, number>();
    for (const order of orders.values()) {
      const customer = customers.get(order["customer_id"])!;
      expect(order["placed_at"]).toBeGreaterThan(customer["created_at"] as number);
      expect(order["updated_at"]).toBeGreaterThanOrEqual(order["placed_at"] as number);
    }
    for (const item of await rows(world, "order_items")) {
      expect(products.has(item["product_id"])).toBe(true);
      const cents =
        (item["quantity"] as number) * (item["unit_price"] as number) - (item["discount"] as number);
      sums.set(item["order_id"], (sums.get(item["order_id"]) ?? 0) + cents);
    }
    for (const [id, order] of orders)
      expect(sums.get(id)! + (order["shipping"] as number)).toBe(order["total"]);
    for (const payment of await rows(world, "payments")) {
      const order = orders.get(payment["order_id"])!;
      expect(payment["amount"]).toBe(order["total"]);
      expect(payment["created_at"]).toBeGreaterThan(order["placed_at"] as number);
    }
    expect(new Set((await rows(world, "payments")).map((row) => row["payment_id"])).size).toBe(
      (await rows(world, "payments")).length,
    );
    expect(new Set([...customers.values()].map((row) => row["email"])).size).toBe(customers.size);
  });

  test("a later clock adds rows and changes none that cannot change", async () => {
    const early = new Date("2026-03-01T00:00:00Z");
    const before = await rows(world, "order_items", 0, 3_000, early);
    const after = await rows(world, "order_items");
    const known = new Set(after.map((row) => JSON.stringify(row)));
    expect(before.every((row) => known.has(JSON.stringify(row)))).toBe(true);
    expect(after.length).toBeGreaterThan(before.length);
  });

  test("the table at one time and the changes since make the table at a later one", async () => {
    const early = new Date("2026-03-01T00:00:00Z");
    const later = new Date("2026-03-09T00:00:00Z");
    for (const name of world.tables) {
      const { primaryKey } = world.table(name);
      const key = (row: Record<string, unknown>): string =>
        JSON.stringify(primaryKey.map((column) => row[column]));
      const state = new Map(
        (await rows(world, name, undefined, undefined, early)).map((row) => [key(row), row]),
      );
      for await (const { table, batch } of world.changes(early, later)) {
        if (table !== name) continue;
        rowsOf(batch).forEach((row, index) => {
          expect(state.has(key(row))).toBe(batch.changes!.ops[index] === 1);
          state.set(key(row), row);
        });
      }
      const wanted = new Map(
        (await rows(world, name, undefined, undefined, later)).map((row) => [key(row), row]),
      );
      expect(state).toEqual(wanted);
    }
  });

  test("buys like people do: most buy once or a few times, some very often", async () => {
    const counts = new Map<unknown, number>();
    for (const order of await rows(world, "orders"))
      counts.set(order["customer_id"], (counts.get(order["customer_id"]) ?? 0) + 1);
    const all = [...counts.values()].sort((a, b) => a - b);
    const mean = all.reduce((a, b) => a + b, 0) / all.length;
    // CDNOW: mean 2.87 orders, 48.9 % buy again, 99 % quantile 19; this world's customers have had one year on average.
    expect(mean).toBeGreaterThan(2);
    expect(mean).toBeLessThan(4);
    const again = all.filter((count) => count > 1).length / all.length;
    expect(again).toBeGreaterThan(0.35);
    expect(again).toBeLessThan(0.55);
    expect(all[Math.floor(all.length * 0.99)]).toBeGreaterThan(10);
  });

  test("refuses what makes no world", () => {
    expect(() => createWorld({ customers: 0 })).toThrow(/customers is 0/);
    expect(() => createWorld({ from: new Date("2026-01-01"), to: new Date("2025-01-01") })).toThrow(
      /time after from/,
    );
    // @ts-expect-error not a table
    expect(() => world.table("nope")).toThrow(/no table "nope"/);
  });
});
