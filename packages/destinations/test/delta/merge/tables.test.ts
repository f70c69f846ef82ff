import type { TablePlan } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { batchOf } from "@alluvium/core/testing";
import { ChangeOp, type Batch } from "@alluvium/core/columns";
import { describe, expect, test } from "vitest";
import { deltaTable } from "../../../src/delta/table.ts";
import { openTest, pathsIn } from "../../lake/lakes.ts";
import { mergeLake, mergeLoad, type modes } from "./merging.ts";

const int64 = { kind: "int64" } as const;
const string = { kind: "string" } as const;
const lake = mergeLake("vectors");

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

async function open(store = memoryStore(), mode: (typeof modes)[number] = "vectors", options = {}) {
  const session = await openTest(store, mergeLake(mode), options);
  await session.recover();
  return { store, session };
}

const sorted = async (store: ReturnType<typeof memoryStore>): Promise<readonly string[]> =>
  (await lake.read(store, "t")).map((row) => Object.values(row).join(" ")).sort();

describe("the table's protocol", () => {
  test("asks for deletion vectors only once rows go; a table that was appended to becomes a merged one", async () => {
    const { store, session } = await open();
    await mergeLoad(session, { ...plan, disposition: { kind: "append" } }, [rows("first", 1, 2, 3)]);
    await mergeLoad(session, plan, [rows("new", 4)]);
    const before = await deltaTable({ store, path: "t" }).snapshot();
    expect(before.protocol).toMatchObject({ minReaderVersion: 1, minWriterVersion: 2 });
    await mergeLoad(session, plan, [rows("new", 2)]);
    const after = await deltaTable({ store, path: "t" }).snapshot();
    expect(after.protocol).toMatchObject({
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ["deletionVectors"],
      writerFeatures: expect.arrayContaining(["deletionVectors", "appendOnly", "invariants"]),
    });
    expect(after.metadata.properties["delta.enableDeletionVectors"]).toBe("true");
    expect(await sorted(store)).toEqual(["1 first", "2 new", "3 first", "4 new"]);
    const [file] = await Array.fromAsync(after.files({ where: [{ column: "id", op: "=", value: 1 }] }));
    expect(file).toMatchObject({ deletedRows: 1, rows: 2 });
    expect(JSON.parse(file!.statistics!)).toMatchObject({ numRecords: 3, tightBounds: false });
    await session[Symbol.asyncDispose]();
  });

  test("never changes where files are written again", async () => {
    const { store, session } = await open(memoryStore(), "rewrite");
    await mergeLoad(session, plan, [rows("first", 1, 2, 3)]);
    await mergeLoad(session, plan, [rows("new", 2)]);
    const snapshot = await deltaTable({ store, path: "t" }).snapshot();
    expect(snapshot.protocol).toMatchObject({ minReaderVersion: 1, minWriterVersion: 2 });
    expect(await sorted(store)).toEqual(["1 first", "2 new", "3 first"]);
    expect(await pathsIn(store, "t/deletion_vector")).toEqual([]);
    await session[Symbol.asyncDispose]();
  });
});

test("one object holds the vectors of all files, and a file that keeps no row just goes", async () => {
  const { store, session } = await open();
  for (const from of [1, 10, 20]) await mergeLoad(session, plan, [rows("first", from, from + 1)]);
  await mergeLoad(session, plan, [rows("new", 1, 10, 20, 21)]);
  expect(await pathsIn(store, "t/deletion_vector")).toHaveLength(1);
  const files = await Array.fromAsync((await deltaTable({ store, path: "t" }).snapshot()).files());
  expect(
    files.map(({ rows: live, deletedRows }) => [live, deletedRows]).toSorted(([a], [b]) => a! - b!),
  ).toEqual([
    [1, 1],
    [1, 1],
    [4, 0],
  ]);
  const [merge] = await Array.fromAsync(deltaTable({ store, path: "t" }).history({ limit: 1 }));
  expect(merge).toMatchObject({
    operation: "MERGE",
    isBlindAppend: false,
    operationMetrics: {
      numTargetRowsInserted: "0",
      numTargetRowsUpdated: "4",
      numTargetRowsDeleted: "0",
      numTargetFilesRemoved: "1",
      numTargetDeletionVectorsAdded: "2",
    },
  });
  await session[Symbol.asyncDispose]();
});

