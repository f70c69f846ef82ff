import { describe, expect, test } from "vitest";
import { createAppender } from "../src/columns/append.ts";
import { rowsOf } from "../src/columns/rows.ts";
import { originResource } from "../src/origin-resource.ts";
import { pipeline } from "../src/pipeline.ts";
import { source } from "../src/source.ts";
import type { Source, SourceSession, Stream } from "../src/stream.ts";
import { memoryDestination, sourceContext } from "../src/testing/index.ts";

interface Row {
  id: bigint;
  open: boolean;
}

/** A connector with two tables that follow a log, and one that is replaced; it counts what happens to it. */
function connector(log: { id: number; open: boolean }[]) {
  const counts = {
    opened: 0,
    closed: 0,
    reads: 0,
    only: [] as (readonly string[] | undefined)[],
    told: [] as unknown[],
  };
  const streams: Stream[] = ["orders", "customers"].map((name) => ({
    name,
    tables: [
      { name, schema: { fields: [] }, primaryKey: ["id"], disposition: { kind: "append" }, partitionBy: [] },
    ],
    cursor: { version: 3, encode: (cursor) => cursor as number, decode: (json) => json as number },
    identity: { server: 1 },
    async *read({ since }) {
      counts.reads += 1;
      const rows = log.slice((since as number | undefined) ?? 0);
      if (rows.length > 0) {
        const appender = createAppender({ columns: { id: { type: "int64" } } });
        for (const row of rows) appender.append(row);
        yield { table: name, batch: appender.finish() };
      }
      yield { checkpoint: log.length };
    },
    acknowledge: async (cursor) => {
      counts.told.push(cursor);
    },
  }));
  const made = {
    specVersion: 1 as const,
    name: "shop",
    open: async ({ only }: { readonly only?: readonly string[] | undefined }): Promise<SourceSession> => {
      counts.opened += 1;
      counts.only.push(only);
      return {
        streams: streams.filter(({ name }) => only === undefined || only.includes(name)),
        [Symbol.asyncDispose]: async () => {
          counts.closed += 1;
        },
      };
    },
    resources: {
      orders: originResource<"orders", Row, "append">({ name: "orders", source: (): Source => made }),
      customers: originResource<"customers", Row, "append">({
        name: "customers",
        source: (): Source => made,
      }),
      nowhere: originResource<"nowhere", Row, "append">({ name: "nowhere", source: (): Source => made }),
    },
  };
  return { shop: made, counts };
}

describe("resources of a connector", () => {
  const log = [
    { id: 1, open: true },
    { id: 2, open: false },
  ];

  test("can be transformed and listed in another source, which opens the connector once", async () => {
    const rows = [...log];
    const { shop, counts } = connector(rows);
    const { orders, customers } = shop.resources;
    const mine = source("mine", () => [
      orders.filter((row) => row.open).as("open_orders"),
      orders,
      customers,
    ]);
    const destination = memoryDestination();
    const load = pipeline({ name: "p", source: mine(), destination, loadIdColumn: false });
    const report = await load.run();
    expect(report.tables.open_orders.rows).toBe(1);
    expect(report.tables.orders.rows).toBe(2);
    expect(counts).toMatchObject({ opened: 1, closed: 1, reads: 2, only: [["orders", "customers"]] });
    rows.push({ id: 3, open: true });
    await load.run();
    expect(destination.store.rows("open_orders")).toEqual([
      { id: 1n, open: true },
      { id: 3n, open: true },
    ]);
    expect(destination.store.rows("customers")).toHaveLength(3);
    // Both streams were told of both commits, in the connector's own terms.
    expect(counts.told.map(Number).toSorted((a, b) => a - b)).toEqual([2, 2, 3, 3]);
  });

  test("that lag are read alone until they have caught up", async () => {
    const rows = [...log];
    const { shop, counts } = connector(rows);
    const { orders } = shop.resources;
    const destination = memoryDestination();
    const first = pipeline({ name: "p", source: source("mine", () => [orders])(), destination });
    await first.run();
    const both = pipeline({
      name: "p",
      source: source("mine", () => [orders, orders.as("again")])(),
      destination,
    });
    await both.run();
    expect(counts.reads).toBe(3);
    expect(destination.store.rows("again")).toHaveLength(2);
    expect(destination.store.rows("orders")).toHaveLength(2);
    rows.push({ id: 3, open: true });
    await both.run();
    expect(counts.reads).toBe(4);
    expect(destination.store.rows("again")).toHaveLength(3);
  });

  test("keep their columns exact through a filter", async () => {
    const { shop } = connector([{ id: 2 ** 53, open: true }]);
    const session = await source("mine", () => [shop.resources.orders.filter(({ open }) => open)])().open(
      sourceContext(),
    );
    const [stream] = session.streams;
    expect(stream!.identity).toEqual({ server: 1 });
    const rows: object[] = [];
    for await (const item of stream!.read({
      signal: new AbortController().signal,
      since: undefined,
      budget: 1 << 20,
      attempt: 1,
      emit: () => {},
    }))
      if ("batch" in item) rows.push(...rowsOf(item.batch));
    expect(rows).toEqual([{ id: 2n ** 53n, open: true }]);
    await session[Symbol.asyncDispose]();
  });

  test("that are not there close what was opened", async () => {
    const { shop, counts } = connector([]);
    const open = source("mine", () => [shop.resources.nowhere])().open(sourceContext());
    await expect(open).rejects.toMatchObject({ code: "ALV_SOURCE_NOT_FOUND" });
    expect(counts).toMatchObject({ opened: 1, closed: 1 });
  });
});
