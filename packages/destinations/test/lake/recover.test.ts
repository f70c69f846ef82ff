import { memoryStore } from "@alluvium/core/storage/memory";
import type { Batch } from "@alluvium/core/columns";
import { batchOf, faultStore } from "@alluvium/core/testing";
import { AlluviumError, type ObjectStore, type RunEvent } from "@alluvium/core";
import { describe, expect, test } from "vitest";
import { deleteState } from "./crash-suite.ts";
import {
  appendPlan,
  clockStore,
  ids,
  idsIn,
  jsonLake,
  loadRows,
  openTest,
  pathsIn,
  replacePlan,
  stateWith,
  withoutRename,
} from "./lakes.ts";
import { folderLake } from "./real-lakes.ts";

const FOLDER = "_alluvium/shop/main/";
const manifest = (sequence: number): string => `${FOLDER}${String(sequence).padStart(20, "0")}.json`;
const DAY = 86_400_000;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Commits loads with ids 1, 2 … into table `t`. */
async function commitLoads(store: ObjectStore, count: number): Promise<void> {
  await using session = await openTest(store);
  await session.recover();
  for (let id = 1; id <= count; id++) await loadRows(session, appendPlan("t", ids()), [ids(id)], id);
}

/** Commits a load with id `id` up to its manifest, and stops there. */
async function commitOnly(store: ObjectStore, id: number, ...tables: readonly string[]): Promise<void> {
  const stopping = faultStore(store, {
    at: ({ call, path, when }) =>
      call === "putIfAbsent" &&
      when === "after" &&
      /\/\d{20}\.json$/.test(path) &&
      path.startsWith("_alluvium")
        ? "stop"
        : undefined,
  });
  const session = await openTest(stopping);
  await session.recover();
  const load = await session.begin({
    loadId: `load ${id}`,
    startedAt: new Date(),
    tables: tables.map((table) => appendPlan(table, ids(), "s")),
  });
  for (const table of tables) await load.write(table, ids(id));
  await load.mark("s", { seal: true, end: true });
  await load
    .commit(
      stateWith(
        tables.map((table) => appendPlan(table, ids(), "s")),
        `load ${id}`,
        { s: id },
      ),
    )
    .catch(() => {});
}

