import { expect, test } from "vitest";
import {
  AlluviumError,
  checkpoint,
  pipeline,
  resource,
  source,
  type ObjectStore,
  type Pipeline,
} from "@alluvium/core";
import { rebuildRows } from "@alluvium/core/nesting";
import { memoryStore } from "@alluvium/core/storage/memory";
import { faultStore, StoppedError } from "@alluvium/core/testing";
import { delta } from "@alluvium/destinations/delta";
import { memoryDisk } from "../crash/lakes.ts";
import { readBack } from "./round-trip.ts";

const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 100_000);
/** Of so many steps one is tried. */
const stride = Number(process.env["ALLUVIUM_STRIDE"] ?? 11);

interface Order {
  readonly id: number;
  readonly items: readonly { readonly sku: string; readonly tags: readonly string[] }[];
}

const order = (id: number): Order => ({
  id,
  items: Array.from({ length: id % 4 }, (_, i) => ({
    sku: `${id}-${i}`,
    tags: i === 1 ? [] : ["a", `${id}`],
  })),
});
const pages = Array.from({ length: 5 }, (_, page) => [
  order(3 * page),
  order(3 * page + 1),
  order(3 * page + 2),
]);

function shop(store: ObjectStore, disposition: "append" | "replace"): Pipeline {
  const orders = resource({
    name: "orders",
    nesting: "tables",
    disposition,
    async *read({ position }) {
      for (let page = typeof position === "number" ? position : 0; page < pages.length; page++) {
        yield pages[page]!;
        yield checkpoint(page + 1);
      }
    },
  });
  return pipeline({
    name: "shop",
    source: source("shop", () => [orders])(),
    destination: delta({ store }),
    leaseWait: 0,
  });
}

/** What the tables hold, put together; none before the first load. */
async function rebuilt(store: ObjectStore, disposition: "append" | "replace"): Promise<readonly unknown[]> {
  const state = await shop(store, disposition).state();
  if (state === undefined) return [];
  const rows = await readBack(delta({ store }), state);
  for (const [table, own] of Object.entries(rows))
    expect(new Set(own.map((row) => row["_alv_row_id"])).size, table).toBe(own.length);
  return rebuildRows({ table: "orders", tables: state.tables, rows })
    .map((row) => ({ id: Number(row["id"]), items: row["items"] }))
    .toSorted((a, b) => a.id - b.id);
}

async function untilStopped(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    let cause = error;
    while (AlluviumError.is(cause) && cause.cause !== undefined) cause = cause.cause;
    if (!(cause instanceof StoppedError)) throw error;
  }
}

for (const disposition of ["append", "replace"] as const)
  test(
    `stopped at a step of a load into Delta, roots and child rows are there once: ${disposition} (seed ${seed}, stride ${stride})`,
    {
      timeout: 300_000,
    },
    async () => {
      const whole = faultStore(memoryStore());
      await shop(whole, disposition).run({ commitInterval: 0 });
      const all = pages.flat().map((row) => ({ ...row }));
      for (let step = seed % stride; step < whole.steps.length; step += stride) {
        const { store: disk, later } = memoryDisk();
        const stopping = shop(faultStore(disk, { stopAt: step }), disposition);
        await untilStopped(stopping.run({ commitInterval: 0, retry: { attempts: 1 } }));
        // The lease of the stopped process has run out.
        later(20_000);
        const found = await rebuilt(disk, disposition);
        // Whole rows of the pages before a checkpoint, and of a replaced table all or none.
        expect(all.slice(0, found.length), `recovered after step ${step}`).toEqual(found);
        expect(disposition === "append" || found.length % all.length === 0, "all or none").toBe(true);
        await shop(disk, disposition).run({ commitInterval: 0 });
        expect(await rebuilt(disk, disposition), `completed after step ${step}`).toEqual(all);
      }
    },
  );
