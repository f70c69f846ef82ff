import type { DestinationSession, ObjectStore, RunEvent } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { describe, expect, test } from "vitest";
import { appendPlan, ids, idsIn, jsonLake, openTest, pathsIn, stateWith } from "./lakes.ts";

const plans = [appendPlan("t", ids(), "s"), appendPlan("u", ids(), "s"), appendPlan("v", ids())];

/** One load into all tables: `t` and `u` of one stream, `v` of another. */
async function load(session: DestinationSession, id: number, streams: readonly string[] = ["s", "v"]) {
  const loadId = `load ${id}`;
  const tables = plans.filter(({ stream }) => streams.includes(stream));
  await using open = await session.begin({ loadId, startedAt: new Date(), tables });
  for (const { table } of tables) await open.write(table, ids(id));
  for (const stream of streams) await open.mark(stream, { seal: true, end: true });
  return await open.commit(
    stateWith(plans, loadId, Object.fromEntries(["s", "v"].map((name) => [name, id]))),
  );
}

/** A lake whose table `t` was dropped between two loads of one session. */
async function parkedLake(
  events: RunEvent[] = [],
): Promise<{ store: ObjectStore; log: ReadonlyMap<string, Uint8Array> }> {
  const store = memoryStore();
  await using session = await openTest(store, jsonLake, { events });
  await session.recover();
  await load(session, 1);
  const log = new Map<string, Uint8Array>();
  for (const path of await pathsIn(store, "t/_log/")) log.set(path, await store.get(path));
  await store.delete([...log.keys()]);
  const receipt = await load(session, 2);
  expect(receipt.tables.map(({ table, parked }) => [table, parked?.split(":")[0]])).toEqual([
    ["t", "ALV_TABLE_NOT_FOUND"],
    ["u", undefined],
    ["v", undefined],
  ]);
  return { store, log };
}

async function recovered(store: ObjectStore) {
  const session = await openTest(store);
  const state = await session.recover();
  return { session, state };
}