describe("recovery", () => {
  test("rolls the newest manifest forward, says so, and does nothing twice", async () => {
    const store = memoryStore();
    await commitOnly(store, 1, "t", "u");
    expect(await idsIn(store, "t")).toEqual([]);
    const events: RunEvent[] = [];
    await using session = await openTest(store, jsonLake, { events });
    expect((await session.recover())?.streams["s"]?.cursor).toBe(1);
    expect(await idsIn(store, "t")).toEqual([1]);
    expect(await idsIn(store, "u")).toEqual([1]);
    expect(events).toMatchObject([{ type: "recovered", loadId: "load 1", tables: ["t", "u"] }]);
    await session.recover();
    expect(events).toHaveLength(1);
    expect(await idsIn(store, "t")).toEqual([1]);
  });

  test("an applied marker ends it, even where the tables forgot the load", async () => {
    const store = memoryStore();
    await commitLoads(store, 1);
    // Transactions may be expired by retention: the table no longer says that it has the load.
    await store.delete(await pathsIn(store, "t/_log/"));
    await using session = await openTest(store);
    await session.recover();
    expect(await pathsIn(store, "t/_log/")).toEqual([]);
  });

  test.each([
    ["missing", undefined],
    ["damaged", "{"],
    ["behind", '{"sequence":1}'],
    ["ahead", '{"sequence":99}'],
  ])("the newest manifest is found with a hint that is %s", async (_, hint) => {
    const store = memoryStore();
    await commitLoads(store, 4);
    if (hint === undefined) await store.delete([`${FOLDER}_newest.json`]);
    else await store.put(`${FOLDER}_newest.json`, text(hint));
    await using session = await openTest(store);
    expect((await session.recover())?.sequence).toBe(3);
  });

  test("the hint makes the listing short", async () => {
    const store = faultStore(memoryStore());
    const starts: (string | undefined)[] = [];
    const watching: ObjectStore = {
      ...store,
      list: (prefix, options) => (starts.push(options?.startAfter), store.list(prefix, options)),
    };
    await commitLoads(watching, 5);
    starts.length = 0;
    await using session = await openTest(watching);
    await session.recover();
    expect(starts).toEqual([`${FOLDER}${"4".padStart(20, "0")}`]);
  });

  test.each([
    ["is cut short", (bytes: Uint8Array) => bytes.slice(0, 50)],
    ["is empty", () => new Uint8Array(0)],
    [
      "is of a newer version",
      (bytes: Uint8Array) => text(new TextDecoder().decode(bytes).replace('"version":1', '"version":9')),
    ],
  ])("a newest manifest that %s is an error that names it, and harms nothing", async (_, damage) => {
    const store = memoryStore();
    await commitLoads(store, 2);
    const before = await pathsIn(store, "");
    await store.put(manifest(1), damage(await store.get(manifest(1))));
    {
      await using session = await openTest(store);
      await expect(session.recover()).rejects.toThrow(manifest(1));
      await expect(session.recover()).rejects.toMatchObject({ code: "ALV_STATE_INVALID" });
    }
    expect(await pathsIn(store, "")).toEqual(before);
    expect(await idsIn(store, "t")).toEqual([1, 2]);
  });

  test("a schema that is missing or changed is an error that names it", async () => {
    const store = memoryStore();
    await commitLoads(store, 1);
    const [path] = await pathsIn(store, `${FOLDER}_schemas/`);
    await using session = await openTest(store);
    await store.put(path!, text('[{"name":"id","nullable":true,"type":"string"}]'));
    await expect(session.recover()).rejects.toMatchObject({
      code: "ALV_STATE_INVALID",
      message: expect.stringContaining(path!),
    });
    await store.delete([path!]);
    await expect(session.recover()).rejects.toMatchObject({
      code: "ALV_STATE_INVALID",
      message: expect.stringContaining("missing"),
    });
  });

  test("a manifest that follows on nothing is not taken for the newest", async () => {
    const store = memoryStore();
    await commitLoads(store, 4);
    await store.delete([manifest(2)]);
    await using session = await openTest(store);
    await expect(session.recover()).rejects.toMatchObject({
      code: "ALV_STATE_INVALID",
      message: expect.stringContaining(manifest(3)),
    });
  });

  test("a manifest that was copied from another pipeline is refused", async () => {
    const store = memoryStore();
    await commitLoads(store, 1);
    await store.put("_alluvium/other/main/00000000000000000000.json", await store.get(manifest(0)));
    await using session = await openTest(store, jsonLake, { pipeline: { pipeline: "other", lane: "main" } });
    await expect(session.recover()).rejects.toMatchObject({ code: "ALV_STATE_INVALID" });
  });
});

