import { memoryStore } from "@alluvium/core/storage/memory";
import { destinationSuite } from "@alluvium/core/testing";
import { describe, expect, test } from "vitest";
import { defaultTiming } from "../../src/lake/timing.ts";
import { jsonFormat } from "./json-format.ts";
import {
  appendPlan,
  ids,
  idsIn,
  jsonLake,
  loadRows,
  openTest,
  pathsIn,
  replacePlan,
  stateWith,
} from "./lakes.ts";

describe("a lake as a destination", () => {
  destinationSuite({
    test,
    capabilities: jsonFormat.capabilities,
    open: () => {
      const store = memoryStore();
      return Promise.resolve({
        open: (options = {}) =>
          openTest(store, jsonLake, {
            ...options,
            timing: { leaseLive: 15_000, sleep: defaultTiming.sleep },
          }),
        read: (table) => jsonLake.read(store, table),
      });
    },
  });
});

describe("session", () => {
  test("a store that cannot put conditionally is refused", async () => {
    const store = { ...memoryStore(), capabilities: { putIfAbsent: false, rename: true } };
    await expect(openTest(store)).rejects.toMatchObject({ code: "ALV_STORE_UNSAFE" });
  });

  test("who only looks takes no lease and finishes nothing", async () => {
    const store = memoryStore();
    {
      await using looking = await openTest(store);
      expect(await looking.recover({ readOnly: true })).toBeUndefined();
    }
    expect(await pathsIn(store, "")).toEqual([]);
    await using session = await openTest(store);
    await session.recover();
    await loadRows(session, appendPlan("t", ids()), [ids(1, 2)]);
    const before = await pathsIn(store, "");
    {
      await using looking = await openTest(store);
      expect(await looking.recover({ readOnly: true })).toMatchObject({ streams: { t: {} } });
      expect((await looking.describe("t"))?.schema.fields.map(({ name }) => name)).toEqual(["id"]);
    }
    expect(await pathsIn(store, "")).toEqual(before);
  });

  test("what is not committed is deleted when the session ends", async () => {
    const store = memoryStore();
    {
      await using session = await openTest(store);
      await session.recover();
      const load = await session.begin({
        loadId: "a",
        startedAt: new Date(),
        tables: [appendPlan("t", ids())],
      });
      await load.write("t", ids(1, 2, 3));
      await load.mark("t", { seal: true, end: false });
      await load.write("t", ids(4, 5, 6));
    }
    expect(await pathsIn(store, "")).toEqual([]);
  });

  test("rows that carried over, and only they, are deleted when the session ends after a commit", async () => {
    const store = memoryStore();
    {
      await using session = await openTest(store);
      await session.recover();
      const plan = appendPlan("t", ids());
      const load = await session.begin({ loadId: "a", startedAt: new Date(), tables: [plan] });
      await load.write("t", ids(1, 2, 3));
      await load.mark("t", { seal: true, end: false });
      await load.write("t", ids(4, 5, 6));
      await load.commit(stateWith([plan], "a"));
      await load[Symbol.asyncDispose]();
    }
    expect(await idsIn(store, "t")).toEqual([1, 2, 3]);
    expect((await pathsIn(store, "t/")).filter((path) => path.endsWith(".rows"))).toHaveLength(1);
  });

  test("a replace of several loads takes effect once, with the last of its generation", async () => {
    const store = memoryStore();
    await using session = await openTest(store);
    await session.recover();
    const plans = [replacePlan("t", ids()), appendPlan("u", ids())];
    const first = await session.begin({ loadId: "a", startedAt: new Date(), tables: plans });
    await first.write("t", ids(1, 2, 3));
    await first.mark("t", { seal: true, end: false });
    await first.mark("u", { seal: true, end: false });
    await first.commit(stateWith(plans, "a"));
    expect(await idsIn(store, "t")).toEqual([]);
    const second = await session.begin({ loadId: "b", startedAt: new Date(), tables: plans });
    await second.rollback("t", { generation: true });
    expect((await pathsIn(store, "t/")).filter((path) => path.endsWith(".rows"))).toEqual([]);
    await second.write("t", ids(7));
    await second.mark("t", { seal: true, end: true });
    await second.commit(stateWith(plans, "b"));
    expect(await idsIn(store, "t")).toEqual([7]);
  });

  test("a backfill replaces its window once, at the end of its stream", async () => {
    const store = memoryStore();
    await using session = await openTest(store);
    await session.recover();
    const plan = appendPlan("t", ids());
    await loadRows(session, plan, [ids(1, 2, 3, 4)], 4);
    const where = [
      { column: "id", op: ">=", value: 2 },
      { column: "id", op: "<", value: 4 },
    ] as const;
    const backfill = { ...plan, disposition: { kind: "append", replaceWhere: where } } as const;
    const first = await session.begin({ loadId: "b", startedAt: new Date(), tables: [backfill] });
    await first.write("t", ids(2));
    await first.mark("t", { seal: true, end: false });
    await first.commit(stateWith([plan], "b"));
    expect(await idsIn(store, "t")).toEqual([1, 2, 3, 4]);
    const second = await session.begin({ loadId: "c", startedAt: new Date(), tables: [backfill] });
    await second.write("t", ids(2, 2));
    await second.mark("t", { seal: true, end: true });
    await second.commit(stateWith([plan], "c"));
    expect(await idsIn(store, "t")).toEqual([1, 2, 2, 2, 4]);
  });

  test("a table may stay empty without consent, but not become so", async () => {
    const store = memoryStore();
    await using session = await openTest(store);
    await session.recover();
    const plan = replacePlan("t", ids());
    const rows = (count: number) => {
      const state = stateWith([plan], "x");
      return { ...state, tables: { t: { ...state.tables["t"]!, rows: count } } };
    };
    const replace = async (...values: number[]) => {
      await using load = await session.begin({
        loadId: crypto.randomUUID(),
        startedAt: new Date(),
        tables: [plan],
      });
      await load.write("t", ids(...values));
      await load.mark("t", { seal: true, end: true });
      return load.commit(rows(values.length));
    };
    await replace();
    await replace();
    await replace(1);
    await expect(replace()).rejects.toMatchObject({ code: "ALV_EMPTY_REPLACE" });
    expect(await idsIn(store, "t")).toEqual([1]);
  });

  test("a load that is disposed while it commits is committed", async () => {
    const store = memoryStore();
    await using session = await openTest(store);
    await session.recover();
    const plan = appendPlan("t", ids());
    const load = await session.begin({ loadId: "a", startedAt: new Date(), tables: [plan] });
    await load.write("t", ids(1));
    await load.mark("t", { seal: true, end: true });
    const commit = load.commit(stateWith([plan], "a"));
    await load[Symbol.asyncDispose]();
    await commit;
    expect(await idsIn(store, "t")).toEqual([1]);
  });

  test("history tells the loads, newest first", async () => {
    const store = memoryStore();
    await using session = await openTest(store);
    await session.recover();
    const first = await loadRows(session, appendPlan("t", ids()), [ids(1)]);
    const second = await loadRows(session, appendPlan("t", ids()), [ids(2, 3)]);
    const records = await Array.fromAsync(session.history!());
    expect(records.map(({ loadId, sequence }) => ({ loadId, sequence }))).toEqual([
      { loadId: second.loadId, sequence: 1 },
      { loadId: first.loadId, sequence: 0 },
    ]);
    expect(records[0]!.tables).toMatchObject([
      { table: "t", rows: 2, files: 1, version: 1, operation: "append" },
    ]);
    expect(await Array.fromAsync(session.history!({ limit: 1 }))).toHaveLength(1);
  });

  test("names that meet in one directory, and our own, are refused", async () => {
    await using session = await openTest(memoryStore());
    await session.recover();
    const begin = (...tables: readonly string[]) =>
      session.begin({
        loadId: "a",
        startedAt: new Date(),
        tables: tables.map((table) => appendPlan(table, ids())),
      });
    for (const tables of [["Orders", "orders"], ["_alv_loads"], ["_alluvium"]])
      await expect(begin(...tables)).rejects.toMatchObject({ code: "ALV_NAME_COLLISION" });
  });
});
