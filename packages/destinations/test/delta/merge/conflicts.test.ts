import type { ObjectStore, TablePlan } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { batchOf, faultStore } from "@alluvium/core/testing";
import { ChangeOp, type Batch } from "@alluvium/core/columns";
import { describe, expect, test } from "vitest";
import { deltaTable } from "../../../src/delta/table.ts";
import { openTest, type LakeUnderTest } from "../../lake/lakes.ts";
import { mergeLake, mergeLoad, modes } from "./merging.ts";

const int64 = { kind: "int64" } as const;
const string = { kind: "string" } as const;

const rows = (by: string, ...ids: number[]): Batch =>
  batchOf({ id: [int64, ids.map(BigInt)], by: [string, ids.map(() => by)] });

const plan: TablePlan = {
  table: "t",
  stream: "t",
  disposition: { kind: "merge", strategy: "upsert" },
  primaryKey: ["id"],
  partitionBy: [],
  schema: rows("x").schema,
};

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** A table of rows 1 to 9 in three files. */
async function filled(lake: LakeUnderTest): Promise<ObjectStore> {
  const store = memoryStore();
  await using session = await openTest(store, lake);
  await session.recover();
  for (const from of [1, 4, 7]) await mergeLoad(session, plan, [rows("first", ...range(from, from + 2))]);
  return store;
}

/** Merges while something else happens just before the commit of the table is put. */
async function mergeAround(
  store: ObjectStore,
  lake: LakeUnderTest,
  batches: readonly Batch[],
  other: () => Promise<void>,
) {
  let done = false;
  const watched = faultStore(store, {
    async at({ call, path, when }) {
      if (!done && call === "putIfAbsent" && when === "before" && /^t\/_delta_log\/\d+\.json$/.test(path)) {
        done = true;
        await other();
      }
      return undefined;
    },
  });
  await using session = await openTest(watched, lake);
  await session.recover();
  const receipt = await mergeLoad(session, plan, batches);
  expect(done).toBe(true);
  return receipt.tables[0]!;
}

async function byId(store: ObjectStore, lake: LakeUnderTest): Promise<readonly string[]> {
  const found = await lake.read(store, "t");
  return found
    .map((row) => [row["id"], row["by"]].join(" "))
    .sort((a, b) => Number.parseInt(a) - Number.parseInt(b));
}

/** Another pipeline, as far as the log is concerned: it appends blindly. */
async function append(store: ObjectStore, lake: LakeUnderTest, batch: Batch): Promise<void> {
  await using session = await openTest(store, lake, {
    pipeline: { pipeline: "other", lane: "main" },
    shared: true,
  });
  await session.recover();
  await mergeLoad(session, { ...plan, disposition: { kind: "append" } }, [batch]);
}

describe.each(modes)("merges by %s are serializable", (mode) => {
  const lake = mergeLake(mode);

  test("a row of our key that another writer appends blindly in the meantime is found", async () => {
    const store = await filled(lake);
    const receipt = await mergeAround(store, lake, [rows("ours", 2, 20)], () =>
      append(store, lake, rows("theirs", 20, 21)),
    );
    expect(await byId(store, lake)).toEqual([
      "1 first",
      "2 ours",
      ...range(3, 9).map((id) => `${id} first`),
      "20 ours",
      "21 theirs",
    ]);
    expect(receipt.changed).toEqual({ inserted: 0, updated: 2, deleted: 0 });
  });

  test("rows of other keys are no conflict that changes anything", async () => {
    const store = await filled(lake);
    const receipt = await mergeAround(store, lake, [rows("ours", 2)], () =>
      append(store, lake, rows("theirs", 30)),
    );
    expect(receipt.changed).toEqual({ inserted: 0, updated: 1, deleted: 0 });
    expect(await byId(store, lake)).toHaveLength(10);
  });

  test("files that are put together in the meantime: the rows are found where they are then", async () => {
    const store = await filled(lake);
    await mergeAround(store, lake, [rows("ours", 2, 5)], async () => {
      await deltaTable({ store, path: "t" }).optimize();
    });
    expect(await byId(store, lake)).toEqual(
      range(1, 9).map((id) => `${id} ${id === 2 || id === 5 ? "ours" : "first"}`),
    );
    const operations = [];
    for await (const { operation } of deltaTable({ store, path: "t" }).history()) operations.push(operation);
    expect(operations.slice(0, 2)).toEqual(["MERGE", "OPTIMIZE"]);
  });

  test("a row that another merge deletes in the meantime is not there twice", async () => {
    const store = await filled(lake);
    await mergeAround(store, lake, [rows("ours", 2)], async () => {
      await using session = await openTest(store, lake, {
        pipeline: { pipeline: "other", lane: "main" },
        shared: true,
      });
      await session.recover();
      await mergeLoad(session, plan, [rows("theirs", 2, 3)]);
    });
    expect(await byId(store, lake)).toEqual(
      range(1, 9).map((id) => `${id} ${id === 2 ? "ours" : id === 3 ? "theirs" : "first"}`),
    );
  });

  test("a column that another writer adds in the meantime stays, and holds null in our rows", async () => {
    const store = await filled(lake);
    const wider = batchOf({
      id: [int64, [40n]],
      by: [string, ["theirs"]],
      extra: [string, ["kept"]],
    });
    await mergeAround(store, lake, [rows("ours", 2)], () => append(store, lake, wider));
    const found = await lake.read(store, "t");
    expect(found.find(({ id }) => id === 40n)).toEqual({ id: 40n, by: "theirs", extra: "kept" });
    expect(found.find(({ id }) => id === 2n)).toEqual({ id: 2n, by: "ours", extra: null });
  });
});

test("a table that is dropped between the commit and its merge is set aside with its changes; put back, it takes them", async () => {
  const lake = mergeLake("vectors");
  const store = await filled(lake);
  const saved = new Map<string, Uint8Array>();
  const other: TablePlan = { ...plan, table: "u", stream: "u" };
  const batch = rows("ours", 2);
  const changes: Batch = {
    ...batch,
    changes: { ops: Uint8Array.of(ChangeOp.update), ordinals: BigInt64Array.of(1n) },
  };
  let done = false;
  const watched = faultStore(store, {
    async at({ call, path, when }) {
      if (done || call !== "putIfAbsent" || when !== "after" || !/^_alluvium\/.*\d{20}\.json$/.test(path))
        return undefined;
      done = true;
      for await (const info of store.list("t/_delta_log/")) saved.set(info.path, await store.get(info.path));
      await store.delete([...saved.keys()]);
      return undefined;
    },
  });
  {
    await using session = await openTest(watched, lake);
    await session.recover();
    await using load = await session.begin({ loadId: "l", startedAt: new Date(), tables: [plan, other] });
    await load.write("t", changes);
    await load.write("u", rows("ours", 1));
    for (const stream of ["t", "u"]) await load.mark(stream, { seal: true, end: true });
    const { tables } = await load.commit({
      incarnation: "i",
      sequence: 3,
      loadId: "l",
      streams: {},
      tables: {},
    });
    expect(tables.map(({ table, parked }) => [table, parked?.split(":")[0]])).toEqual([
      ["t", "ALV_TABLE_NOT_FOUND"],
      ["u", undefined],
    ]);
  }
  expect(await lake.read(store, "u")).toEqual([{ id: 1n, by: "ours" }]);
  for (const [path, bytes] of saved) await store.put(path, bytes);
  await using session = await openTest(store, lake);
  await session.recover();
  await session.settle!("t", "retry");
  expect(await byId(store, lake)).toEqual(range(1, 9).map((id) => `${id} ${id === 2 ? "ours" : "first"}`));
});
