import { pipeline, type ObjectStore, type Source, type Stream } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { faultStore } from "@alluvium/core/testing";
import { describe, expect, test } from "vitest";
import { delta, deltaTable } from "../../../src/delta/index.ts";
import { batchOf } from "../tables.ts";
import {
  append,
  commitOf,
  copyOf,
  idsOf,
  liveFiles,
  makeTable,
  range,
  rowsFrom,
  schema,
  stopped,
  tableIn,
} from "./care.ts";

const byId = (ids: readonly number[]) => [{ column: "id", op: "in" as const, value: ids }];
const without = (all: readonly number[], gone: readonly number[]) => all.filter((id) => !gone.includes(id));

/** Versions: 1 and 2 appends, 3 and 4 deletions in the same file, 5 all of it in one file, 6 an append. */
async function used(): Promise<ObjectStore> {
  const store = memoryStore();
  await makeTable(store);
  await append(store, 0, rowsFrom(0, 10));
  await append(store, 1, rowsFrom(10, 20));
  await tableIn(store).delete({ where: byId([1]) });
  await tableIn(store).delete({ where: byId([2]) });
  await tableIn(store).optimize({ purge: 0 });
  await append(store, 2, rowsFrom(20, 30));
  return store;
}

describe("restore", () => {
  test("any version, vectors included, and back again", async () => {
    const store = await used();
    const versions = [
      [],
      range(0, 10),
      range(0, 20),
      without(range(0, 20), [1]),
      without(range(0, 20), [1, 2]),
      without(range(0, 20), [1, 2]),
      without(range(0, 30), [1, 2]),
    ];
    for (const version of [3, 0, 6, 4, 2, 5, 1, 6]) {
      const result = await tableIn(store).restore({ version });
      expect(result.restored).toBe(version);
      expect(await idsOf(store), `version ${version}`).toEqual(versions[version]);
      expect((await tableIn(store).verify({ deep: true })).findings).toEqual([]);
    }
    const [first] = await commitOf(store, 7);
    expect(first?.commitInfo).toMatchObject({
      operation: "RESTORE",
      operationParameters: { version: "3" },
      isBlindAppend: false,
    });
    expect(await tableIn(store).restore({ version: 6 })).toMatchObject({
      version: undefined,
      filesAdded: 0,
      filesRemoved: 0,
    });
  });

  test("by time, and what it refuses", async () => {
    let now = 1_000;
    const store = memoryStore({ clock: () => new Date((now += 1000)) });
    await makeTable(store);
    await append(store, 0, rowsFrom(0, 10));
    const between = new Date(now);
    await append(store, 1, rowsFrom(10, 20));
    expect(await tableIn(store).restore({ timestamp: between })).toMatchObject({ restored: 1 });
    expect(await idsOf(store)).toEqual(range(0, 10));
    await expect(tableIn(store).restore({})).rejects.toMatchObject({ code: "ALV_CONFIG" });
    await expect(tableIn(store).restore({ version: 1, timestamp: between })).rejects.toMatchObject({
      code: "ALV_CONFIG",
    });
    await expect(tableIn(store).restore({ version: 9 })).rejects.toMatchObject({ code: "ALV_NOT_FOUND" });
    await expect(tableIn(store).restore({ version: 1, rewind: true })).rejects.toMatchObject({
      code: "ALV_CONFIG",
    });
  });

  test("a version whose files a vacuum deleted is refused with their names", async () => {
    const store = await used();
    await tableIn(store).vacuum({ retention: {}, unsafeRetention: true });
    await expect(tableIn(store).restore({ version: 3 })).rejects.toMatchObject({
      code: "ALV_NOT_FOUND",
      message: expect.stringMatching(/part-.*parquet.*deletion_vector_|deletion_vector_.*part-.*parquet/),
    });
    expect(await idsOf(store)).toEqual(without(range(0, 30), [1, 2]));
    expect(await tableIn(store).restore({ version: 5 })).toMatchObject({ restored: 5, filesRemoved: 1 });
  });

  test("columns go back, properties stay", async () => {
    const store = memoryStore();
    const narrow = { fields: schema.fields.slice(0, 1) };
    await makeTable(store, { schema: narrow });
    await append(store, 0, [{ id: 1 }], { schema: narrow });
    await append(store, 1, [{ id: 2, text: "new" }]);
    await tableIn(store).restore({ version: 1 });
    const snapshot = await tableIn(store).snapshot();
    expect(snapshot.schema.fields.map(({ name }) => name)).toEqual(["id"]);
    expect(snapshot.metadata.properties["delta.enableDeletionVectors"]).toBe("true");
    expect(await idsOf(store)).toEqual([1]);
    await append(store, 2, [{ id: 3, text: "again" }]);
    expect(await idsOf(store)).toEqual([1, 3]);
  });

  test("stopped at every step, with others in the middle", async () => {
    const made = await used();
    const whole = faultStore(await copyOf(made));
    await tableIn(whole).restore({ version: 3 });
    const wanted = without(range(0, 20), [1]);
    for (let step = 0; step < whole.steps.length; step++) {
      const store = await copyOf(made);
      await stopped(tableIn(faultStore(store, { stopAt: step })).restore({ version: 3 }));
      expect([without(range(0, 30), [1, 2]), wanted], `stopped at step ${step}`).toContainEqual(
        await idsOf(store),
      );
      await tableIn(store).restore({ version: 3 });
      expect(await idsOf(store), `finished after step ${step}`).toEqual(wanted);
      const raced = await copyOf(made);
      const at = async ({ index }: { readonly index: number }) => {
        if (index === step) await append(raced, 3, rowsFrom(30, 40));
        return undefined;
      };
      const { version } = await tableIn(faultStore(raced, { at })).restore({ version: 3 });
      // An append before it goes, one after it stays.
      expect(await idsOf(raced), `append at step ${step}`).toEqual(
        version === 7 ? [...wanted, ...range(30, 40)] : wanted,
      );
    }
  });
});

