import { describe, expect, test } from "vitest";
import type { ObjectStore } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { name } from "../log.ts";
import { append, filesIn, makeTable, rowsFrom, tableIn } from "./care.ts";

const text = async (store: ObjectStore, path: string): Promise<string> =>
  new TextDecoder().decode(await store.get(path));
const edit = async (store: ObjectStore, path: string, change: (text: string) => string): Promise<void> => {
  const before = await text(store, path);
  const after = change(before);
  expect(after).not.toBe(before);
  await store.put(path, new TextEncoder().encode(after));
};

/** Twelve loads, so that there is a checkpoint, and a deletion vector. */
async function filled(): Promise<ObjectStore> {
  const store = memoryStore();
  await makeTable(store);
  for (let load = 0; load < 12; load++) await append(store, load, rowsFrom(load * 10, load * 10 + 10));
  await tableIn(store).delete({ where: [{ column: "id", op: "in", value: [101, 5] }] });
  return store;
}

const kinds = async (store: ObjectStore, deep = true): Promise<string[]> =>
  (await tableIn(store).verify({ deep })).findings.map(({ kind }) => kind);
const dataFiles = async (store: ObjectStore): Promise<string[]> =>
  (await filesIn(store)).filter((path) => path.endsWith(".parquet")).map((path) => `t/${path}`);

describe("verify", () => {
  test("a sound table", async () => {
    const store = await filled();
    expect(await tableIn(store).verify({ deep: true })).toEqual({
      version: 13,
      files: 12,
      rows: 120,
      sound: true,
      findings: [],
      more: 0,
    });
    expect(await tableIn(store).verify()).toMatchObject({ rows: 0, sound: true });
  });

  test("a file that is gone, cut, or not Parquet", async () => {
    const store = await filled();
    const [a, b, c] = await dataFiles(store);
    await store.delete([a!]);
    await store.put(b!, (await store.get(b!)).subarray(0, 100));
    await store.put(c!, new Uint8Array((await store.head(c!))!.size));
    const { findings, sound } = await tableIn(store).verify({ deep: true });
    expect(sound).toBe(false);
    expect(findings.map(({ kind }) => kind).sort((x, y) => x.localeCompare(y))).toEqual([
      "file",
      "file",
      "missing",
      "size",
    ]);
    // Without reading, a file of the right size passes.
    expect((await kinds(store, false)).sort((x, y) => x.localeCompare(y))).toEqual(["missing", "size"]);
  });

  test("a vector that is damaged, and one whose cardinality is wrong", async () => {
    const store = await filled();
    const path = `t/${(await filesIn(store)).find((file) => file.endsWith(".bin"))!}`;
    const bytes = (await store.get(path)).slice();
    bytes[30]! ^= 1;
    await store.put(path, bytes);
    expect(await kinds(store, false)).toEqual(["vector"]);
    const other = await filled();
    await edit(other, name(13), (log) => log.replace('"cardinality":1}', '"cardinality":2}'));
    expect(await kinds(other, false)).toContain("vector");
  });

  test.each([
    ["a bound that excludes rows", '\\"minValues\\":{\\"id\\":110', '\\"minValues\\":{\\"id\\":112'],
    ["a wrong number of rows", '\\"numRecords\\":10', '\\"numRecords\\":11'],
    ["a wrong number of nulls", '\\"part\\":10', '\\"part\\":9'],
  ])("statistics: %s", async (_, from, to) => {
    const store = await filled();
    // The last load, which is not in the checkpoint.
    await edit(store, name(12), (log) => log.replace(from, to));
    expect(await kinds(store)).toContain("statistics");
    expect(await kinds(store, false)).toEqual([]);
  });

  test("a checksum and a checkpoint that say something else", async () => {
    const store = await filled();
    await edit(store, name(13, "crc"), (crc) => crc.replace('"numFiles":12', '"numFiles":11'));
    expect(await kinds(store, false)).toEqual(["checksum"]);
    await store.put(name(13, "crc"), new TextEncoder().encode("{"));
    expect(await kinds(store, false)).toEqual(["checksum"]);
    // A commit that is changed after its checkpoint was made is the same contradiction.
    const other = await filled();
    await edit(other, name(3), (log) => log.replace('"size":', '"size":1'));
    expect(await kinds(other, false)).toEqual(["checkpoint"]);
  });

  test("a log that cannot be replayed is a finding, no table is an error", async () => {
    const store = await filled();
    await edit(store, name(12), (log) => log.slice(0, -20));
    expect(await tableIn(store).verify()).toMatchObject({ sound: false, findings: [{ kind: "log" }] });
    await expect(tableIn(memoryStore()).verify()).rejects.toMatchObject({ code: "ALV_TABLE_NOT_FOUND" });
  });

  test("orphans do no harm, and beyond the limit findings are counted", async () => {
    const store = await filled();
    for (let i = 0; i < 5; i++) await store.put(`t/orphan-${i}.parquet`, new Uint8Array(1));
    const result = await tableIn(store).verify({ limit: 2 });
    expect(result).toMatchObject({
      sound: true,
      more: 3,
      findings: [{ kind: "orphan", path: "orphan-0.parquet" }, {}],
    });
  });
});
