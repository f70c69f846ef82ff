import { describe, expect, test } from "vitest";
import {
  pipeline,
  resource,
  source,
  typed,
  type DispositionOption,
  type NestingOption,
  type Pipeline,
} from "@alluvium/core";
import { memoryDestination, type MemoryDestination } from "@alluvium/core/testing";

interface Order {
  readonly id: number;
  readonly customer?: { readonly name: string };
  readonly items?: readonly { readonly sku: string; readonly tags?: readonly string[] }[];
}

interface Options {
  readonly nesting?: NestingOption;
  readonly disposition?: DispositionOption<Order>;
  readonly contract?: "evolve" | "freeze";
  readonly partial?: boolean;
  /** Said by the source, not by the resource. */
  readonly shared?: NestingOption;
}

function shop(
  memory: MemoryDestination,
  rows: readonly Order[],
  { shared, ...options }: Options = { nesting: "tables" },
): Pipeline {
  const orders = resource({
    name: "orders",
    primaryKey: "id",
    schema: typed<Order>(),
    ...(options as { readonly nesting: "tables" }),
    async *read() {
      yield rows as never;
    },
  });
  return pipeline({
    name: "shop",
    source: source("shop", () => [orders], shared === undefined ? {} : { nesting: shared })(),
    destination: memory,
  });
}

const one: Order = { id: 1, customer: { name: "a" }, items: [{ sku: "x", tags: ["t"] }, { sku: "y" }] };

describe("child tables in a run", () => {
  test("turn up with their first rows, are remembered, and go on in the next run", async () => {
    const memory = memoryDestination();
    const first = await shop(memory, [{ id: 0, items: [] }]).run();
    expect(Object.keys(first.tables)).toEqual(["orders"]);
    const second = await shop(memory, [one]).run();
    expect(second.tables).toMatchObject({
      orders: { table: "orders", rows: 1 },
      "orders.items": {
        table: "orders__items",
        rows: 2,
        schemaChanges: [{ kind: "tableCreated" }],
        complete: true,
      },
      "orders.items.tags": { table: "orders__items__tags", rows: 1 },
    });
    expect(await shop(memory, [one]).run()).toMatchObject({
      tables: { "orders.items": { rows: 2, schemaChanges: [] } },
    });
    expect(memory.store.rows("orders__items")).toHaveLength(4);
    expect(Object.keys((await shop(memory, [one]).schema()).tables)).toEqual([
      "orders",
      "orders__items",
      "orders__items__tags",
    ]);
  });

  test("evolve like other tables, and hold to freeze like them", async () => {
    const memory = memoryDestination();
    await shop(memory, [one]).run();
    const more = { id: 2, items: [{ sku: "z", price: 3 }] } as unknown as Order;
    const report = await shop(memory, [more]).run();
    expect(report.tables).toMatchObject({
      "orders.items": { schemaChanges: [{ kind: "columnAdded", column: "price" }] },
    });
    const less = await shop(memory, [{ id: 2, items: [{ price: 4 }] } as unknown as Order]).run();
    expect(less.tables).toMatchObject({
      "orders.items": { schemaChanges: [{ kind: "columnMissing", column: "sku" }] },
    });
    const newest = { id: 3, items: [{ sku: "z", color: "red" }] } as unknown as Order;
    await expect(
      shop(memory, [newest], { nesting: "tables", contract: "freeze" }).run(),
    ).rejects.toMatchObject({
      code: "ALV_SCHEMA_CONFLICT",
    });
  });

  test("are replaced with their root, also by nothing", async () => {
    const memory = memoryDestination();
    const options: Options = { nesting: "tables", disposition: "replace" };
    await shop(memory, [one], options).run();
    await shop(memory, [{ id: 2, items: [{ sku: "z" }] }], options).run();
    expect(memory.store.rows("orders__items").map(({ sku }) => sku)).toEqual(["z"]);
    expect(memory.store.rows("orders__items__tags")).toEqual([]);
    await shop(memory, [{ id: 3 }], options).run();
    expect(memory.store.rows("orders__items")).toEqual([]);
  });

  test("are read anew with refresh", async () => {
    const memory = memoryDestination();
    await shop(memory, [one, { ...one, id: 2 }]).run();
    const report = await shop(memory, [one]).run({ refresh: "data" });
    expect(report.tables).toMatchObject({ "orders.items": { refreshed: "data", rows: 2 } });
    expect(memory.store.rows("orders__items")).toHaveLength(2);
    await shop(memory, [{ id: 4 }]).run({ refresh: "tables" });
    expect(memory.store.rows("orders__items")).toEqual([]);
  });

  test("are in the plan of a dry run, which makes none of them", async () => {
    const memory = memoryDestination();
    const { plan } = await shop(memory, [one]).run({ dryRun: true });
    expect(plan!.tables.map(({ resource: name, table, sampled }) => [name, table, sampled])).toEqual([
      ["orders", "orders", 1],
      ["orders.items", "orders__items", 2],
      ["orders.items.tags", "orders__items__tags", 1],
    ]);
    expect(plan!.tables[1]!.columns.map(({ name }) => name)).toEqual([
      "_alv_row_id",
      "_alv_parent_id",
      "_alv_root_id",
      "_alv_index",
      "sku",
      "tags__empty",
      "value__empty",
    ]);
    expect([...memory.store.tables.keys()]).toEqual([]);
  });

  test("are named by whoever says it: the resource before the source", async () => {
    const memory = memoryDestination();
    await shop(memory, [one], { shared: { default: "tables", depth: 1 } }).run();
    expect([...memory.store.tables.keys()]).toEqual(["orders", "orders__items"]);
    expect(memory.store.rows("orders__items")[0]).toMatchObject({ sku: "x", tags: ["t"] });
    const other = memoryDestination();
    await shop(other, [one], { shared: "tables", nesting: "json" }).run();
    expect(other.store.rows("orders")).toMatchObject([{ customer: { name: "a" }, items: one.items }]);
  });
});

