import { expect, test } from "vitest";
import { pipeline, resource, source, typed } from "@alluvium/core";
import { memory } from "@alluvium/destinations/memory";

interface Order {
  readonly id: number;
  readonly total: number;
}

test("runs merge into a store that is there to look at", async () => {
  const target = memory();
  let rows: Order[] = [
    { id: 1, total: 10 },
    { id: 2, total: 20 },
  ];
  const orders = resource({
    name: "orders",
    schema: typed<Order>(),
    primaryKey: "id",
    disposition: "merge",
    read: () => rows,
  });
  const load = pipeline({ name: "shop", source: source("shop", () => [orders])(), destination: target });
  await load.run();
  rows = [
    { id: 2, total: 25 },
    { id: 3, total: 30 },
  ];
  await load.run();
  expect(target.store.rows("orders")).toMatchObject([
    { id: 1n, total: 10n },
    { id: 2n, total: 25n },
    { id: 3n, total: 30n },
  ]);
  // Another destination on the same store goes on where this one ended.
  const again = memory({ store: target.store });
  rows = [{ id: 4, total: 40 }];
  await pipeline({ name: "shop", source: source("shop", () => [orders])(), destination: again }).run();
  expect(target.store.rows("orders")).toHaveLength(4);
});