describe("what cannot be applied", () => {
  test("is parked; other tables go on, also in later loads; its stream is not written and its cursor stands", async () => {
    const events: RunEvent[] = [];
    const { store } = await parkedLake(events);
    expect(events).toMatchObject([{ type: "tableParked", table: "t" }]);
    expect(await idsIn(store, "u")).toEqual([1, 2]);
    {
      await using session = (await recovered(store)).session;
      await expect(load(session, 3)).rejects.toMatchObject({
        code: "ALV_TABLE_PARKED",
        message: expect.stringMatching(/retry.*skip.*resync/),
      });
      await load(session, 3, ["v"]);
    }
    expect(await idsIn(store, "v")).toEqual([1, 2, 3]);
    // Carried over into the manifests that follow, with the cursor of its stream as it was.
    const { session, state } = await recovered(store);
    expect(state?.sequence).toBe(2);
    expect(state?.tables["t"]?.parked).toMatchObject({ loadId: "load 2" });
    expect(state?.streams["s"]?.cursor).toBe(2);
    expect(state?.streams["v"]?.cursor).toBe(3);
    expect(await session.parked!()).toMatchObject([
      { table: "t", stream: "s", loadId: "load 2", retryable: true },
    ]);
  });

  test("does not take along rows that the same session carried over", async () => {
    const store = memoryStore();
    await using session = await openTest(store);
    await session.recover();
    await load(session, 1);
    const first = await session.begin({ loadId: "x", startedAt: new Date(), tables: plans });
    await first.write("t", ids(2));
    await first.mark("s", { seal: true, end: false });
    await first.write("u", ids(3));
    await store.delete(await pathsIn(store, "t/_log/"));
    await first.commit(stateWith(plans, "x", { s: 2, v: 1 }));
    const rest = plans.filter(({ stream }) => stream === "v");
    const second = await session.begin({ loadId: "y", startedAt: new Date(), tables: rest });
    await expect(second.write("u", ids(4))).rejects.toMatchObject({ code: "ALV_TABLE_PARKED" });
    await expect(second.mark("s", { seal: true, end: true })).rejects.toMatchObject({
      code: "ALV_TABLE_PARKED",
    });
    await second.commit(stateWith(plans, "y", { s: 99, v: 1 }));
    expect(await idsIn(store, "u")).toEqual([1]);
    expect((await recovered(store)).state?.streams["s"]?.cursor).toBe(2);
  });

  test("`retry` applies it once the table is back", async () => {
    const { store, log } = await parkedLake();
    {
      await using session = (await recovered(store)).session;
      await expect(session.settle!("t", "retry")).rejects.toMatchObject({
        code: "ALV_TABLE_PARKED",
        message: expect.stringContaining("ALV_TABLE_NOT_FOUND"),
      });
      for (const [path, bytes] of log) await store.put(path, bytes);
      await session.settle!("t", "retry");
      expect(await session.parked!()).toEqual([]);
    }
    expect(await idsIn(store, "t")).toEqual([1, 2]);
    await using session = (await recovered(store)).session;
    await load(session, 3);
    expect(await idsIn(store, "t")).toEqual([1, 2, 3]);
    const loads = await jsonLake.read(store, "_alv_loads");
    expect(loads.map(({ sequence }) => Number(sequence))).toEqual([0, 1, 2, 3]);
    expect(loads[2]!["tables"]).toMatchObject([{ table: "t", operation: "retry" }]);
  });

  test("`retry` does nothing twice when it is cut off before its manifest", async () => {
    const { store, log } = await parkedLake();
    for (const [path, bytes] of log) await store.put(path, bytes);
    const refusing: ObjectStore = {
      ...store,
      putIfAbsent: (path, bytes) =>
        path.startsWith("_alluvium/shop/main/00")
          ? Promise.reject(new Error("cut off"))
          : store.putIfAbsent(path, bytes),
    };
    const session = await openTest(refusing);
    await session.recover();
    await expect(session.settle!("t", "retry")).rejects.toThrow("cut off");
    expect(await idsIn(store, "t")).toEqual([1, 2]);
    await using again = (await recovered(store)).session;
    await again.settle!("t", "retry");
    expect(await idsIn(store, "t")).toEqual([1, 2]);
  });

  test("`skip` gives up the rows of that load for that table", async () => {
    const { store, log } = await parkedLake();
    for (const [path, bytes] of log) await store.put(path, bytes);
    await using session = (await recovered(store)).session;
    await session.settle!("t", "skip");
    await load(session, 3);
    expect(await idsIn(store, "t")).toEqual([1, 3]);
    expect(await idsIn(store, "u")).toEqual([1, 2, 3]);
  });

  test("`skip` of a table that is gone lets the next load create it", async () => {
    const { store } = await parkedLake();
    await using session = (await recovered(store)).session;
    await session.settle!("t", "skip");
    await load(session, 3);
    expect(await idsIn(store, "t")).toEqual([3]);
  });

  test("`resync` forgets the stream's cursor and replaces what all its tables hold, once", async () => {
    const { store } = await parkedLake();
    {
      await using session = (await recovered(store)).session;
      await session.settle!("t", "resync");
    }
    const { session, state } = await recovered(store);
    expect(state?.streams["s"]).toBeUndefined();
    expect(state?.streams["v"]?.cursor).toBe(2);
    expect(state?.tables["t"]?.parked).toBeUndefined();
    await load(session, 7);
    expect(await idsIn(store, "t")).toEqual([7]);
    expect(await idsIn(store, "u")).toEqual([7]);
    expect(await idsIn(store, "v")).toEqual([1, 2, 7]);
    await load(session, 8);
    expect(await idsIn(store, "u")).toEqual([7, 8]);
  });

  test("`resync` also settles a table that was dropped and never parked", async () => {
    const store = memoryStore();
    await using session = await openTest(store);
    await session.recover();
    await load(session, 1);
    await store.delete(await pathsIn(store, "t/"));
    await using next = (await recovered(store)).session;
    await expect(load(next, 2)).rejects.toMatchObject({ code: "ALV_TABLE_NOT_FOUND" });
    await next.settle!("t", "resync");
    await load(next, 3);
    expect(await idsIn(store, "t")).toEqual([3]);
    expect(await idsIn(store, "u")).toEqual([3]);
  });

  test("what is not parked cannot be settled", async () => {
    const { store } = await parkedLake();
    await using session = (await recovered(store)).session;
    for (const [table, how] of [
      ["u", "retry"],
      ["nope", "skip"],
      ["nope", "resync"],
    ] as const)
      await expect(session.settle!(table, how)).rejects.toMatchObject({
        code: "ALV_CONFIG",
        message: expect.stringContaining("parked are t"),
      });
  });

  test("a retry whose manifest is gone says so", async () => {
    const { store } = await parkedLake();
    await using session = (await recovered(store)).session;
    await load(session, 3, ["v"]);
    await load(session, 4, ["v"]);
    await store.delete(["_alluvium/shop/main/00000000000000000001.json"]);
    expect(await session.parked!()).toMatchObject([{ table: "t", retryable: false }]);
    await expect(session.settle!("t", "retry")).rejects.toMatchObject({
      code: "ALV_TABLE_PARKED",
      message: expect.stringMatching(/skip or resync/),
    });
  });

  test("a table of loads that cannot be written is parked too, and retried with all loads since", async () => {
    const store = memoryStore();
    let broken = true;
    const lake = {
      ...jsonLake,
      parts: {
        ...jsonLake.parts,
        format: {
          ...jsonLake.parts.format,
          apply: (...[change, context]: Parameters<typeof jsonLake.parts.format.apply>) => {
            if (broken && change.table === "_alv_loads")
              return jsonLake.parts.format.apply(
                { ...change, create: false, table: "x", directory: "x" },
                context,
              );
            return jsonLake.parts.format.apply(change, context);
          },
        },
      },
    };
    await using session = await openTest(store, lake);
    await session.recover();
    await load(session, 1);
    await load(session, 2);
    expect(await session.parked!()).toMatchObject([{ table: "_alv_loads", loadId: "load 1" }]);
    expect(await idsIn(store, "t")).toEqual([1, 2]);
    broken = false;
    await session.settle!("_alv_loads", "retry");
    const loads = await jsonLake.read(store, "_alv_loads");
    expect(loads.map(({ sequence }) => Number(sequence))).toEqual([0, 1, 2]);
  });
});
