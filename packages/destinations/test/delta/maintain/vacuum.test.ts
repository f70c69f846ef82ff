import { describe, expect, test } from "vitest";
import type { ObjectStore } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { faultStore } from "@alluvium/core/testing";
import { lakeContext } from "../../../src/delta/maintain/lake.ts";
import { putManifest, putMarker } from "../../../src/lake/journal.ts";
import { markerPath } from "../../../src/lake/paths.ts";
import { storeSchema } from "../../../src/lake/schemas.ts";
import { filesOf, tableId } from "../tables.ts";
import {
  append,
  commitOf,
  copyOf,
  filesIn,
  idsOf,
  makeTable,
  range,
  rowsFrom,
  schema,
  stopped,
  tableIn,
} from "./care.ts";

const DAY = 86_400_000;
const byId = (ids: readonly number[]) => [{ column: "id", op: "in" as const, value: ids }];

/** A store whose clock can be moved on. */
function timedStore(): { readonly store: ObjectStore; readonly pass: (days: number) => void } {
  let offset = 0;
  return {
    store: memoryStore({ clock: () => new Date(Date.now() + offset) }),
    pass: (days) => (offset += days * DAY),
  };
}

/** A table with old files, old deletion vectors and a live one. */
async function used(store: ObjectStore, properties: Readonly<Record<string, string>> = {}): Promise<void> {
  await makeTable(store, { properties });
  for (let load = 0; load < 3; load++) await append(store, load, rowsFrom(load * 10, load * 10 + 10));
  await tableIn(store).delete({ where: byId([1]) });
  await tableIn(store).delete({ where: byId([2]) });
  await tableIn(store).optimize({ purge: 0 });
  await append(store, 3, rowsFrom(30, 40));
  await tableIn(store).delete({ where: byId([31]) });
}

const rest = [0, ...range(3, 31), ...range(32, 40)];

