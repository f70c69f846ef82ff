import { pipeline, type ObjectStore, type RunEvent, type Source, type Stream } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { faultStore } from "@alluvium/core/testing";
import { describe, expect, test } from "vitest";
import { delta, deltaTable, type DeltaOptions } from "../../src/delta/index.ts";
import { copyOf, idsOf, liveFiles, range, rowsFrom, schema, stopped } from "./maintain/care.ts";
import { batchOf } from "./tables.ts";

/** A source whose stream goes on after the last number that is committed. */
function numbers(until: number): Source<{ t: { row: object; ability: "append" } }> {
  const stream: Stream<number> = {
    name: "numbers",
    tables: [
      { name: "t", schema, primaryKey: [], disposition: { kind: "append" }, partitionBy: [], naming: "keep" },
    ],
    cursor: { version: 1, encode: (value) => value, decode: (json) => json as number },
    async *read({ since }) {
      yield { table: "t", batch: batchOf(schema, rowsFrom(since ?? 0, until)) };
      yield { checkpoint: until };
    },
  };
  return {
    specVersion: 1,
    name: "numbers",
    open: async () => ({ streams: [stream as Stream], async [Symbol.asyncDispose]() {} }),
  };
}

async function load(
  store: ObjectStore,
  until: number,
  optimize: DeltaOptions["optimize"],
): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  const destination = delta({ store, ...(optimize !== undefined && { optimize }) });
  await pipeline({ name: "p", source: numbers(until), destination, loadIdColumn: false }).run({
    onEvent: (event: RunEvent) => void events.push(event),
  });
  return events;
}

describe("optimize after loads", () => {
  test("puts small files together now and then, of the table of loads too", async () => {
    const store = memoryStore();
    const files: number[] = [];
    const events: RunEvent[] = [];
    for (let i = 1; i <= 9; i++) {
      events.push(...(await load(store, i * 10, { every: 4, minFiles: 3 })));
      files.push((await liveFiles(store)).length);
    }
    expect(await idsOf(store)).toEqual(range(0, 90));
    expect(Math.max(...files)).toBeLessThan(6);
    const done = events.filter((event) => event.type === "tableOptimized");
    expect(done.map(({ table }) => table)).toEqual(expect.arrayContaining(["t", "_alv_loads"]));
    expect(
      await Array.fromAsync((await deltaTable({ store, path: "_alv_loads" }).snapshot()).files()).then(
        (all) => all.length,
      ),
    ).toBeLessThan(6);
    // Unless it is asked for, nothing is done.
    const plain = memoryStore();
    for (let i = 1; i <= 9; i++) await load(plain, i * 10, undefined);
    expect(await liveFiles(plain)).toHaveLength(9);
  });

  test("its failure is an event, and the load stands", async () => {
    const store = memoryStore();
    for (let i = 1; i <= 3; i++) await load(store, i * 10, false);
    let committed = false;
    const broken = faultStore(store, {
      at: ({ call, path }) => {
        committed ||= path.endsWith("0003.applied");
        return committed && call === "create" && path.startsWith("t/") ? new Error("broken") : undefined;
      },
    });
    const events = await load(broken, 40, { every: 1, minFiles: 2 });
    expect(events.find((event) => event.type === "warning")).toMatchObject({
      table: "t",
      message: expect.stringContaining("broken"),
    });
    expect(events.at(-1)).toMatchObject({ type: "runFinished", report: { complete: true } });
    expect(await idsOf(store)).toEqual(range(0, 40));
  });

  test("stopped at every step, the next run brings each row once", { timeout: 120_000 }, async () => {
    const made = memoryStore();
    for (let i = 1; i <= 3; i++) await load(made, i * 10, false);
    const whole = faultStore(await copyOf(made));
    await load(whole, 40, { every: 1, minFiles: 2 });
    expect(whole.steps.some(({ path }) => /t\/_delta_log\/0+4\.json/.test(path))).toBe(true);
    for (let step = 0; step < whole.steps.length; step += 3) {
      const store = await copyOf(made);
      await stopped(load(faultStore(store, { stopAt: step }), 40, { every: 1, minFiles: 2 }));
      await store.delete(["_alluvium/p/main/_lease.json"]);
      await load(store, 50, { every: 1, minFiles: 2 });
      expect(await idsOf(store), `after a stop at step ${step}`).toEqual(range(0, 50));
    }
  });

  test.each([[{ every: 0 }], [{ purge: 2 }], [{ nothing: 1 }], ["yes"]])("refuses %o", async (optimize) => {
    await expect(load(memoryStore(), 1, optimize as never)).rejects.toMatchObject({ code: "ALV_CONFIG" });
  });
});
