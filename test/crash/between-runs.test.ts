import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import {
  AlluviumError,
  pipeline,
  resource,
  source,
  typed,
  type ObjectStore,
  type RunReport,
} from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { delta, deltaTable } from "@alluvium/destinations/delta";
import { describe, expect, test } from "vitest";
import { copyStore, deleteBelow, deltaLake, folderLake, type Lake } from "./lakes.ts";

/* What users change between two runs, and what others do to the lake: no row may be lost or doubled without a word. */

interface Order {
  id: number;
  at: number;
  country: string;
}

const countries = ["CH", "DE"];
const rowsUpTo = (end: number): Order[] =>
  Array.from({ length: end }, (_, id) => ({ id, at: Math.floor(id / 2), country: countries[id % 2]! }));
const idsUpTo = (end: number): number[] => Array.from({ length: end }, (_, id) => id);

interface OrdersOptions {
  readonly name?: string;
  readonly cursor?: "at" | "id";
  readonly naming?: (name: string) => string;
  readonly partitionBy?: readonly "country"[];
}

/** Rows up to `end`, followed by a cursor. */
function ordersUpTo(end: number, { name = "orders", cursor = "at", ...layout }: OrdersOptions = {}) {
  return resource({
    name,
    schema: typed<Order>(),
    cursor,
    ...layout,
    *read({ since }) {
      yield rowsUpTo(end).filter((row) => since === undefined || row[cursor] >= since);
    },
  });
}

type Orders = ReturnType<typeof ordersUpTo>;

const now = (orders: Orders) => orders.as("orders_now", { disposition: "replace" });

interface Settings {
  readonly only?: readonly string[];
  readonly adopt?: boolean | readonly string[];
}

function pipelineOf(lake: Lake, store: ObjectStore, resources: readonly object[], settings: Settings = {}) {
  return pipeline({
    name: "shop",
    source: source("shop", () => resources as readonly Orders[])(),
    destination: lake.destination(store),
    leaseWait: 0,
    ...(settings.adopt !== undefined && { adopt: settings.adopt }),
  });
}

async function run(
  lake: Lake,
  store: ObjectStore,
  resources: readonly object[],
  settings: Settings = {},
): Promise<RunReport> {
  const { only } = settings;
  return await pipelineOf(lake, store, resources, settings).run({
    retry: { attempts: 1 },
    ...(only && { only: only as readonly "orders"[] }),
  });
}

async function refused(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (AlluviumError.is(error)) return error.code;
    throw error;
  }
  return "not refused";
}

async function ids(lake: Lake, store: ObjectStore, table = "orders"): Promise<readonly number[]> {
  return (await lake.read(store, table)).map((row) => Number(row["id"])).sort((a, b) => a - b);
}

