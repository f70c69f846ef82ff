import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { AlluviumError } from "@alluvium/core";
import { memoryDestination, memoryTables, type MemoryStore } from "@alluvium/core/testing";
import { runPipeline } from "../../src/run/run.ts";
import { faultyDestination } from "./faulty-destination.ts";
import { type Script, scriptedSource } from "./scripted-source.ts";

// Thousands of runs: quick on an idle machine, not on a busy one.
vi.setConfig({ testTimeout: 120_000 });

const scripts: readonly Script[] = [
  { name: "often", rows: 9, every: 1 },
  { name: "seldom", rows: 10, every: 4, batch: 3 },
  { name: "whole", rows: 7, every: 0, batch: 2, disposition: { kind: "replace", allowEmpty: false } },
  { name: "marked", rows: 6, every: 2, disposition: { kind: "replace", allowEmpty: false } },
];

const ids = (store: MemoryStore, table: string): number[] =>
  store
    .rows(table)
    .map(({ id }) => Number(id))
    .sort((left, right) => left - right);
const upTo = (end: number): number[] => Array.from({ length: end }, (_, i) => i);

/** A fault at one step, counted over the whole of a run. */
interface Fault {
  readonly step: number;
  readonly code: "ALV_STORE_FAILED" | "ALV_INTERNAL";
}

/** One run that fails at the given steps. Every step of source and destination counts. */
async function attempt(
  store: MemoryStore,
  faults: readonly Fault[],
  commitBytes: number,
): Promise<{ readonly done: boolean; readonly steps: number }> {
  let steps = 0;
  const onStep = (): void => {
    const fault = faults.find(({ step }) => step === steps);
    steps += 1;
    if (fault !== undefined) throw new AlluviumError(fault.code, `fault at step ${fault.step}`);
  };
  const destination = faultyDestination(memoryDestination({ store }), onStep);
  const source = scriptedSource(scripts.map((script) => ({ ...script, onItem: onStep })));
  try {
    const report = await runPipeline(
      { name: "p", source, destination, concurrency: 3, leaseWait: 0 },
      { commitBytes, retry: { attempts: 3, minDelay: 0, maxDelay: 0 } },
    );
    return { done: report.complete, steps };
  } catch (error) {
    if (!AlluviumError.is(error) || !error.message.startsWith("fault")) throw error;
    return { done: false, steps };
  }
}

/** What holds at every moment: tables and cursors agree, and a replaced table is whole or not there. */
function check(store: MemoryStore): void {
  const state = store.pipelines.get('["p","main"]')?.state;
  for (const name of ["often", "seldom"])
    expect(ids(store, name), name).toEqual(upTo(Number(state?.streams[name]?.cursor ?? 0)));
  for (const { name, rows } of scripts.slice(2))
    expect([[], upTo(rows)], name).toContainEqual(ids(store, name));
}

function checkAll(store: MemoryStore): void {
  check(store);
  for (const { name, rows } of scripts) expect(ids(store, name), name).toEqual(upTo(rows));
}

test("a fault at every single step, passing or final, costs and doubles no row", async () => {
  const { steps } = await attempt(memoryTables(), [], 60);
  expect(steps).toBeGreaterThan(100);
  for (const code of ["ALV_STORE_FAILED", "ALV_INTERNAL"] as const)
    for (let step = 0; step < steps; step++) {
      const store = memoryTables();
      const { done } = await attempt(store, [{ step, code }], 60);
      check(store);
      store.crash();
      expect(done || (await attempt(store, [], 60)).done).toBe(true);
      checkAll(store);
    }
});

test("two faults that meet: a seal fails after it took hold, and another stream's commit comes before it is undone", async () => {
  for (let first = 0; first < 60; first++)
    for (const apart of [1, 2, 3, 4, 5, 6]) {
      const store = memoryTables();
      const code = "ALV_STORE_FAILED";
      const faults = [
        { step: first, code },
        { step: first + apart, code },
      ] as const;
      await attempt(store, faults, 1);
      check(store);
      expect(ids(store, "often").length).toBeLessThanOrEqual(9);
    }
});

test("any schedule of faults, over several runs, gives every row once", async () => {
  const faults = fc.array(
    fc.record({
      step: fc.nat({ max: 160 }),
      code: fc.constantFrom("ALV_STORE_FAILED" as const, "ALV_INTERNAL" as const),
    }),
    { maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(faults, { maxLength: 4 }),
      fc.constantFrom(1, 40, 200, 1e9),
      async (runs, commitBytes) => {
        const store = memoryTables();
        for (const schedule of runs) {
          await attempt(store, schedule, commitBytes);
          check(store);
          store.crash();
        }
        expect((await attempt(store, [], commitBytes)).done).toBe(true);
        checkAll(store);
      },
    ),
    { numRuns: 150, timeout: 30_000 },
  );
});
