import { timeOrderedId, type LoadReceipt, type ObjectStore, type TablePlan } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { memoryStore } from "@alluvium/core/storage/memory";
import { batchOf, faultStore } from "@alluvium/core/testing";
import { describe, expect, test } from "vitest";
import { deltaTable } from "../../../src/delta/table.ts";
import { openTest, stateWith, type LakeUnderTest, type OpenOptions } from "../../lake/lakes.ts";
import { mergeLake, modes } from "./merging.ts";

const int64 = { kind: "int64" } as const;
const string = { kind: "string" } as const;

/** Orders, the row of each being named by its id and a version. */
const orders = (version: string, ...ids: number[]): Batch =>
  batchOf({ id: [int64, ids.map(BigInt)], row: [string, ids.map((id) => `${id}${version}`)] });
/** Two lines for each. */
const lines = (version: string, ...ids: number[]): Batch =>
  batchOf({
    own: [string, ids.flatMap((id) => [`${id}${version}.1`, `${id}${version}.2`])],
    root: [string, ids.flatMap((id) => [`${id}${version}`, `${id}${version}`])],
  });

const plans: readonly TablePlan[] = [
  {
    table: "orders",
    stream: "orders",
    disposition: { kind: "merge", strategy: "upsert" },
    primaryKey: ["id"],
    partitionBy: [],
    schema: orders("").schema,
  },
  {
    table: "lines",
    stream: "orders",
    disposition: { kind: "merge", strategy: "insertOnly" },
    primaryKey: ["own"],
    partitionBy: [],
    schema: lines("").schema,
    follows: { table: "orders", rowId: "row", rootId: "root" },
  },
];

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Loads orders with their lines, in one session. */
async function load(
  store: ObjectStore,
  lake: LakeUnderTest,
  version: string,
  ids: readonly number[],
  options: OpenOptions = {},
): Promise<LoadReceipt> {
  await using session = await openTest(store, lake, options);
  await session.recover();
  const loadId = timeOrderedId();
  await using open = await session.begin({ loadId, startedAt: new Date(), tables: plans });
  await open.write("orders", orders(version, ...ids));
  await open.write("lines", lines(version, ...ids));
  await open.mark("orders", { seal: true, end: true });
  return await open.commit(stateWith(plans, loadId, { orders: null }));
}

/** The lines that a reader sees. */
async function linesIn(store: ObjectStore, lake: LakeUnderTest): Promise<readonly string[]> {
  return (await lake.read(store, "lines")).map(({ own }) => String(own)).sort();
}

const linesOf = (version: string, ...ids: number[]): readonly string[] =>
  ids.flatMap((id) => [`${id}${version}.1`, `${id}${version}.2`]).sort();

describe.each(modes)("child rows follow their roots, merges by %s", (mode) => {
  const lake = mergeLake(mode);

  test("with far less memory than the ids of the roots take", async () => {
    const store = memoryStore();
    const budget = 64 * 1024;
    await load(store, lake, "a", range(1, 5000), { budget });
    const replaced = range(1, 5000).filter((id) => id % 3 === 0);
    const { tables } = await load(store, lake, "b", replaced, { budget });
    const others = range(1, 5000).filter((id) => id % 3 !== 0);
    expect(await linesIn(store, lake)).toEqual(
      [...linesOf("a", ...others), ...linesOf("b", ...replaced)].sort(),
    );
    expect(tables.find(({ table }) => table === "lines")?.changed).toEqual({
      inserted: 2 * replaced.length,
      updated: 0,
      deleted: 2 * replaced.length,
    });
  });

  test("although the child table is rewritten just before its commit", async () => {
    const store = memoryStore();
    for (const id of [1, 2, 3]) await load(store, lake, "a", [id]);
    let done = false;
    const watched = faultStore(store, {
      async at({ call, path, when }) {
        const isCommit = call === "putIfAbsent" && /^lines\/_delta_log\/\d+\.json$/.test(path);
        if (!done && isCommit && when === "before") {
          done = true;
          await deltaTable({ store, path: "lines" }).optimize();
        }
        return undefined;
      },
    });
    await load(watched, lake, "b", [2, 4]);
    expect(done).toBe(true);
    expect(await linesIn(store, lake)).toEqual([...linesOf("a", 1, 3), ...linesOf("b", 2, 4)].sort());
  });

  test("although the root is rewritten, and its old files are deleted, while its ids are read", async () => {
    const store = memoryStore();
    for (const id of [1, 2, 3]) await load(store, lake, "a", [id]);
    let committed = false;
    let done = false;
    const watched = faultStore(store, {
      async at({ path, when }) {
        if (/^orders\/_delta_log\/0*3\.json$/.test(path) && when === "after") committed = true;
        // Its state is known by now: the first of its data files is asked for.
        if (!committed || done || !/^orders\/[^_].*\.parquet$/.test(path)) return undefined;
        done = true;
        const before = await dataFiles(store);
        await deltaTable({ store, path: "orders" }).optimize();
        await store.delete(before);
        return undefined;
      },
    });
    await load(watched, lake, "b", [2]);
    expect(done).toBe(true);
    expect(await linesIn(store, lake)).toEqual([...linesOf("a", 1, 3), ...linesOf("b", 2)].sort());
  });

  test("lines of orders that another writer deleted go with the next load", async () => {
    const store = memoryStore();
    await load(store, lake, "a", [1, 2, 3]);
    await deltaTable({ store, path: "orders" }).delete({ where: [{ column: "id", op: "=", value: 1 }] });
    expect(await linesIn(store, lake)).toEqual(linesOf("a", 1, 2, 3));
    await load(store, lake, "b", [3]);
    expect(await linesIn(store, lake)).toEqual([...linesOf("a", 2), ...linesOf("b", 3)].sort());
  });

  test("where the root is set aside its child table is, too, and is settled after it", async () => {
    const store = memoryStore();
    await load(store, lake, "a", [1, 2]);
    const saved = new Map<string, Uint8Array>();
    const watched = faultStore(store, {
      async at({ call, path, when }) {
        const isManifest = call === "putIfAbsent" && /^_alluvium\/.*\d{20}\.json$/.test(path);
        if (saved.size > 0 || !isManifest || when !== "after") return undefined;
        for await (const { path: one } of store.list("orders/_delta_log/"))
          saved.set(one, await store.get(one));
        await store.delete([...saved.keys()]);
        return undefined;
      },
    });
    const { tables } = await load(watched, lake, "b", [2, 3]);
    expect(tables.map(({ table, parked }) => [table, parked?.slice(0, 19)])).toEqual([
      ["orders", "ALV_TABLE_NOT_FOUND"],
      ["lines", "its rows belong to "],
    ]);
    expect(await linesIn(store, lake)).toEqual(linesOf("a", 1, 2));
    for (const [path, bytes] of saved) await store.put(path, bytes);
    await using session = await openTest(store, lake);
    await session.recover();
    await expect(session.settle!("lines", "retry")).rejects.toMatchObject({
      code: "ALV_TABLE_PARKED",
      message: expect.stringContaining("settle that one first") as string,
    });
    await session.settle!("orders", "retry");
    await session.settle!("lines", "retry");
    expect(await linesIn(store, lake)).toEqual([...linesOf("a", 1), ...linesOf("b", 2, 3)].sort());
  });
});

/** Data files of the orders as the table has them. */
async function dataFiles(store: ObjectStore): Promise<readonly string[]> {
  const paths: string[] = [];
  for await (const { path } of store.list("orders/"))
    if (path.endsWith(".parquet") && !path.includes("/_")) paths.push(path);
  return paths;
}