describe("what cannot be right is refused by name", () => {
  test("another choice than before, unless the table is made anew", async () => {
    const choices: readonly Options[] = [{}, { nesting: "json" }, { nesting: "tables" }];
    for (const before of choices)
      for (const now of choices.filter((choice) => choice !== before)) {
        const memory = memoryDestination();
        await shop(memory, [one], before).run();
        await expect(shop(memory, [one], now).run()).rejects.toMatchObject({
          code: "ALV_STATE_MISMATCH",
          message: expect.stringContaining('refresh: "tables"'),
        });
        await shop(memory, [one], now).run({ refresh: "tables" });
        await shop(memory, [one], now).run();
        expect(memory.store.rows("orders")).toHaveLength(2);
        expect(memory.store.rows("orders__items")).toHaveLength(now.nesting === "tables" ? 4 : 0);
      }
    const memory = memoryDestination();
    await shop(memory, [one], {}).run();
    await expect(shop(memory, [one], { nesting: "native" }).run()).resolves.toBeDefined();
  });

  test("merges into a destination whose child rows cannot follow", async () => {
    const memory = memoryDestination();
    const { follows: _, ...capabilities } = memory.capabilities;
    const weak = { ...memory, capabilities };
    await expect(shop(weak, [one], { nesting: "tables", disposition: "merge" }).run()).rejects.toMatchObject({
      code: "ALV_UNSUPPORTED",
      message: expect.stringMatching(/upsert.*memory cannot.*"native" or "json"/),
    });
    await shop(weak, [one], { nesting: "native", disposition: "merge" }).run();
  });

  test("partial rows", async () => {
    const options: Options = { nesting: "tables", disposition: "merge", partial: true };
    await expect(shop(memoryDestination(), [one], options).run()).rejects.toMatchObject({
      code: "ALV_CONFIG",
      message: expect.stringMatching(/partial.*whole rows/),
    });
  });

  test("a child table in a list that stays a column", async () => {
    const options: Options = { nesting: { paths: { "items.tags": "tables" } } };
    await expect(shop(memoryDestination(), [one], options).run()).rejects.toMatchObject({
      code: "ALV_CONFIG",
      message: expect.stringMatching(
        /items\.tags a child table, but items.*choose "tables" for that as well/,
      ),
    });
  });

  test("elements with the names of system columns", async () => {
    const rows = [{ id: 1, items: [{ _alv_index: 1 }] }] as unknown as readonly Order[];
    await expect(shop(memoryDestination(), rows).run()).rejects.toMatchObject({ code: "ALV_NAME_COLLISION" });
  });

  test("a child table whose name another resource has", async () => {
    const orders = resource({ name: "orders", nesting: "tables", read: () => [one] });
    const items = resource({ name: "orders__items", read: () => [{ id: 1 }] });
    const load = pipeline({
      name: "shop",
      source: source("shop", () => [orders, items])(),
      destination: memoryDestination(),
    });
    await expect(load.run()).rejects.toMatchObject({
      code: "ALV_NAME_COLLISION",
      message: expect.stringMatching(/items become table orders__items, which orders__items has/),
    });
  });
});
