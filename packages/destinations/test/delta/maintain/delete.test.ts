import { describe, expect, test } from "vitest";
import { memoryStore } from "@alluvium/core/storage/memory";
import { faultStore } from "@alluvium/core/testing";
import {
  append,
  copyOf,
  stopped,
  commitOf,
  filesIn,
  idsOf,
  liveFiles,
  makeTable,
  range,
  rowsFrom,
  tableIn,
  type TableOptions,
} from "./care.ts";

const byId = (ids: readonly number[]) => [{ column: "id", op: "in" as const, value: ids }];
const without = (all: readonly number[], gone: readonly number[]) => all.filter((id) => !gone.includes(id));

async function filled(options: TableOptions = {}) {
  const store = memoryStore();
  await makeTable(store, options);
  for (let load = 0; load < 3; load++)
    await append(store, load, rowsFrom(load * 10, load * 10 + 10), options);
  return store;
}

describe("delete", () => {
  test("marks rows in one vector file and writes no data again", async () => {
    const store = await filled();
    const before = (await filesIn(store)).length;
    const result = await tableIn(store).delete({ where: byId([1, 2, 25]) });
    expect(result).toEqual({
      version: 4,
      rowsDeleted: 3,
      filesMarked: 2,
      filesRemoved: 0,
      filesAdded: 0,
      remains: undefined,
    });
    expect(await filesIn(store)).toHaveLength(before + 1);
    expect(await idsOf(store)).toEqual(without(range(0, 30), [1, 2, 25]));
    const actions = await commitOf(store, 4);
    expect(actions[0]?.commitInfo).toMatchObject({ operation: "DELETE", isBlindAppend: false });
    // What is erased is not written down.
    expect(actions[0]?.commitInfo?.operationParameters).toEqual({ predicate: '["id in ?"]' });
    const statistics = actions.flatMap(({ add }) => (add ? [JSON.parse(add.stats!)] : []));
    expect(statistics).toMatchObject(Array(2).fill({ numRecords: 10, tightBounds: false }));
    // A second one unites with the first.
    expect(await tableIn(store).delete({ where: byId([1, 3]) })).toMatchObject({
      rowsDeleted: 1,
      filesMarked: 1,
    });
    expect((await liveFiles(store)).map(({ deletedRows }) => deletedRows).sort((a, b) => a - b)).toEqual([
      0, 1, 3,
    ]);
    expect(
      (await tableIn(store).verify({ deep: true })).findings.filter(({ kind }) => kind !== "orphan"),
    ).toEqual([]);
  });

  test("a file of which nothing is left goes as a whole", async () => {
    const store = await filled();
    await tableIn(store).delete({ where: byId([11]) });
    const result = await tableIn(store).delete({
      where: [
        { column: "id", op: ">=", value: 10 },
        { column: "id", op: "<", value: 20 },
      ],
    });
    expect(result).toMatchObject({ rowsDeleted: 9, filesMarked: 0, filesRemoved: 1 });
    expect(await tableIn(store).delete({ where: byId(range(0, 10)) })).toMatchObject({
      rowsDeleted: 10,
      filesRemoved: 1,
    });
    expect(await idsOf(store)).toEqual(range(20, 30));
  });

  test("without the feature files are written again", async () => {
    const store = await filled({ vectors: false });
    expect(await tableIn(store).delete({ where: byId([1, 2]) })).toMatchObject({
      rowsDeleted: 2,
      filesMarked: 0,
      filesRemoved: 1,
      filesAdded: 1,
    });
    expect(await idsOf(store)).toEqual(without(range(0, 30), [1, 2]));
  });

  test("partitions go without reading", async () => {
    const options = { partitionBy: [{ column: "part" }] };
    const store = memoryStore();
    await makeTable(store, options);
    await append(
      store,
      0,
      rowsFrom(0, 30, (id) => ({ part: id < 10 ? "a" : "b" })),
      options,
    );
    const reads = faultStore(store);
    expect(await tableIn(reads).delete({ where: [{ column: "part", op: "=", value: "a" }] })).toMatchObject({
      rowsDeleted: 10,
      filesRemoved: 1,
    });
    expect(reads.steps.some(({ path }) => path.endsWith(".parquet"))).toBe(false);
    const both = [{ column: "part", op: "=" as const, value: "b" }, ...byId([3, 12])];
    expect(await tableIn(store).delete({ where: both })).toMatchObject({ rowsDeleted: 1, filesMarked: 1 });
    expect(await idsOf(store)).toEqual(without(range(10, 30), [12]));
  });

  test("nothing matches, everything would, the table only grows", async () => {
    const store = await filled();
    expect(await tableIn(store).delete({ where: byId([77]) })).toMatchObject({
      version: undefined,
      rowsDeleted: 0,
    });
    await expect(tableIn(store).delete({ where: [] })).rejects.toMatchObject({ code: "ALV_CONFIG" });
    const fixed = await filled({ properties: { "delta.appendOnly": "true" } });
    await expect(tableIn(fixed).delete({ where: byId([1]) })).rejects.toMatchObject({
      code: "ALV_TABLE_FEATURE",
    });
  });

  test("purge leaves no byte in the files and statistics of the new version, of deleted rows neither", async () => {
    const store = memoryStore();
    await makeTable(store);
    await append(store, 0, [...rowsFrom(0, 10), { id: 10, text: "zzz-secret" }]);
    await append(store, 1, [...rowsFrom(20, 30), { id: 31, text: "zzz-secret" }]);
    // Its row in the second file is already dead.
    await tableIn(store).delete({ where: byId([31]) });
    await store.put(
      "t/_alv_staged/part-1.parquet",
      await store.get(`t/${(await filesIn(store)).find((path) => path.endsWith(".parquet"))!}`),
    );
    const result = await tableIn(store).delete({
      where: [{ column: "text", op: "=", value: "zzz-secret" }],
      purge: true,
    });
    expect(result).toMatchObject({
      version: 4,
      rowsDeleted: 1,
      filesMarked: 0,
      filesRemoved: 2,
      filesAdded: 2,
      remains: { untilVersion: 3, stagedDeleted: ["_alv_staged/part-1.parquet"] },
    });
    const week = result.remains!.filesUntil.getTime() - Date.now();
    expect(Math.round(week / 86_400_000)).toBe(7);
    for (const { path, statistics } of await liveFiles(store)) {
      expect(statistics).not.toContain("secret");
      const bytes = await store.get(path.replace("memory:/", ""));
      expect(Buffer.from(bytes).includes("secret")).toBe(false);
    }
    expect(await idsOf(store)).toEqual([...range(0, 10), ...range(20, 30)]);
    // The file that stood in the way is gone after a vacuum.
    await tableIn(store).vacuum({ retention: {}, unsafeRetention: true });
    for (const path of await filesIn(store))
      expect(Buffer.from(await store.get(`t/${path}`)).includes("secret")).toBe(false);
  });

  test("purges nothing of a run that is at work", async () => {
    const store = await filled();
    const staged = "t/_alv_staged/part-1.parquet";
    await store.put(staged, await store.get(`t/${(await filesIn(store))[0]!}`));
    await store.put("_alluvium/shop/main/_lease.json", new TextEncoder().encode("{}"));
    await expect(tableIn(store).delete({ where: byId(range(0, 30)), purge: true })).rejects.toMatchObject({
      code: "ALV_CONCURRENT_RUN",
    });
    expect(await store.head(staged)).toBeDefined();
  });

  test.each(["vectors", "rewrite", "purge"] as const)(
    "by %s: stopped at every step, and again it finishes",
    async (how) => {
      const options = { vectors: how !== "rewrite" };
      const call = { where: byId([1, 2, ...range(20, 30)]), purge: how === "purge" };
      const made = await filled(options);
      const whole = faultStore(await copyOf(made));
      await tableIn(whole).delete(call);
      expect(whole.steps.length).toBeGreaterThan(15);
      const wanted = without(range(0, 20), [1, 2]);
      for (let step = 0; step < whole.steps.length; step++) {
        const store = await filled(options);
        await stopped(tableIn(faultStore(store, { stopAt: step })).delete(call));
        expect([range(0, 30), wanted], `stopped at step ${step}`).toContainEqual(await idsOf(store));
        await tableIn(store).delete(call);
        expect(await idsOf(store), `finished after step ${step}`).toEqual(wanted);
      }
    },
  );

  test.each(["vectors", "rewrite"] as const)(
    "by %s: an append or another deletion at every step",
    async (how) => {
      const options = { vectors: how === "vectors" };
      const call = { where: [{ column: "id", op: ">=" as const, value: 25 }] };
      const made = await filled(options);
      const whole = faultStore(await copyOf(made));
      await tableIn(whole).delete(call);
      for (let step = 0; step < whole.steps.length; step++)
        for (const other of ["append", "delete", "optimize"] as const) {
          const store = await filled(options);
          const stepped = faultStore(store, {
            async at({ index }) {
              if (index !== step) return undefined;
              if (other === "append") await append(store, 3, rowsFrom(30, 40));
              else if (other === "delete") await tableIn(store).delete({ where: byId([3, 21, 26]) });
              else await tableIn(store).optimize();
              return undefined;
            },
          });
          const result = await tableIn(stepped).delete(call);
          const ids = await idsOf(store);
          const base = other === "delete" ? without(range(0, 25), [3, 21]) : range(0, 25);
          // Serializable: what was added before the deletion is deleted, what came after stays.
          const late = result.version === 4 && other === "append";
          expect(ids, `${other} at step ${step}`).toEqual(late ? [...base, ...range(30, 40)] : base);
        }
    },
  );
});