test("rows of one load that lose to later ones get a vector of their own, or go with their file", async () => {
  const { store, session } = await open();
  await mergeLoad(session, plan, [rows("early", 1, 2, 3), rows("late", 3)]);
  expect(await sorted(store)).toEqual(["1 early", "2 early", "3 late"]);
  const files = await Array.fromAsync((await deltaTable({ store, path: "t" }).snapshot()).files());
  expect(files.map(({ deletedRows }) => deletedRows)).toEqual([1]);
  // Nothing of a load whose rows are all there is kept.
  const insertOnly: TablePlan = { ...plan, disposition: { kind: "merge", strategy: "insertOnly" } };
  const before = await pathsIn(store, "t/part-");
  await mergeLoad(session, insertOnly, [rows("ignored", 1, 2)]);
  expect(await sorted(store)).toEqual(["1 early", "2 early", "3 late"]);
  expect(await pathsIn(store, "t/part-")).toEqual(before);
  await session[Symbol.asyncDispose]();
});

test("files of changes are gone once they are folded in", async () => {
  const { store, session } = await open();
  const changed: Batch = {
    ...rows("changed", 1),
    changes: { ops: Uint8Array.of(ChangeOp.insert), ordinals: BigInt64Array.of(5n) },
  };
  const { tables } = await mergeLoad(session, plan, [changed]);
  expect(tables[0]).toMatchObject({ operation: "upsert", changed: { inserted: 1, updated: 0, deleted: 0 } });
  expect(await pathsIn(store, "t/_alv_staged/")).toEqual([]);
  expect(await sorted(store)).toEqual(["1 changed"]);
  await session[Symbol.asyncDispose]();
});

test("partitions: of a key by itself files are written once; where a key can move they are found again", async () => {
  for (const primaryKey of [["id"], ["id", "by"]]) {
    const { store, session } = await open();
    const parted: TablePlan = { ...plan, primaryKey, partitionBy: [{ column: "by" }] };
    await mergeLoad(session, parted, [rows("a", 1, 2, 3)]);
    await mergeLoad(session, parted, [rows("b", 2), rows("c", 2)]);
    expect(await sorted(store)).toEqual(
      primaryKey.length === 1 ? ["1 a", "2 c", "3 a"] : ["1 a", "2 a", "2 b", "2 c", "3 a"],
    );
    await session[Symbol.asyncDispose]();
  }
});

describe("a restart", () => {
  test("of the data: the session's first load takes the place of all rows, later ones merge", async () => {
    const { store, session } = await open();
    await mergeLoad(session, plan, [rows("old", 1, 2, 3)]);
    await session[Symbol.asyncDispose]();
    const { session: second } = await open(store);
    const restarted: TablePlan = { ...plan, restart: "data" };
    await mergeLoad(second, restarted, [rows("new", 2, 4)]);
    expect(await sorted(store)).toEqual(["2 new", "4 new"]);
    await mergeLoad(second, restarted, [rows("later", 4, 5)]);
    expect(await sorted(store)).toEqual(["2 new", "4 later", "5 later"]);
    await second[Symbol.asyncDispose]();
  });

  test.each(["merge", "append"] as const)(
    "of the tables (%s): its columns go as well, and may come back as other types",
    async (kind) => {
      const store = memoryStore();
      const run = async (batch: Batch, restart?: "tables"): Promise<void> => {
        const { session } = await open(store);
        const disposition = kind === "merge" ? plan.disposition : { kind };
        await mergeLoad(
          session,
          { ...plan, disposition, schema: batch.schema, ...(restart && { restart }) },
          [batch],
        );
        await session[Symbol.asyncDispose]();
      };
      await run(rows("old", 1));
      await run(batchOf({ id: [int64, [7n]], by: [int64, [8n]], more: [string, ["x"]] }), "tables");
      expect(await lake.read(store, "t")).toEqual([{ id: 7n, by: 8n, more: "x" }]);
      await run(rows("back", 1), "tables");
      expect(await lake.read(store, "t")).toEqual([{ id: 1n, by: "back" }]);
    },
  );
});

test("a shared table takes merges, but no truncate and no retirement of absent keys", async () => {
  const { store, session } = await open();
  await mergeLoad(session, plan, [rows("first", 1)]);
  const other = await open(store, "vectors", {
    pipeline: { pipeline: "other", lane: "main" },
    shared: ["t"],
  });
  await mergeLoad(other.session, plan, [rows("other", 1, 2)]);
  expect(await sorted(store)).toEqual(["1 other", "2 other"]);
  const truncate: Batch = {
    ...batchOf({ id: [int64, [null]], by: [string, [null]] }),
    changes: { ops: Uint8Array.of(ChangeOp.truncate), ordinals: BigInt64Array.of(1n) },
  };
  await expect(mergeLoad(other.session, plan, [truncate])).rejects.toMatchObject({
    code: "ALV_TABLE_FOREIGN",
  });
  expect(await sorted(store)).toEqual(["1 other", "2 other"]);
  await other.session[Symbol.asyncDispose]();
  await session[Symbol.asyncDispose]();
});