describe.for([deltaLake, folderLake])("$name: between two runs", (lake) => {
  test("a resource that replaces is read alone, or the one that follows is left out: its cursor stays", async () => {
    const store = memoryStore();
    const shared = (end: number) => {
      const orders = ordersUpTo(end);
      return [orders, now(orders)];
    };
    await run(lake, store, shared(5));
    await run(lake, store, shared(7), { only: ["orders_now"] });
    await run(lake, store, shared(8));
    expect(await ids(lake, store)).toEqual(idsUpTo(8));
    await run(lake, store, [now(ordersUpTo(9))]);
    await run(lake, store, shared(11));
    expect(await ids(lake, store)).toEqual(idsUpTo(11));
    expect(await ids(lake, store, "orders_now")).toEqual(idsUpTo(11));
  });

  test("a resource is removed, and added again; another is left out by only", async () => {
    const store = memoryStore();
    const other = (end: number) => ordersUpTo(end, { name: "other" });
    await run(lake, store, [ordersUpTo(3), other(3)]);
    await run(lake, store, [other(5)]);
    await run(lake, store, [ordersUpTo(6), other(6)], { only: ["other"] });
    await run(lake, store, [ordersUpTo(9), other(9)]);
    expect(await ids(lake, store)).toEqual(idsUpTo(9));
    expect(await ids(lake, store, "other")).toEqual(idsUpTo(9));
  });

  test("a renamed resource is another one; a table renamed under its cursor is refused", async () => {
    const store = memoryStore();
    await run(lake, store, [ordersUpTo(3)]);
    await run(lake, store, [ordersUpTo(4, { name: "purchases" })]);
    expect(await ids(lake, store, "purchases")).toEqual(idsUpTo(4));
    const naming = (name: string): string => `t_${name}`;
    expect(await refused(run(lake, store, [ordersUpTo(5, { naming })]))).toBe("ALV_STATE_MISMATCH");
    expect(await ids(lake, store, "t_orders")).toEqual([]);
    await run(lake, store, [ordersUpTo(6)]);
    expect(await ids(lake, store)).toEqual(idsUpTo(6));
  });

  test("another cursor column is refused, and harms nothing", async () => {
    const store = memoryStore();
    await run(lake, store, [ordersUpTo(3)]);
    expect(await refused(run(lake, store, [ordersUpTo(5, { cursor: "id" })]))).toBe("ALV_STATE_MISMATCH");
    await run(lake, store, [ordersUpTo(5)]);
    expect(await ids(lake, store)).toEqual(idsUpTo(5));
  });

  test("another partitioning is refused before anything is committed", async () => {
    const store = memoryStore();
    await run(lake, store, [ordersUpTo(3)]);
    expect(await refused(run(lake, store, [ordersUpTo(5, { partitionBy: ["country"] })]))).toBe(
      "ALV_SCHEMA_CONFLICT",
    );
    expect((await pipelineOf(lake, store, [ordersUpTo(5)]).state())!.sequence).toBe(0);
    await run(lake, store, [ordersUpTo(5)]);
    expect(await ids(lake, store)).toEqual(idsUpTo(5));
  });

  test("a table is dropped: refused by name; resync reads it again", async () => {
    const store = memoryStore();
    await run(lake, store, [ordersUpTo(3)]);
    await deleteBelow(store, "orders/");
    expect(await refused(run(lake, store, [ordersUpTo(5)]))).toBe("ALV_TABLE_NOT_FOUND");
    await pipelineOf(lake, store, [ordersUpTo(5)]).resync("orders");
    await run(lake, store, [ordersUpTo(5)]);
    await run(lake, store, [ordersUpTo(6)]);
    expect(await ids(lake, store)).toEqual(idsUpTo(6));
  });

  test("another table is put in a table's place: refused", async () => {
    const store = memoryStore();
    const elsewhere = memoryStore();
    await run(lake, store, [ordersUpTo(3)]);
    await run(lake, elsewhere, [ordersUpTo(4)]);
    await deleteBelow(store, "orders/");
    for await (const { path } of elsewhere.list("orders/")) await store.put(path, await elsewhere.get(path));
    expect(await refused(run(lake, store, [ordersUpTo(5)]))).toBe("ALV_TABLE_REPLACED");
    expect(await ids(lake, store)).toEqual(idsUpTo(4));
  });

  describe("the state is deleted", () => {
    const lose = async (): Promise<{ readonly store: ObjectStore; readonly backup: ObjectStore }> => {
      const store = memoryStore();
      const backup = memoryStore();
      const orders = ordersUpTo(3);
      await run(lake, store, [orders, now(orders)]);
      await copyStore(store, backup);
      await deleteBelow(store, "_alluvium/");
      return { store, backup };
    };
    const both = (end: number): readonly object[] => {
      const orders = ordersUpTo(end);
      return [orders, now(orders)];
    };

    test("which is an error, not a first run", async () => {
      const { store } = await lose();
      expect(await refused(run(lake, store, both(5)))).toBe("ALV_STATE_LOST");
      // Also where the table of loads went with it.
      await deleteBelow(store, "_alv_loads/");
      expect(await refused(run(lake, store, both(5)))).toBe("ALV_STATE_LOST");
      expect(await ids(lake, store)).toEqual(idsUpTo(3));
    });

    test("and put back from a backup: goes on", async () => {
      const { store, backup } = await lose();
      for await (const { path } of backup.list("_alluvium/")) await store.put(path, await backup.get(path));
      await run(lake, store, both(5));
      expect(await ids(lake, store)).toEqual(idsUpTo(5));
    });

    test("and the tables with it: begins anew", async () => {
      const { store } = await lose();
      for (const folder of ["orders/", "orders_now/", "_alv_loads/"]) await deleteBelow(store, folder);
      await run(lake, store, both(5));
      expect(await ids(lake, store)).toEqual(idsUpTo(5));
    });

    test("and the tables are adopted: goes on under a new state, which reads from the start", async () => {
      const { store } = await lose();
      await run(lake, store, both(5), { adopt: true });
      // What was appended before stays beside what is read again: the message says so.
      expect(await ids(lake, store)).toEqual([...idsUpTo(3), ...idsUpTo(5)].sort((a, b) => a - b));
      expect(await ids(lake, store, "orders_now")).toEqual(idsUpTo(5));
      // Resync then brings the table to the source's rows.
      await pipelineOf(lake, store, both(5)).resync("orders");
      await run(lake, store, both(6));
      await run(lake, store, both(7));
      expect(await ids(lake, store)).toEqual(idsUpTo(7));
    });
  });
});

test("one lake by a relative and by an absolute path is one lake", async () => {
  const folder = mkdtempSync(join(tmpdir(), "alluvium-path-"));
  try {
    const load = (url: string, end: number): Promise<unknown> =>
      pipeline({
        name: "shop",
        source: source("shop", () => [ordersUpTo(end)])(),
        destination: delta({ url }),
      }).run();
    await load(relative(process.cwd(), folder), 3);
    await load(folder, 5);
    await load(`file://${folder}/`, 6);
    const found: number[] = [];
    for await (const batch of deltaTable(join(folder, "orders")).scan({ columns: ["id"] }))
      found.push(batch.length);
    expect(found.reduce((sum, count) => sum + count, 0)).toBe(6);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