describe("state lost", () => {
  test("no manifest although the table of loads knows the pipeline", async () => {
    const store = memoryStore();
    await commitLoads(store, 1);
    await deleteState(store);
    await using session = await openTest(store);
    await expect(session.recover()).rejects.toMatchObject({
      code: "ALV_STATE_LOST",
      message: expect.stringMatching(/Restore.*adopt/),
    });
  });

  test("no manifest although a table knows the pipeline", async () => {
    const store = memoryStore();
    await commitLoads(store, 1);
    await deleteState(store);
    await store.delete(await pathsIn(store, "_alv_loads/"));
    await using session = await openTest(store);
    expect(await session.recover()).toBeUndefined();
    await expect(loadRows(session, appendPlan("t", ids()), [ids(1)])).rejects.toMatchObject({
      code: "ALV_STATE_LOST",
    });
    expect(await idsIn(store, "t")).toEqual([1]);
  });

  test("a table that has a load above the newest manifest (an older backup of the state)", async () => {
    const store = memoryStore();
    await commitLoads(store, 3);
    await store.delete([manifest(2), manifest(2).replace(".json", ".applied")]);
    await using session = await openTest(store);
    expect((await session.recover())?.sequence).toBe(1);
    await expect(loadRows(session, appendPlan("t", ids()), [ids(3)])).rejects.toMatchObject({
      code: "ALV_STATE_LOST",
    });
    expect(await idsIn(store, "t")).toEqual([1, 2, 3]);
  });

  test("`adopt` is the way on", async () => {
    const store = memoryStore();
    await commitLoads(store, 1);
    await deleteState(store);
    await using session = await openTest(store, jsonLake, { adopt: ["t"] });
    expect(await session.recover()).toBeUndefined();
    const loadId = "again";
    await using load = await session.begin({
      loadId,
      startedAt: new Date(),
      tables: [appendPlan("t", ids())],
    });
    await load.write("t", ids(2));
    await load.mark("t", { seal: true, end: true });
    await load.commit({ ...stateWith([appendPlan("t", ids())], loadId), incarnation: "another" });
    expect(await idsIn(store, "t")).toEqual([1, 2]);
    await using next = await openTest(store);
    expect((await next.recover())?.incarnation).toBe("another");
    await loadRows(next, appendPlan("t", ids()), [ids(3)]);
    expect(await idsIn(store, "t")).toEqual([1, 2, 3]);
  });

  test("another lane is not a lost one", async () => {
    const store = memoryStore();
    await commitLoads(store, 1);
    await using session = await openTest(store, jsonLake, {
      pipeline: { pipeline: "shop", lane: "backfill" },
    });
    expect(await session.recover()).toBeUndefined();
    await loadRows(session, appendPlan("t", ids()), [ids(2)]);
    expect(await idsIn(store, "t")).toEqual([1, 2]);
    expect((await jsonLake.read(store, "_alv_loads")).map(({ lane }) => lane)).toEqual(["main", "backfill"]);
  });
});

describe("unapplied files", () => {
  test("are copied to new names when they are older than half the vacuum age", async () => {
    const { store, later } = clockStore();
    await commitOnly(store, 1, "t");
    const [old] = await pathsIn(store, "t/");
    later(3.6 * DAY);
    await (await openTest(store)).recover();
    expect(await idsIn(store, "t")).toEqual([1]);
    // Another engine's vacuum takes the old one.
    await store.delete([old!]);
    expect(await idsIn(store, "t")).toEqual([1]);
  });

  test.each([true, false])(
    "of folders keep their names: who slept for days brings nothing back that was replaced since (renames: %s)",
    async (renames) => {
      const { store: memory, later } = clockStore();
      const store = renames ? memory : withoutRename(memory);
      const replace = async (disk: ObjectStore, id: number): Promise<void> => {
        await using session = await openTest(disk, folderLake);
        await session.recover();
        await loadRows(session, replacePlan("t", ids()), [ids(id)]);
      };
      let slept = false;
      const sleeping = faultStore(store, {
        async at({ call, when, path }) {
          if (slept || (call !== "rename" && call !== "copy") || when !== "before" || !path.startsWith("t/"))
            return undefined;
          slept = true;
          later(3.6 * DAY);
          await replace(store, 2);
          return undefined;
        },
      });
      const error: unknown = await replace(sleeping, 1).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect([undefined, "ALV_CONCURRENT_RUN"]).toContain(AlluviumError.is(error) ? error.code : error);
      expect(slept).toBe(true);
      expect(await idsIn(store, "t", folderLake)).toEqual([2]);
    },
  );

  test("are not asked for where the table has the load: others may have compacted and vacuumed it since", async () => {
    const store = memoryStore();
    await commitOnly(store, 1, "t");
    await (await openTest(store)).recover();
    await store.delete([
      manifest(0).replace(".json", ".applied"),
      ...(await pathsIn(store, "t/")).filter((path) => path.endsWith(".rows")),
    ]);
    await using session = await openTest(store);
    expect((await session.recover())?.tables["t"]?.parked).toBeUndefined();
  });

  test("stay where they are when they are young", async () => {
    const { store, later } = clockStore();
    await commitOnly(store, 1, "t");
    later(3.4 * DAY);
    await (await openTest(store)).recover();
    expect((await pathsIn(store, "t/")).filter((path) => path.endsWith(".rows"))).toHaveLength(1);
  });

  test.each([
    ["vanished", (store: ObjectStore, path: string) => store.delete([path]), "ALV_NOT_FOUND"],
    [
      "were cut short",
      (store: ObjectStore, path: string) => store.put(path, new Uint8Array(1)),
      "ALV_FILE_INVALID",
    ],
  ])("that %s park their table; the others go on", async (_, harm, code) => {
    const store = memoryStore();
    await commitOnly(store, 1, "t", "u");
    const [path] = await pathsIn(store, "t/");
    await harm(store, path!);
    const events: RunEvent[] = [];
    await using session = await openTest(store, jsonLake, { events });
    const state = await session.recover();
    expect(state?.tables["t"]?.parked?.reason).toContain(code);
    expect(state?.tables["u"]?.parked).toBeUndefined();
    expect(await idsIn(store, "u")).toEqual([1]);
    expect(events.map(({ type }) => type)).toEqual(["tableParked", "recovered"]);
    expect(await session.parked!()).toMatchObject([
      { table: "t", stream: "s", loadId: "load 1", retryable: true },
    ]);
  });
});

