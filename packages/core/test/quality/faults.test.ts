import { expect, test, vi } from "vitest";
import {
  AlluviumError,
  notNull,
  pipeline,
  range,
  resource,
  rowCount,
  source,
  unique,
  type DispositionOption,
} from "@alluvium/core";
import { memoryDestination, memoryTables, type MemoryStore } from "@alluvium/core/testing";
import { faultyDestination } from "../run/faulty-destination.ts";
import { faultyRun, type Fault } from "../run/faulty-run.ts";

// Hundreds of runs: quick on an idle machine, not on a busy one.
vi.setConfig({ testTimeout: 120_000 });

interface Reading {
  readonly id: number;
  readonly value: number | null;
}

/** Of each page one row is bad. */
const pages: readonly (readonly Reading[])[] = [0, 1, 2].map((page) => [
  { id: 3 * page, value: page },
  { id: 3 * page + 1, value: -1 },
  { id: 3 * page + 2, value: null },
]);
const good = [0, 2, 3, 5, 6, 8];
const bad = [1, 4, 7];

/** One run that fails at the given step. Gives the number of steps. */
function attempt(store: MemoryStore, disposition: DispositionOption<Reading>, fault: Fault): Promise<number> {
  return faultyRun(store, fault, (destination, readPages) => {
    const readings = resource({
      name: "readings",
      primaryKey: "id",
      disposition: disposition as "merge",
      checks: [
        range("value", { min: 0 }, { severity: "quarantine" }),
        notNull("value", { severity: "warn" }),
        unique("id"),
        rowCount({ max: 6 }),
      ],
      read: readPages(pages),
    });
    return pipeline({ name: "p", source: source("s", () => [readings])(), destination, leaseWait: 0 });
  });
}

const ids = (store: MemoryStore): readonly number[] =>
  store
    .rows("readings")
    .map((row) => Number(row["id"]))
    .toSorted((a, b) => a - b);

/** What results say of the rows of each load is what the load holds. */
function agree(store: MemoryStore, disposition: DispositionOption<Reading>): void {
  const results = store.rows("_alv_checks");
  const history = store.pipelines.get('["p","main"]')?.history ?? [];
  for (const { loadId, tables } of history) {
    const own = results.filter((row) => row["load_id"] === loadId);
    const names = own.map((row) => row["check_name"]);
    expect(new Set(names).size, "each result is there once").toBe(names.length);
    const count = (table: string): number => tables.find((one) => one.table === table)?.rows ?? 0;
    const range = own.find((row) => row["check_name"] === "range(value)");
    // In tables of which several rows become one the load's rows are those that were written.
    expect(Number(range?.["checked_rows"] ?? 0), `rows of load ${loadId}`).toBe(
      count("readings") + count("readings__quarantine"),
    );
    expect(Number(range?.["failed_rows"] ?? 0)).toBe(count("readings__quarantine"));
  }
  const known = new Set<unknown>(history.map(({ loadId }) => loadId));
  expect(results.filter((row) => !known.has(row["load_id"]))).toEqual([]);
  const refused = store.rows("readings__quarantine");
  const failed = results
    .filter((row) => row["check_name"] === "range(value)")
    .reduce((sum, row) => sum + Number(row["failed_rows"]), 0);
  expect(disposition === "replace" || failed === refused.length).toBe(true);
}

for (const disposition of ["append", "merge", "replace"] as const)
  test(`a fault at every single step costs and doubles no row, no refused row and no result: ${disposition}`, async () => {
    const steps = await attempt(memoryTables(), disposition, { step: -1, code: "ALV_INTERNAL" });
    expect(steps).toBeGreaterThan(30);
    for (const code of ["ALV_STORE_FAILED", "ALV_INTERNAL"] as const)
      for (let step = 0; step < steps; step++) {
        const store = memoryTables();
        await attempt(store, disposition, { step, code });
        agree(store, disposition);
        store.crash();
        await attempt(store, disposition, { step: -1, code });
        agree(store, disposition);
        expect(ids(store), `${code} at step ${step}`).toEqual(good);
        const rows = store
          .rows("readings__quarantine")
          .map((row) => (JSON.parse(String(row["row"])) as { id: number }).id);
        expect(rows.toSorted((a, b) => a - b)).toEqual(bad);
        const after = store.rows("_alv_checks").filter((row) => row["check_name"] === "unique(id)");
        expect(after.at(-1)).toMatchObject({ passed: true, checked_rows: 6n });
      }
  });

test("a check that fails at every attempt to load never lets a row through, wherever a run is stopped", async () => {
  const store = memoryTables();
  const readings = resource({
    name: "readings",
    disposition: "replace",
    checks: [range("value", { min: 0 })],
    *read() {
      yield pages.flat();
    },
  });
  let steps = 0;
  let fault = -1;
  const run = async (): Promise<unknown> => {
    steps = 0;
    const destination = faultyDestination(memoryDestination({ store }), () => {
      if (steps++ === fault) throw new AlluviumError("ALV_INTERNAL", "fault");
    });
    const load = pipeline({ name: "p", source: source("s", () => [readings])(), destination, leaseWait: 0 });
    return load.run({ retry: { attempts: 1 } }).catch((error: unknown) => error);
  };
  expect(await run()).toMatchObject({ code: "ALV_CHECK_FAILED" });
  const all = steps;
  for (fault = 0; fault < all; fault++) {
    expect(AlluviumError.is(await run())).toBe(true);
    store.crash();
    expect([...store.tables.keys()]).toEqual([]);
  }
});
