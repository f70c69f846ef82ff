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
import { memoryStore } from "@alluvium/core/storage/memory";
import { faultStore, StoppedError } from "@alluvium/core/testing";
import { delta } from "@alluvium/destinations/delta";
import * as z from "zod";
import { deltaLake, memoryDisk } from "../crash/lakes.ts";

const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 100_000);
/** Of so many steps one is tried. */
const stride = Number(process.env["ALLUVIUM_STRIDE"] ?? 11);
const options = { timeout: 300_000 };

const row = (id: number): object => ({ id, size: id % 3 === 0 ? "big" : id });
const pages = Array.from({ length: 4 }, (_, page) =>
  Array.from({ length: 6 }, (_row, i) => row(6 * page + i)),
);
const good = pages.flat().filter((_, id) => id % 3 !== 0);
const bad = pages.flat().filter((_, id) => id % 3 === 0);

function shop(store: ObjectStore): Pipeline {
  const items = resource({
    name: "items",
    schema: z.object({ id: z.int(), size: z.int() }),
    contract: "quarantine",
    async *read({ position }) {
      for (let page = typeof position === "number" ? position : 0; page < pages.length; page++) {
        yield pages[page]!;
        yield checkpoint(page + 1);
      }
    },
  });
  return pipeline({
    name: "shop",
    source: source("shop", () => [items])(),
    destination: delta({ store }),
    leaseWait: 0,
  });
}

const stored = deltaLake.read;

/** The ids that the table has, in order. */
async function idsIn(store: ObjectStore): Promise<readonly number[]> {
  const found = await stored(store, "items");
  return found.map(({ id }) => Number(id)).toSorted((a, b) => a - b);
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

const idsOf = (rows: readonly object[]): readonly number[] =>
  rows.map((one) => (one as { readonly id: number }).id);

test(
  `stopped at a step of a load, rows and refused rows are there once each (seed ${seed}, stride ${stride})`,
  options,
  async () => {
    const whole = faultStore(memoryStore());
    await shop(whole).run({ commitInterval: 0 });
    expect(whole.steps.length).toBeGreaterThan(20);
    for (let step = seed % stride; step < whole.steps.length; step += stride) {
      const { store: disk, later } = memoryDisk();
      const stopping = shop(faultStore(disk, { stopAt: step }));
      await untilStopped(stopping.run({ commitInterval: 0, retry: { attempts: 1 } }));
      // The lease of the stopped process has run out.
      later(20_000);
      const load = shop(disk);
      // Whole pages, of the table and of its quarantine alike; none before the first load.
      const isThere = (await load.state()) !== undefined;
      const before = isThere ? await idsIn(disk) : [];
      const kept = isThere ? await load.quarantine({ resource: "items" }) : [];
      expect(before.length, `after step ${step}`).toBe(2 * kept.length);
      expect(before, `after step ${step}`).toEqual(idsOf(good).slice(0, before.length));
      await load.run({ commitInterval: 0 });
      expect(await idsIn(disk), `completed after step ${step}`).toEqual(idsOf(good));
      const waiting = await load.quarantine({ resource: "items" });
      expect(
        waiting.map(({ row: one }) => one),
        `completed after step ${step}`,
      ).toEqual(bad);
      expect(await stored(disk, "items__quarantine"), `completed after step ${step}`).toHaveLength(
        bad.length,
      );
    }
  },
);

test(
  `stopped at a step of a replay, each row is replayed once (seed ${seed}, stride ${stride})`,
  options,
  async () => {
    const replay = (store: ObjectStore) =>
      shop(store).replay({
        resource: "items",
        fix: ({ id }) => (id === 3 ? undefined : { id, size: id === 6 ? "still big" : 0 }),
      });
    const whole = faultStore(memoryStore());
    await shop(whole).run();
    const first = whole.steps.length;
    const report = await replay(whole);
    expect(report).toMatchObject({ replayed: bad.length - 2, dropped: 1, refused: 1 });
    const steps = whole.steps.length - first;
    expect(steps).toBeGreaterThan(10);
    const all = idsOf(pages.flat()).filter((id) => id !== 3 && id !== 6);
    for (let step = seed % stride; step < steps; step += stride) {
      const { store: disk, later } = memoryDisk();
      await shop(disk).run();
      await untilStopped(replay(faultStore(disk, { stopAt: step })));
      later(20_000);
      await shop(disk).state();
      const found = await idsIn(disk);
      expect([good.length, all.length], `after step ${step}`).toContain(found.length);
      // Once more, and again: what is done is not done twice.
      await replay(disk);
      await replay(disk);
      expect(await idsIn(disk), `completed after step ${step}`).toEqual(all);
      expect(await shop(disk).quarantine({ resource: "items" }), `after step ${step}`).toMatchObject([
        { row: { id: 6 } },
      ]);
      const log = await stored(disk, "items__quarantine");
      const settled = log.filter(({ event }) => event !== "refused").map(({ id }) => id);
      expect(new Set(settled).size, `after step ${step}`).toBe(settled.length);
    }
  },
);