/** Another schema for table `t`, so that nothing needs the one before it any more. */
const renamed = (id: number): Batch =>
  batchOf({ id: [{ kind: "int64" }, [BigInt(id)]], name: [{ kind: "string" }, ["x"]] });

/** Does `work` once for each of its steps, at which two other runs go on, days apart, so that their garbage takes what the sleeper's load needed. */
async function asleepAtEachStep(
  prepare: (store: ObjectStore) => Promise<void>,
  work: (store: ObjectStore) => Promise<unknown>,
): Promise<readonly string[]> {
  const codes: string[] = [];
  for (let step = 0; ; step++) {
    const { store, later } = clockStore();
    await prepare(store);
    let slept = false;
    const sleeping = faultStore(store, {
      async at({ index }) {
        if (index !== step) return undefined;
        slept = true;
        for (const id of [7, 8]) {
          later(8 * DAY);
          await using session = await openTest(store);
          await session.recover();
          await loadRows(session, appendPlan("t", renamed(id)), [renamed(id)], id);
        }
        return undefined;
      },
    });
    try {
      await work(sleeping);
    } catch (error) {
      codes.push(AlluviumError.is(error) ? error.code : String(error));
    }
    if (!slept) return codes;
    // The sleeper's own load is there once or not at all.
    expect(
      [
        [1, 7, 8],
        [1, 2, 7, 8],
      ],
      `asleep at step ${step}`,
    ).toContainEqual(await idsIn(store, "t"));
  }
}

describe("a run that slept for days while others went on says so, whatever it finds missing", () => {
  test("in recovering", async () => {
    const codes = await asleepAtEachStep(
      (store) => commitOnly(store, 1, "t"),
      async (store) => {
        await using session = await openTest(store);
        await session.recover();
      },
    );
    expect(codes.length).toBeGreaterThan(3);
    expect(new Set(codes)).toEqual(new Set(["ALV_CONCURRENT_RUN"]));
  });

  test("in a load", async () => {
    const codes = await asleepAtEachStep(
      (store) => commitLoads(store, 1),
      async (store) => {
        await using session = await openTest(store);
        await session.recover();
        await loadRows(session, appendPlan("t", ids()), [ids(2)], 2);
      },
    );
    expect(codes.length).toBeGreaterThan(10);
    expect([...new Set(codes)].sort()).toEqual(["ALV_CONCURRENT_RUN", "ALV_LOAD_EXPIRED"]);
  });
});