/** A source whose stream goes on after the last number that is committed; with `twins` it feeds two tables. */
function numbers(until: number, twins = false): Source<{ t: { row: object; ability: "append" } }> {
  const names = twins ? ["t", "u"] : ["t"];
  const stream: Stream<number> = {
    name: "numbers",
    tables: names.map((name) => ({
      name,
      schema,
      primaryKey: [],
      disposition: { kind: "append" },
      partitionBy: [],
      naming: "keep",
    })),
    cursor: { version: 1, encode: (value) => value, decode: (json) => json as number },
    async *read({ since }) {
      const from = since ?? 0;
      for (const table of names) yield { table, batch: batchOf(schema, rowsFrom(from, until)) };
      yield { checkpoint: until };
    },
  };
  return {
    specVersion: 1,
    name: "numbers",
    open: async () => ({ streams: [stream as Stream], async [Symbol.asyncDispose]() {} }),
  };
}

async function run(store: ObjectStore, until: number, twins = false): Promise<void> {
  await pipeline({
    name: "p",
    source: numbers(until, twins),
    destination: delta({ store }),
    loadIdColumn: false,
  }).run();
}

describe("restore with rewind", () => {
  test("brings back the rows since then, once", async () => {
    const store = memoryStore();
    for (const until of [10, 20, 30]) await run(store, until);
    expect(await tableIn(store).restore({ version: 0, rewind: true })).toMatchObject({
      version: 3,
      rewound: { pipeline: "p", lane: "main", stream: "numbers", loadId: expect.any(String) },
    });
    expect(await idsOf(store)).toEqual(range(0, 10));
    await run(store, 35);
    expect(await idsOf(store)).toEqual(range(0, 35));
    // Without it they stay away.
    await tableIn(store).restore({ version: 1 });
    await run(store, 40);
    expect(await idsOf(store)).toEqual([...range(0, 20), ...range(35, 40)]);
  });

  test("a stream of several tables, a lost manifest and a running pipeline are refused, and nothing is changed", async () => {
    const twins = memoryStore();
    for (const until of [10, 20]) await run(twins, until, true);
    await expect(tableIn(twins).restore({ version: 0, rewind: true })).rejects.toMatchObject({
      code: "ALV_UNSUPPORTED",
      message: expect.stringContaining("also feeds u"),
    });
    expect(await idsOf(twins)).toEqual(range(0, 20));

    const store = memoryStore();
    for (const until of [10, 20, 30]) await run(store, until);
    await store.delete([`_alluvium/p/main/${"0".repeat(20)}.json`]);
    await expect(tableIn(store).restore({ version: 0, rewind: true })).rejects.toMatchObject({
      code: "ALV_NOT_FOUND",
    });
    expect(await idsOf(store)).toEqual(range(0, 30));
  });

  test(
    "stopped at every step, and again it finishes; the next run brings each row once",
    { timeout: 120_000 },
    async () => {
      const made = memoryStore();
      for (const until of [10, 20, 30]) await run(made, until);
      const whole = faultStore(await copyOf(made));
      await deltaTable({ store: whole, path: "t" }).restore({ version: 1, rewind: true });
      for (let step = 0; step < whole.steps.length; step++) {
        const store = await copyOf(made);
        await stopped(tableIn(faultStore(store, { stopAt: step })).restore({ version: 1, rewind: true }));
        // Ended by its process, the lease is nobody's.
        await store.delete(["_alluvium/p/main/_lease.json"]);
        await tableIn(store).restore({ version: 1, rewind: true });
        expect(await idsOf(store), `finished after step ${step}`).toEqual(range(0, 20));
        await run(store, 35);
        expect(await idsOf(store), `run after step ${step}`).toEqual(range(0, 35));
        expect((await liveFiles(store)).length).toBe(3);
      }
    },
  );
});