describe("vacuum", () => {
  test("keeps what versions within the retention need", async () => {
    const { store, pass } = timedStore();
    await used(store);
    const before = await filesIn(store);
    pass(6);
    expect(await tableIn(store).vacuum()).toMatchObject({ files: 0, logFiles: 0 });
    expect(await filesIn(store)).toEqual(before);
  });

  test("deletes old files and vectors, never live ones, and notes it in the log", async () => {
    const { store, pass } = timedStore();
    await used(store);
    pass(8);
    const dry = await tableIn(store).vacuum({ dryRun: true });
    expect(dry).toMatchObject({ files: 5, stagedFiles: 0, logFiles: 0 });
    expect(dry.paths).toHaveLength(5);
    const all = await filesIn(store);
    const result = await tableIn(store).vacuum();
    expect(result).toMatchObject({ files: 5, bytes: dry.bytes, paths: dry.paths });
    // Two data files and one vector: the newest version.
    expect(await filesIn(store)).toEqual(all.filter((path) => !dry.paths.includes(path)));
    expect(await filesIn(store)).toHaveLength(3);
    expect(await idsOf(store)).toEqual(rest);
    expect((await commitOf(store, 9))[0]?.commitInfo?.operation).toBe("VACUUM START");
    expect((await commitOf(store, 10))[0]?.commitInfo?.operation).toBe("VACUUM END");
    expect((await tableIn(store).verify({ deep: true })).findings).toEqual([]);
    expect(await tableIn(store).vacuum()).toMatchObject({ files: 0 });
  });

  test("goes through the log several times where memory is short", async () => {
    const { store, pass } = timedStore();
    await makeTable(store, { properties: { "delta.checkpointInterval": "1000000" } });
    const paths = range(0, 3000).map((id) => `part-${String(id).padStart(36, "0")}.parquet`);
    const lines = paths.map((path, i) => ({
      [i % 3 === 0 ? "remove" : "add"]: {
        path,
        partitionValues: {},
        size: 1,
        modificationTime: 1,
        deletionTimestamp: 1,
        dataChange: true,
      },
    }));
    const text = `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
    await store.put("t/_delta_log/00000000000000000001.json", new TextEncoder().encode(text));
    for (const path of paths) await store.put(`t/${path}`, new Uint8Array(1));
    pass(8);
    expect(await tableIn(store).vacuum({ budget: 100_000, log: false })).toMatchObject({ files: 1000 });
    expect(await filesIn(store)).toEqual(paths.filter((_, i) => i % 3 !== 0));
  });

  test("leaves what is not of a Delta writer, hidden folders and other tables", async () => {
    const { store, pass } = timedStore();
    await used(store);
    const kept = [
      "README.md",
      "_mine/data.parquet",
      ".hidden.parquet",
      "inner/0.parquet",
      "inner/_delta_log/00000000000000000000.json",
      "inner/part=1/x.parquet",
    ];
    for (const path of kept) await store.put(`t/${path}`, new Uint8Array(1));
    const gone = [
      "_alv_staged/part-1.parquet",
      "_alv_sort/1.parquet",
      "orphan.parquet",
      "part=1/orphan.parquet",
    ];
    for (const path of gone) await store.put(`t/${path}`, new Uint8Array(1));
    pass(8);
    expect(await tableIn(store).vacuum()).toMatchObject({ files: 7, stagedFiles: 2 });
    const left: string[] = [];
    for await (const { path } of store.list("t/")) left.push(path.slice(2));
    expect(left).toEqual(expect.arrayContaining(kept));
    for (const path of gone) expect(left).not.toContain(path);
  });

  test("a short retention is refused unless it is asked for by name", async () => {
    const { store, pass } = timedStore();
    await used(store);
    pass(1);
    await expect(tableIn(store).vacuum({ retention: { hours: 1 } })).rejects.toMatchObject({
      code: "ALV_CONFIG",
      message: expect.stringContaining("unsafeRetention"),
    });
    expect(await tableIn(store).vacuum({ retention: { hours: 1 }, unsafeRetention: true })).toMatchObject({
      files: 5,
    });
    expect(await idsOf(store)).toEqual(rest);
  });

  test("the table's own retention is honoured, also by a longer one that outlives its tombstones", async () => {
    const { store, pass } = timedStore();
    await used(store, { "delta.deletedFileRetentionDuration": "interval 20 days" });
    pass(10);
    await expect(tableIn(store).vacuum({ retention: { days: 8 } })).rejects.toThrow("20 days");
    expect(await tableIn(store).vacuum()).toMatchObject({ files: 0 });
    pass(11);
    expect(await tableIn(store).vacuum({ retention: { days: 30 } })).toMatchObject({ files: 0 });
    expect(await tableIn(store).vacuum()).toMatchObject({ files: 5 });
  });

  test("the log goes up to a checkpoint, after its retention", async () => {
    const { store, pass } = timedStore();
    await makeTable(store);
    for (let load = 0; load < 25; load++) await append(store, load, rowsFrom(load, load + 1));
    pass(29);
    await append(store, 25, rowsFrom(25, 26));
    expect(await tableIn(store).vacuum()).toMatchObject({ logFiles: 0 });
    pass(2);
    const result = await tableIn(store).vacuum();
    // Versions 0 to 19: commits, one checkpoint, and the checksums that begin with it.
    expect(result.logFiles).toBe(20 + 1 + 10);
    expect(await idsOf(store)).toEqual(range(0, 26));
    expect(await idsOf(store, 20)).toEqual(range(0, 20));
    await expect(idsOf(store, 19)).rejects.toMatchObject({ code: "ALV_NOT_FOUND" });
    expect((await tableIn(store).verify({ deep: true })).findings).toEqual([]);
    expect(await tableIn(store).vacuum()).toMatchObject({ logFiles: 0 });
  });

  test("a table can keep its log", async () => {
    const { store, pass } = timedStore();
    await makeTable(store, { properties: { "delta.enableExpiredLogCleanup": "false" } });
    for (let load = 0; load < 12; load++) await append(store, load, rowsFrom(load, load + 1));
    pass(40);
    expect(await tableIn(store).vacuum()).toMatchObject({ logFiles: 0 });
  });

  test("what a committed load is about to add stays, however old", async () => {
    const { store, pass } = timedStore();
    await used(store);
    const [file] = await filesOf(store, schema, rowsFrom(100, 110));
    await store.put("t/orphan.parquet", new Uint8Array(1));
    const pipeline = { pipeline: "shop", lane: "main" };
    const { signal } = new AbortController();
    const context = lakeContext({ store, directory: "t" }, pipeline, { signal, budget: 1 << 20 });
    const now = new Date().toISOString();
    const change = {
      table: "t",
      stream: "t",
      directory: "t",
      tableId,
      create: false,
      operation: { kind: "append" as const },
      schema: await storeSchema(context, schema, new Set()),
      schemaChanged: false,
      partitionBy: [],
      ownership: "own" as const,
      rows: 10,
      bytes: file!.size,
      fileCount: 1,
      written: now,
      files: { files: [file!], obsolete: [] },
    };
    const load = {
      incarnation: "i",
      sequence: 0,
      loadId: "load-0",
      runId: "r",
      writer: "w",
      predecessor: null,
    };
    const times = { startedAt: now, committedAt: now, loadsFile: "x" };
    const nothing = { streams: {}, tables: {}, known: {}, parked: [], settled: [] };
    await putManifest(context, { ...pipeline, ...load, ...times, ...nothing, changes: [change] });
    pass(8);
    expect(await tableIn(store).vacuum()).toMatchObject({ files: 6 });
    expect(await filesIn(store)).toContain(file!.final);
    // A load that is set aside may still be applied.
    await putMarker(context, 0, { loadId: "load-0", versions: {}, parked: { t: "why" } });
    pass(100);
    expect(await tableIn(store).vacuum({ log: false })).toMatchObject({ files: 0 });
    await store.delete([markerPath(context.paths, 0)]);
    await putMarker(context, 0, { loadId: "load-0", versions: { t: 9 }, parked: {} });
    expect(await tableIn(store).vacuum({ log: false })).toMatchObject({ files: 1 });
    expect(await filesIn(store)).not.toContain(file!.final);
  });

  test("stopped at every step it harms nothing, and again it finishes", async () => {
    const made = memoryStore();
    await used(made);
    for (let load = 4; load < 9; load++) await append(made, load, rowsFrom(load * 10, load * 10 + 1));
    await made.put("t/_alv_staged/part-1.parquet", new Uint8Array(1));
    const filled = async () => {
      const { store, pass } = timedStore();
      await copyOf(made, store);
      pass(40);
      return store;
    };
    const wanted = [...rest, ...range(4, 9).map((load) => load * 10)];
    const whole = faultStore(await filled());
    const done = await tableIn(whole).vacuum();
    expect(done.files + done.stagedFiles).toBe(6);
    expect(done.logFiles).toBeGreaterThan(9);
    // Counted now: looking at the store makes steps of its own.
    const steps = whole.steps.length;
    const { length: left } = await filesIn(whole);
    for (let step = 0; step < steps; step++) {
      const store = await filled();
      await stopped(tableIn(faultStore(store, { stopAt: step })).vacuum());
      expect(await idsOf(store), `stopped at step ${step}`).toEqual(wanted);
      await tableIn(store).vacuum();
      expect(await idsOf(store), `finished after step ${step}`).toEqual(wanted);
      expect((await filesIn(store)).length).toBe(left);
      expect((await tableIn(store).verify({ deep: true })).findings).toEqual([]);
    }
  });
});
