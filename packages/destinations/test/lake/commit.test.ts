import { AlluviumError, type ObjectStore } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { batchOf, faultStore, type Fault, type FaultStep } from "@alluvium/core/testing";
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
} from "./lakes.ts";

const MANIFEST = /^_alluvium\/shop\/main\/\d{20}\.json$/;
const isManifestPut = ({ call, path }: FaultStep): boolean => call === "putIfAbsent" && MANIFEST.test(path);
const begin = { loadId: "a", startedAt: new Date() };
const DAY = 86_400_000;

/** A store that does something else at the first put of a manifest. */
function atManifest(
  inner: ObjectStore,
  at: (when: "before" | "after") => Fault | undefined | Promise<Fault | undefined>,
) {
  const done = new Set<string>();
  return faultStore(inner, {
    at: async (step) => {
      if (!isManifestPut(step) || done.has(step.when)) return undefined;
      done.add(step.when);
      return at(step.when);
    },
  });
}

describe("the order of a commit", () => {
  test("files and what the manifest refers to are durable before it, tables after it, the table of loads last", async () => {
    const store = faultStore(memoryStore());
    await using session = await openTest(store);
    await session.recover();
    await loadRows(session, appendPlan("t", ids()), [ids(1, 2, 3), ids(4)]);
    const at = (test: (step: FaultStep) => boolean): number => store.steps.findIndex(test);
    const manifest = at((step) => isManifestPut(step) && step.when === "after");
    const synced = at(({ call, path }) => call === "sync" && path.startsWith("t/"));
    const lastFile = store.steps.findLastIndex(
      ({ call, path }) => call === "complete" && path.startsWith("t/"),
    );
    const schema = store.steps.findLastIndex(
      ({ path, call }) => call === "putIfAbsent" && path.includes("_schemas"),
    );
    const table = at(
      ({ call, path, when }) => call === "putIfAbsent" && path.startsWith("t/_log") && when === "after",
    );
    const loads = at(({ call, path }) => call === "putIfAbsent" && path.startsWith("_alv_loads/_log"));
    const marker = at(({ path, call }) => call === "putIfAbsent" && path.endsWith(".applied"));
    const order = [lastFile, synced, schema, manifest, table, loads, marker];
    expect(order.includes(-1)).toBe(false);
    expect(order.toSorted((a, b) => a - b)).toEqual([
      lastFile,
      synced,
      schema,
      manifest,
      table,
      loads,
      marker,
    ]);
  });

  test("every file of the load is synced", async () => {
    const synced: string[] = [];
    const inner = memoryStore();
    const store = {
      ...inner,
      sync: (paths: readonly string[]) => (synced.push(...paths), inner.sync(paths)),
    };
    await using session = await openTest(store);
    await session.recover();
    await loadRows(session, appendPlan("t", ids()), [ids(1, 2, 3), ids(4, 5, 6), ids(7)]);
    const files = (await pathsIn(store, "t/")).filter((path) => path.endsWith(".rows"));
    expect(files).toHaveLength(3);
    expect(synced).toEqual(expect.arrayContaining(files));
  });

  test("a schema is stored once, and a long list of files beside the manifest", async () => {
    const store = memoryStore();
    await using session = await openTest(store);
    await session.recover();
    const many = Array.from({ length: 900 }, (_, i) => ids(i, i, i));
    await loadRows(session, appendPlan("t", ids()), many);
    await loadRows(session, appendPlan("t", ids()), [ids(1)]);
    expect(await pathsIn(store, "_alluvium/shop/main/_schemas/")).toHaveLength(1);
    expect(await pathsIn(store, "_alluvium/shop/main/_lists/")).toHaveLength(1);
    const manifest = await store.get("_alluvium/shop/main/00000000000000000000.json");
    expect(manifest.length).toBeLessThan(4_096);
    expect(await idsIn(store, "t")).toHaveLength(2_701);
  });

  test("a list that stands beside the manifest is found by recovery", async () => {
    const disk = memoryStore();
    const store = atManifest(disk, (when) => (when === "after" ? "stop" : undefined));
    const session = await openTest(store);
    await session.recover();
    const many = Array.from({ length: 900 }, (_, i) => ids(i, i, i));
    await expect(loadRows(session, appendPlan("t", ids()), many)).rejects.toThrow("gave no answer");
    expect(await idsIn(disk, "t")).toEqual([]);
    await (await openTest(disk)).recover();
    expect(await idsIn(disk, "t")).toHaveLength(2_700);
  });
});

