import { describe, expect, test } from "vitest";
import type { ObjectStore } from "../../src/storage/store.ts";
import { powerLossStore } from "../../src/testing/power-loss.ts";
import { storeSuite } from "../../src/testing/store-suite.ts";

const bytes = (value: string) => new TextEncoder().encode(value);

async function contents(store: ObjectStore): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for await (const { path } of store.list("")) all[path] = new TextDecoder().decode(await store.get(path));
  return all;
}

describe("while the power is on it is a store", () => {
  storeSuite({
    test,
    open: async () => ({ store: powerLossStore(), [Symbol.asyncDispose]: async () => {} }),
  });
});

test("what was not synced is gone, what was synced or put if absent stays", async () => {
  const disk = powerLossStore();
  await disk.put("a/synced", bytes("1"));
  await disk.sync(["a/synced"]);
  await disk.put("a/later", bytes("2"));
  await disk.put("b/never", bytes("3"));
  await disk.putIfAbsent("log/x/0", bytes("4"));
  disk.cutPower();
  expect(await contents(disk)).toEqual({ "a/synced": "1", "log/x/0": "4" });
});

test("a synced name of a file that was not synced is an empty file", async () => {
  const disk = powerLossStore();
  await disk.put("a/later", bytes("2"));
  await disk.put("a/synced", bytes("1"));
  await disk.sync(["a/synced"]);
  disk.cutPower();
  expect(await contents(disk)).toEqual({ "a/later": "", "a/synced": "1" });
});

test("a replaced object that was not synced is back, a deleted one is not", async () => {
  const disk = powerLossStore();
  await disk.put("a", bytes("old"));
  await disk.put("b/1", bytes("old"));
  await disk.sync(["a", "b/1"]);
  await disk.put("a", bytes("new"));
  await disk.delete(["b/1"]);
  disk.cutPower();
  expect(await contents(disk)).toEqual({ a: "old" });
});

test("bytes that were written after the sync of a growing file are gone", async () => {
  const disk = powerLossStore();
  const writer = await disk.create("a");
  await writer.write(bytes("synced"));
  await disk.sync(["a"]);
  await writer.write(bytes(" and more"));
  await writer.complete();
  disk.cutPower();
  expect(await contents(disk)).toEqual({ a: "synced" });
});

test("a writer does not outlive the power", async () => {
  const disk = powerLossStore();
  const writer = await disk.create("a");
  disk.cutPower();
  await expect(writer.write(bytes("x"))).rejects.toMatchObject({ code: "ALV_STORE_FAILED" });
  await expect(writer.complete()).rejects.toMatchObject({ code: "ALV_STORE_FAILED" });
});

test("a rename loses never both names, and is durable after a sync of the target", async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const disk = powerLossStore();
    await disk.put("hidden/a", bytes("row"));
    await disk.sync(["hidden/a"]);
    await disk.rename("hidden/a", "final/deep/a");
    disk.cutPower({ unsynced: "random", seed });
    const left = await contents(disk);
    expect(Object.values(left), `seed ${seed}`).not.toContain("");
    expect(Object.keys(left).length, `seed ${seed}`).toBeGreaterThan(0);
    seen.add(Object.keys(left).join());
  }
  expect([...seen].sort()).toEqual(["final/deep/a", "final/deep/a,hidden/a", "hidden/a"]);
  const disk = powerLossStore();
  await disk.put("hidden/a", bytes("row"));
  await disk.sync(["hidden/a"]);
  await disk.rename("hidden/a", "final/deep/a");
  await disk.sync(["final/deep/a"]);
  disk.cutPower();
  expect(await contents(disk)).toEqual({ "final/deep/a": "row" });
});

test("a copy is durable after its sync, and not before", async () => {
  const disk = powerLossStore();
  await disk.put("hidden/a", bytes("row"));
  await disk.sync(["hidden/a"]);
  await disk.copy("hidden/a", "final/deep/a");
  disk.cutPower();
  expect(await contents(disk)).toEqual({ "hidden/a": "row" });
  await disk.copy("hidden/a", "final/deep/a");
  await disk.sync(["final/deep/a"]);
  await disk.delete(["hidden/a"]);
  disk.cutPower();
  expect(await contents(disk)).toEqual({ "final/deep/a": "row" });
});

test("by seed, unsynced bytes arrive whole, not at all, in part, or as zeros", async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 300; seed++) {
    const disk = powerLossStore();
    await disk.put("a", bytes("abc"));
    disk.cutPower({ unsynced: "random", seed });
    const { a = "absent" } = await contents(disk);
    seen.add(a);
    disk.cutPower({ unsynced: "random", seed: seed + 1 });
    expect(await contents(disk), `seed ${seed}`).toEqual(a === "absent" ? {} : { a });
  }
  expect([...seen].sort()).toEqual(["", "\0\0\0", "a", "a\0\0", "ab", "ab\0", "abc", "absent"]);
});
