import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fileStore } from "../../src/storage/file.ts";
import { memoryStore } from "../../src/storage/memory.ts";
import type { ObjectStore } from "../../src/storage/store.ts";
import { faultStore, StoppedError } from "../../src/testing/faults.ts";
import { powerLossStore } from "../../src/testing/power-loss.ts";
import { storeSuite } from "../../src/testing/store-suite.ts";

const bytes = (value: string) => new TextEncoder().encode(value);
const code = (wanted: string) => expect.objectContaining({ code: wanted });

async function write(store: ObjectStore): Promise<void> {
  await using writer = await store.create("data/1");
  await writer.write(bytes("one"));
  await writer.write(bytes("two"));
  await writer.complete();
  await store.sync(["data/1"]);
  await store.putIfAbsent("log/0", bytes("data/1"));
  await store.delete(["data/0", "data/x"]);
}

describe("without a plan it is the store", () => {
  storeSuite({
    test,
    open: async () => ({ store: faultStore(memoryStore()), [Symbol.asyncDispose]: async () => {} }),
  });
});

test("counts each call before and after its effect", async () => {
  const store = faultStore(memoryStore());
  await write(store);
  expect(store.steps.map(({ call, when, path }) => `${call} ${when} ${path}`)).toMatchInlineSnapshot(`
    [
      "create before data/1",
      "create after data/1",
      "write before data/1",
      "write after data/1",
      "write before data/1",
      "write after data/1",
      "complete before data/1",
      "complete after data/1",
      "sync before data/1",
      "sync after data/1",
      "putIfAbsent before log/0",
      "putIfAbsent after log/0",
      "delete before data/0",
      "delete after data/0",
      "delete before data/x",
      "delete after data/x",
    ]
  `);
});

test("stops at each step, with all effects before it and none after, and stays dead", async () => {
  for (let k = 0; k < 16; k++) {
    const disk = memoryStore();
    await disk.put("data/0", bytes("old"));
    const store = faultStore(disk, { stopAt: k });
    await expect(write(store)).rejects.toBeInstanceOf(StoppedError);
    expect(store.stopped).toBe(true);
    await expect(store.head("data/1")).rejects.toBeInstanceOf(StoppedError);
    await expect(store.put("late", bytes("x"))).rejects.toBeInstanceOf(StoppedError);
    const there = async (path: string) => (await disk.head(path)) !== undefined;
    expect([k, await there("data/1")]).toEqual([k, k >= 7]);
    expect([k, await there("log/0")]).toEqual([k, k >= 11]);
    expect([k, await there("data/0")]).toEqual([k, k < 13]);
    expect(await disk.head("late")).toBeUndefined();
  }
});

test("a dead process leaves its open files as they are", async () => {
  const root = await mkdtemp(join(tmpdir(), "alluvium-faults-"));
  try {
    await expect(write(faultStore(fileStore(root), { stopAt: 5 }))).rejects.toBeInstanceOf(StoppedError);
    expect(await readdir(join(root, "data"))).toEqual(["1"]);
  } finally {
    await rm(root, { recursive: true });
  }
});

test("a dead process cleans nothing up", async () => {
  const disk = powerLossStore();
  await expect(write(faultStore(disk, { stopAt: 5 }))).rejects.toBeInstanceOf(StoppedError);
  expect(await disk.head("data/1")).toMatchObject({ size: 6 });
});

test("fails before the effect, loses the answer after it", async () => {
  const disk = memoryStore();
  const at = (when: "before" | "after") =>
    faultStore(disk, { at: (step) => (step.when === when ? "transient" : undefined) });
  await expect(at("before").putIfAbsent("a", bytes("a"))).rejects.toEqual(code("ALV_STORE_FAILED"));
  expect(await disk.head("a")).toBeUndefined();
  await expect(at("after").putIfAbsent("a", bytes("a"))).rejects.toMatchObject({
    code: "ALV_STORE_FAILED",
    retryable: true,
  });
  expect(await disk.head("a")).toBeDefined();
});

test("injects a full disk, errors of one's own, and delays", async () => {
  const mine = new Error("mine");
  const store = faultStore(memoryStore(), {
    at: ({ call, when }) => {
      if (when === "after") return undefined;
      if (call === "put") return "full";
      return call === "head" ? mine : { delay: 30 };
    },
  });
  await expect(store.put("a", bytes("a"))).rejects.toEqual(code("ALV_STORE_FULL"));
  await expect(store.head("a")).rejects.toBe(mine);
  const start = performance.now();
  await store.delete(["a"]);
  expect(performance.now() - start).toBeGreaterThan(25);
});

test("lets a second writer in between two steps", async () => {
  const disk = memoryStore();
  const zombie = faultStore(disk, {
    at: async ({ call, when }) => {
      if (call === "putIfAbsent" && when === "before") await disk.putIfAbsent("log/0", bytes("second"));
      return undefined;
    },
  });
  expect(await zombie.putIfAbsent("log/0", bytes("first"))).toBe(false);
});