describe("answers without an answer", () => {
  test.each(["before", "after"] as const)(
    "a put of the manifest that breaks %s its effect is settled by reading back",
    async (when) => {
      const disk = memoryStore();
      const store = atManifest(disk, (at) => (at === when ? "transient" : undefined));
      await using session = await openTest(store);
      await session.recover();
      const receipt = await loadRows(session, appendPlan("t", ids()), [ids(1)]);
      expect(receipt.sequence).toBe(0);
      expect(await idsIn(disk, "t")).toEqual([1]);
    },
  );

  test("a store that gives no answer leaves the files, and the next run finds out", async () => {
    const disk = memoryStore();
    let late: (() => Promise<boolean>) | undefined;
    const store: ObjectStore = {
      ...disk,
      putIfAbsent: (path, bytes) => {
        if (!MANIFEST.test(path)) return disk.putIfAbsent(path, bytes);
        // The put is on its way and arrives after the run has given up.
        late = () => disk.putIfAbsent(path, bytes);
        return Promise.reject(new AlluviumError("ALV_TIMEOUT", "no answer"));
      },
    };
    {
      await using session = await openTest(store);
      await session.recover();
      await expect(loadRows(session, appendPlan("t", ids()), [ids(1)], 1)).rejects.toMatchObject({
        code: "ALV_STORE_FAILED",
        load: expect.any(String),
      });
      await expect(loadRows(session, appendPlan("t", ids()), [ids(2)])).rejects.toMatchObject({
        code: "ALV_STORE_FAILED",
      });
    }
    await late!();
    await using session = await openTest(disk);
    expect((await session.recover())?.streams["t"]?.cursor).toBe(1);
    expect(await idsIn(disk, "t")).toEqual([1]);
  });

  test("a full disk is a definite answer: nothing is committed and the files are gone", async () => {
    const disk = memoryStore();
    {
      await using session = await openTest(
        atManifest(disk, (when) => (when === "before" ? "full" : undefined)),
      );
      await session.recover();
      await expect(loadRows(session, appendPlan("t", ids()), [ids(1)])).rejects.toMatchObject({
        code: "ALV_STORE_FULL",
      });
    }
    expect((await pathsIn(disk, "t/")).length).toBe(0);
    await using session = await openTest(disk);
    expect(await session.recover()).toBeUndefined();
  });
});

