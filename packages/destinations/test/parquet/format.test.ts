import type { ApplyContext, DataFile, TableChange } from "../../src/lake/contract.ts";
import type { ObjectStore } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { faultStore, powerLossStore, StoppedError } from "@alluvium/core/testing";
import { describe, expect, test } from "vitest";
import { isDataFile } from "../../src/folders/list.ts";
import { parquetEndings } from "../../src/parquet/folder.ts";
import { folderFormat } from "../../src/folders/format.ts";
import { withoutRename } from "../lake/lakes.ts";
import { parquetKind } from "../../src/parquet/kind.ts";
import { parquetType } from "../../src/parquet/types.ts";

const format = folderFormat(parquetKind({}));
const bytes = (text: string) => new TextEncoder().encode(text);

const context = (store: ObjectStore): ApplyContext => ({
  store,
  signal: new AbortController().signal,
  budget: 1_000_000,
  load: { pipeline: "shop", lane: "main", incarnation: "i", sequence: 1, loadId: "l", runId: "r" },
});

const file = (id: string, partition = {}): DataFile => ({
  ...format.place(id, partition),
  partition,
  size: id.length,
  rows: 1,
  columns: [],
});

function change(files: readonly DataFile[], obsolete: readonly string[] = []): TableChange {
  return {
    table: "orders",
    directory: "orders",
    tableId: "t",
    create: false,
    operation: { kind: obsolete.length > 0 ? "replace" : "append" },
    schema: { fields: [] },
    schemaChanged: false,
    partitionBy: [],
    files,
    obsolete,
    ownership: "own",
  };
}

async function contents(store: ObjectStore): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for await (const { path } of store.list("")) all[path] = new TextDecoder().decode(await store.get(path));
  return all;
}

/** An old file, and two staged ones, synced. */
async function stage(store: ObjectStore): Promise<TableChange> {
  const next = change([file("a", { country: "de" }), file("b")], ["part-old.parquet"]);
  await store.put("orders/part-old.parquet", bytes("old"));
  for (const { staged } of next.files) await store.put(`orders/${staged}`, bytes(staged));
  await store.sync(["orders/part-old.parquet", ...next.files.map(({ staged }) => `orders/${staged}`)]);
  return next;
}

const done = {
  "orders/country=de/part-a.parquet": "_staged/a.parquet.new",
  "orders/part-b.parquet": "_staged/b.parquet.new",
};

describe("apply", () => {
  test("reveals the new files, then removes the old ones; a second time it finds it done", async () => {
    const store = faultStore(memoryStore());
    const next = await stage(store);
    expect(await format.apply(next, context(store))).toEqual({ already: false });
    expect(await contents(store)).toEqual(done);
    const calls = store.steps.filter(({ when }) => when === "after").map(({ call }) => call);
    expect(calls.lastIndexOf("rename")).toBeLessThan(calls.lastIndexOf("sync"));
    expect(calls.lastIndexOf("sync")).toBeLessThan(calls.indexOf("delete"));
    expect(await format.apply(next, context(store))).toEqual({ already: true });
    expect(await contents(store)).toEqual(done);
  });

  test("where nothing can be renamed files are copied, and their originals deleted before the old files", async () => {
    const store = faultStore(withoutRename(memoryStore()));
    const next = await stage(store);
    expect(await format.apply(next, context(store))).toEqual({ already: false });
    expect(await contents(store)).toEqual(done);
    const calls = store.steps
      .filter(({ when }) => when === "after")
      .slice(-6)
      .map(({ call, path }) => `${call} ${path}`);
    expect(calls).toEqual([
      "copy orders/_staged/a.parquet.new",
      "copy orders/_staged/b.parquet.new",
      "sync orders/country=de/part-a.parquet",
      "delete orders/_staged/a.parquet.new",
      "delete orders/_staged/b.parquet.new",
      "delete orders/part-old.parquet",
    ]);
    expect(await format.apply(next, context(store))).toEqual({ already: true });
    expect(await contents(store)).toEqual(done);
  });

  test.each<[string, typeof withoutRename]>([
    ["renames", (store) => store],
    ["copies", withoutRename],
  ])(
    "stopped at every step, and by a loss of power, it comes to the same end: the store %s",
    async (_, like) => {
      const whole = faultStore(like(powerLossStore()));
      await format.apply(await stage(whole), context(whole));
      const before = faultStore(like(powerLossStore()));
      await stage(before);
      const [from, to] = [before.steps.length, whole.steps.length];
      expect(to - from).toBeGreaterThan(8);
      for (let step = 0; step < to - from; step++)
        for (const unsynced of ["keep", "drop", "random"] as const) {
          const disk = like(powerLossStore());
          const next = await stage(disk);
          await expect(
            format.apply(next, context(faultStore(disk, { stopAt: step }))),
          ).rejects.toBeInstanceOf(StoppedError);
          disk.cutPower({ unsynced, seed: step });
          const seen = await contents(disk);
          const fresh = Object.keys(done).filter((path) => path in seen);
          // Never less than one whole generation.
          expect(fresh.length === 2 || "orders/part-old.parquet" in seen, `step ${step} ${unsynced}`).toBe(
            true,
          );
          await format.apply(next, context(disk));
          disk.cutPower();
          expect(await contents(disk), `step ${step} ${unsynced}`).toEqual(done);
        }
    },
  );

  test("what another copy left beside the final name is removed", async () => {
    const store = memoryStore();
    const next = await stage(store);
    await store.put("orders/part-b.parquet", bytes("_staged/b.parquet.new"));
    await format.apply(next, context(store));
    expect(await contents(store)).toEqual(done);
  });

  test.each([true, false])(
    "a file that is nowhere is poison, and nothing old is deleted (renames: %s)",
    async (renames) => {
      const store = renames ? memoryStore() : withoutRename(memoryStore());
      const next = await stage(store);
      await store.delete(["orders/_staged/b.parquet.new"]);
      await expect(format.apply(next, context(store))).rejects.toMatchObject({
        code: "ALV_NOT_FOUND",
        message: expect.stringContaining("orders/_staged/b.parquet.new") as string,
      });
      // What was there got its name, and no second one stays.
      expect(Object.keys(await contents(store))).toEqual([
        "orders/country=de/part-a.parquet",
        "orders/part-old.parquet",
      ]);
    },
  );
});

test.each([
  ["part-1.parquet", true],
  ["country=de/part-1.parquet", true],
  ["_alv_load_id=7/part-1.parquet", true],
  ["_staged/1.parquet.new", false],
  ["_staged/1.parquet", false],
  ["_part.parquet", false],
  [".part.parquet", false],
  [".hidden/part.parquet", false],
  ["part.parquet.crc", false],
  ["_metadata", false],
])("%s is a data file: %s", (path, expected) => {
  expect(isDataFile(path, parquetEndings)).toBe(expected);
});

test("times become text at any depth, all else stays", () => {
  const time = { kind: "time" } as const;
  const field = (name: string) => ({ name, type: time, nullable: true });
  expect(parquetType({ kind: "uuid" })).toEqual({ kind: "uuid" });
  expect(
    parquetType({
      kind: "struct",
      fields: [
        { name: "list", type: { kind: "list", element: field("element") }, nullable: true },
        { name: "map", type: { kind: "map", key: field("key"), value: field("value") }, nullable: true },
      ],
    }),
  ).toMatchObject({
    fields: [
      { type: { element: { type: { kind: "string" } } } },
      { type: { key: { type: { kind: "string" } }, value: { type: { kind: "string" } } } },
    ],
  });
});
