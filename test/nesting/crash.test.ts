import { expect, test } from "vitest";
import { pipeline, resource, source, type ObjectStore, type Pipeline } from "@alluvium/core";
import { rebuildRows } from "@alluvium/core/nesting";
import { delta } from "@alluvium/destinations/delta";
import { atOnce, readPages, seed, stopAtSteps, stride } from "../crash/stopped.ts";
import { readBack } from "./round-trip.ts";

interface Order {
  readonly id: number;
  readonly items: readonly { readonly sku: string; readonly tags: readonly string[] }[];
}

/** An order as it was in a version. */
const order = (id: number, version = 0): Order => ({
  id,
  items: Array.from({ length: (id + version) % 4 }, (_, i) => ({
    sku: `${id}-${i}`,
    tags: i === 1 ? [] : ["a", `${id}-${version}`],
  })),
});
const pages = Array.from({ length: 5 }, (_, page) => [
  order(3 * page),
  order(3 * page + 1),
  order(3 * page + 2),
]);
/** Pages of which later ones bring orders again, some twice in a page, some as they were. */
const changes = [
  ...pages.slice(0, 3),
  [order(1, 1), order(1, 2), order(4)],
  [order(8, 1), order(20), order(0, 3)],
  [order(20, 1), order(1, 1)],
];

/** What is loaded, and how. */
interface Trial {
  readonly name: string;
  readonly disposition: "append" | "replace" | "merge";
  readonly pages: readonly (readonly Order[])[];
  readonly mergeMode?: "vectors" | "rewrite";
}

const trials: readonly Trial[] = [
  { name: "append", disposition: "append", pages },
  { name: "replace", disposition: "replace", pages },
  { name: "merge by vectors", disposition: "merge", pages: changes, mergeMode: "vectors" },
  { name: "merge by rewriting", disposition: "merge", pages: changes, mergeMode: "rewrite" },
];

function shop(store: ObjectStore, { disposition, pages: given, mergeMode = "vectors" }: Trial): Pipeline {
  const orders = resource({
    name: "orders",
    nesting: "tables",
    primaryKey: "id",
    // Which one it is, only the run knows.
    disposition: disposition as "merge",
    read: readPages(given),
  });
  return pipeline({
    name: "shop",
    source: source("shop", () => [orders])(),
    destination: delta({ store, mergeMode }),
    leaseWait: 0,
  });
}

/** What the tables hold, put together; none before the first load. */
async function rebuilt(store: ObjectStore, trial: Trial): Promise<readonly unknown[]> {
  const state = await shop(store, trial).state();
  if (state === undefined) return [];
  const rows = await readBack(delta({ store }), state);
  const { orders = [], ...children } = rows;
  const roots = new Set(orders.map((row) => row["_alv_row_id"]));
  for (const [table, own] of Object.entries(rows))
    expect(new Set(own.map((row) => row["_alv_row_id"])).size, table).toBe(own.length);
  for (const [table, own] of Object.entries(children))
    expect(
      own.filter((row) => !roots.has(row["_alv_root_id"])),
      table,
    ).toEqual([]);
  return rebuildRows({ table: "orders", tables: state.tables, rows })
    .map((row) => ({ id: Number(row["id"]), items: row["items"] }))
    .toSorted((a, b) => a.id - b.id);
}

/** What there is after so many pages. */
function after({ pages: given, disposition }: Trial, count: number): readonly Order[] {
  if (disposition === "replace" && count < given.length) return [];
  return [
    ...new Map(given.slice(0, count).flatMap((page) => page.map((row) => [row.id, row]))).values(),
  ].toSorted((a, b) => a.id - b.id);
}

for (const trial of trials)
  test(
    `stopped at a step of a load into Delta, roots and child rows are there once: ${trial.name} (seed ${seed}, stride ${stride})`,
    {
      timeout: 300_000,
    },
    async () => {
      const states = Array.from({ length: trial.pages.length + 1 }, (_, count) => after(trial, count));
      const steps = await stopAtSteps({
        // Merges take many steps, and the suite of the lake stops at more of them.
        every: trial.disposition === "merge" ? 3 * stride : stride,
        run: (store) => shop(store, trial).run(atOnce),
        async check(disk, step) {
          // Whole rows of the pages before a checkpoint, and of a replaced table all or none.
          expect(states, `recovered after step ${step}`).toContainEqual(await rebuilt(disk, trial));
          await shop(disk, trial).run(atOnce);
          expect(await rebuilt(disk, trial), `completed after step ${step}`).toEqual(states.at(-1));
        },
      });
      expect(steps).toBeGreaterThan(20);
    },
  );