describe("one winner", () => {
  test("the loser of the put stops with ALV_CONCURRENT_RUN and removes its files", async () => {
    const disk = memoryStore();
    const rival = async (): Promise<undefined> => {
      await using other = await openTest(disk);
      await other.recover();
      await loadRows(other, appendPlan("t", ids()), [ids(2)]);
    };
    {
      await using session = await openTest(
        atManifest(disk, (when) => (when === "before" ? rival() : undefined)),
      );
      await session.recover();
      await expect(loadRows(session, appendPlan("t", ids()), [ids(1)])).rejects.toMatchObject({
        code: "ALV_CONCURRENT_RUN",
      });
      // It stays lost, also for what else the session is asked.
      await expect(loadRows(session, appendPlan("t", ids()), [ids(3)])).rejects.toMatchObject({
        code: "ALV_CONCURRENT_RUN",
      });
    }
    expect(await idsIn(disk, "t")).toEqual([2]);
    expect((await pathsIn(disk, "t/")).filter((path) => path.endsWith(".rows"))).toHaveLength(1);
  });

  test("two runs with one load id are still two", async () => {
    const disk = memoryStore();
    const plan = appendPlan("t", ids());
    const commit = async (store: ObjectStore, id: number): Promise<void> => {
      await using session = await openTest(store);
      await session.recover();
      await using load = await session.begin({ ...begin, tables: [plan] });
      await load.write("t", ids(id));
      await load.mark("t", { seal: true, end: true });
      await load.commit(stateWith([plan], "a"));
    };
    const store = atManifest(disk, async (when) => {
      if (when === "before") await commit(disk, 2);
      return undefined;
    });
    await expect(commit(store, 1)).rejects.toMatchObject({ code: "ALV_CONCURRENT_RUN" });
    expect(await idsIn(disk, "t")).toEqual([2]);
  });

  test("a zombie that wins a number which was used and deleted applies nothing", async () => {
    const disk = memoryStore();
    const timing = { manifestAge: 0, manifestCount: 0 };
    const further = async (): Promise<undefined> => {
      await using other = await openTest(disk, jsonLake, { timing });
      await other.recover();
      for (const id of [2, 3, 4, 5]) await loadRows(other, appendPlan("t", ids()), [ids(id)]);
    };
    await using session = await openTest(
      atManifest(disk, (when) => (when === "before" ? further() : undefined)),
    );
    await session.recover();
    await expect(loadRows(session, appendPlan("t", ids()), [ids(1)])).rejects.toMatchObject({
      code: "ALV_CONCURRENT_RUN",
    });
    expect(await pathsIn(disk, "_alluvium/shop/main/00000000000000000000")).toHaveLength(1);
    expect(await idsIn(disk, "t")).toEqual([2, 3, 4, 5]);
    // What it left behind harms nobody.
    await using next = await openTest(disk);
    expect((await next.recover())?.sequence).toBe(3);
    expect(await idsIn(disk, "t")).toEqual([2, 3, 4, 5]);
  });

  test("a load that another run finished and followed on is committed", async () => {
    const disk = memoryStore();
    const further = async (): Promise<undefined> => {
      await using other = await openTest(disk);
      await other.recover();
      await loadRows(other, appendPlan("t", ids()), [ids(2)]);
    };
    await using session = await openTest(
      atManifest(disk, (when) => (when === "after" ? further() : undefined)),
    );
    await session.recover();
    const receipt = await loadRows(session, appendPlan("t", ids()), [ids(1)]);
    expect(receipt).toMatchObject({ sequence: 0, tables: [{ table: "t", version: 0 }] });
    expect(await idsIn(disk, "t")).toEqual([1, 2]);
    await expect(loadRows(session, appendPlan("t", ids()), [ids(3)])).rejects.toMatchObject({
      code: "ALV_CONCURRENT_RUN",
    });
  });

  test("a state that is deleted while a run is going is noticed before the commit point", async () => {
    const disk = memoryStore();
    await using session = await openTest(disk);
    await session.recover();
    await loadRows(session, appendPlan("t", ids()), [ids(1)]);
    const plan = appendPlan("t", ids());
    const load = await session.begin({ ...begin, tables: [plan] });
    await load.write("t", ids(2));
    await load.mark("t", { seal: true, end: true });
    await deleteState(disk);
    await expect(load.commit(stateWith([plan], "a"))).rejects.toMatchObject({ code: "ALV_STATE_LOST" });
    expect(await pathsIn(disk, "_alluvium/shop/main/00")).toEqual([]);
    expect(await idsIn(disk, "t")).toEqual([1]);
  });

  test("a run notices before the commit point that another one went on", async () => {
    const disk = memoryStore();
    await using session = await openTest(disk);
    await session.recover();
    const plan = appendPlan("t", ids());
    const load = await session.begin({ ...begin, tables: [plan] });
    await load.write("t", ids(1));
    await load.mark("t", { seal: true, end: true });
    {
      await using other = await openTest(disk, jsonLake, { timing: { manifestAge: 0, manifestCount: 0 } });
      await other.recover();
      for (const id of [2, 3, 4]) await loadRows(other, plan, [ids(id)]);
    }
    await expect(load.commit(stateWith([plan], "a"))).rejects.toMatchObject({ code: "ALV_CONCURRENT_RUN" });
    // Its number is free by now, but it did not even try.
    expect(
      (await pathsIn(disk, "_alluvium/shop/main/00")).filter((path) => path.endsWith("json")),
    ).toHaveLength(2);
  });

  test("a run notices at a checkpoint that another one took the pipeline", async () => {
    const disk = memoryStore();
    await using session = await openTest(disk);
    await session.recover();
    const load = await session.begin({ ...begin, tables: [appendPlan("t", ids())] });
    await load.write("t", ids(1));
    await load.mark("t", { seal: false, end: false });
    await using other = await openTest(disk);
    await other.recover();
    await expect(load.mark("t", { seal: false, end: false })).rejects.toMatchObject({
      code: "ALV_CONCURRENT_RUN",
    });
  });

  test("a run notices at a checkpoint that another one committed and ended", async () => {
    const disk = memoryStore();
    await using session = await openTest(disk);
    await session.recover();
    const load = await session.begin({ ...begin, tables: [appendPlan("t", ids())] });
    {
      await using other = await openTest(disk);
      await other.recover();
      await loadRows(other, appendPlan("t", ids()), [ids(2)]);
    }
    await expect(load.mark("t", { seal: true, end: false })).rejects.toMatchObject({
      code: "ALV_CONCURRENT_RUN",
    });
  });
});

describe("limits", () => {
  test("a load whose files are older than half the vacuum age does not commit", async () => {
    const { store, later } = clockStore();
    await using session = await openTest(store);
    await session.recover();
    const plan = appendPlan("t", ids());
    const load = await session.begin({ ...begin, tables: [plan] });
    await load.write("t", ids(1));
    later(3.4 * DAY);
    await load.mark("t", { seal: true, end: true });
    later(0.2 * DAY);
    await expect(load.commit(stateWith([plan], "a"))).rejects.toMatchObject({ code: "ALV_LOAD_EXPIRED" });
    expect(await idsIn(store, "t")).toEqual([]);
  });

  test("files that were staged for a replace count from when they were begun", async () => {
    const { store, later } = clockStore();
    await using session = await openTest(store);
    await session.recover();
    const plan = [replacePlan("t", ids()), appendPlan("u", ids())];
    const first = await session.begin({ ...begin, tables: plan });
    await first.write("t", ids(1));
    await first.mark("t", { seal: true, end: false });
    await first.mark("u", { seal: true, end: false });
    await first.commit(stateWith(plan, "a"));
    later(4 * DAY);
    const second = await session.begin({ ...begin, tables: plan });
    await second.write("t", ids(2));
    await second.mark("t", { seal: true, end: true });
    await expect(second.commit(stateWith(plan, "b"))).rejects.toMatchObject({ code: "ALV_LOAD_EXPIRED" });
  });

  test("a committed load that could not be applied comes before the next", async () => {
    const disk = memoryStore();
    let broken = true;
    const at = ({ path, call }: FaultStep): Fault | undefined =>
      broken && call === "putIfAbsent" && path.startsWith("t/_log") ? "transient" : undefined;
    await using session = await openTest(faultStore(disk, { at }));
    await session.recover();
    await expect(loadRows(session, appendPlan("t", ids()), [ids(1)])).rejects.toMatchObject({
      code: "ALV_STORE_FAILED",
    });
    expect(await pathsIn(disk, "_alluvium/shop/main/00")).toHaveLength(1);
    await expect(loadRows(session, appendPlan("t", ids()), [ids(2)])).rejects.toMatchObject({
      code: "ALV_STORE_FAILED",
    });
    expect(await pathsIn(disk, "_alluvium/shop/main/00")).toHaveLength(1);
    broken = false;
    await loadRows(session, appendPlan("t", ids()), [ids(3)]);
    expect(await idsIn(disk, "t")).toEqual([1, 3]);
  });

  test("a column that widens before the first commit rewrites what was written, sealed or not", async () => {
    const whole = (id: number) =>
      batchOf({ id: [{ kind: "int64" }, [BigInt(id)]], n: [{ kind: "int64" }, [1n]] });
    const part = (id: number) =>
      batchOf({ id: [{ kind: "int64" }, [BigInt(id)]], n: [{ kind: "float64" }, [1.5]] });
    const disk = memoryStore();
    await using session = await openTest(disk);
    await session.recover();
    const plan = appendPlan("t", whole(0));
    const load = await session.begin({ ...begin, tables: [plan] });
    await load.write("t", whole(1));
    await load.mark("t", { seal: true, end: false });
    await load.write("t", whole(2));
    await load.write("t", part(3));
    await load.mark("t", { seal: true, end: true });
    await load.commit(stateWith([plan], "a"));
    expect((await jsonLake.read(disk, "t")).map(({ n }) => n)).toEqual([1, 1, 1.5]);
    expect((await pathsIn(disk, "t/")).filter((path) => path.endsWith(".rows"))).toHaveLength(3);
    await expect(
      loadRows(session, plan, [batchOf({ id: [{ kind: "int64" }, [4n]], n: [{ kind: "string" }, ["x"]] })]),
    ).rejects.toMatchObject({ code: "ALV_SCHEMA_CONFLICT" });
  });
});
