import { expect, test } from "vitest";
import { pipeline, resource, source, type ObjectStore, type Pipeline } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import * as z from "zod";
import { deltaLake } from "../crash/lakes.ts";
import { atOnce, readPages, seed, stopAtSteps, stride } from "../crash/stopped.ts";

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
    read: readPages(pages),
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

const idsOf = (rows: readonly object[]): readonly number[] =>
  rows.map((one) => (one as { readonly id: number }).id);

test(
  `stopped at a step of a load, rows and refused rows are there once each (seed ${seed}, stride ${stride})`,
  options,
  async () => {
    const steps = await stopAtSteps({
      run: (store) => shop(store).run(atOnce),
      async check(disk, step) {
        const load = shop(disk);
        // Whole pages, of the table and of its quarantine alike; none before the first load.
        const isThere = (await load.state()) !== undefined;
        const before = isThere ? await idsIn(disk) : [];
        const kept = isThere ? await load.quarantine({ resource: "items" }) : [];
        expect(before.length, `after step ${step}`).toBe(2 * kept.length);
        expect(before, `after step ${step}`).toEqual(idsOf(good).slice(0, before.length));
        await load.run(atOnce);
        const where = `completed after step ${step}`;
        expect(await idsIn(disk), where).toEqual(idsOf(good));
        const waiting = await load.quarantine({ resource: "items" });
        expect(
          waiting.map(({ row: one }) => one),
          where,
        ).toEqual(bad);
        expect(await stored(disk, "items__quarantine"), where).toHaveLength(bad.length);
      },
    });
    expect(steps).toBeGreaterThan(20);
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
    const all = idsOf(pages.flat()).filter((id) => id !== 3 && id !== 6);
    const steps = await stopAtSteps({
      before: (store) => shop(store).run(),
      run: replay,
      async check(disk, step) {
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
        const events = log.map(({ event }) => String(event)).filter((event) => event !== "refused");
        expect(events.toSorted(), `after step ${step}`).toEqual([
          "dropped",
          ...Array.from({ length: bad.length - 2 }, () => "replayed"),
        ]);
        const settled = log.filter(({ event }) => event !== "refused").map(({ id }) => id);
        expect(new Set(settled).size, `after step ${step}`).toBe(settled.length);
      },
    });
    expect(steps).toBeGreaterThan(10);
  },
);

test(
  `stopped at a step of forgetting rows, the same call completes it, and nothing else is gone (seed ${seed}, stride ${stride})`,
  options,
  async () => {
    const forget = (store: ObjectStore) =>
      shop(store).forget({ resource: "items", match: ({ id }) => Number(id) % 2 === 0 });
    const even = bad.filter((one) => (one as { readonly id: number }).id % 2 === 0);
    const odd = bad.filter((one) => (one as { readonly id: number }).id % 2 === 1);
    const steps = await stopAtSteps({
      before: (store) => shop(store).run(),
      run: forget,
      async check(disk, step) {
        const rowsOf = async () =>
          (await shop(disk).quarantine({ resource: "items" })).map(({ row: one }) => one);
        // All of the load that takes them away, or nothing of it.
        await shop(disk).state();
        const found = await rowsOf();
        expect([bad, odd], `after step ${step}`).toContainEqual(found);
        const left = found.length - odd.length;
        expect(await forget(disk), `completed after step ${step}`).toBe(left);
        expect(left === 0 || left === even.length, `after step ${step}`).toBe(true);
        expect(await rowsOf(), `completed after step ${step}`).toEqual(odd);
        expect(await stored(disk, "items__quarantine"), `after step ${step}`).toHaveLength(odd.length);
        expect(await idsIn(disk), `after step ${step}`).toEqual(idsOf(good));
        // The pipeline goes on where it was.
        await shop(disk).run();
        expect(await idsIn(disk), `after step ${step}`).toEqual(idsOf(good));
      },
    });
    expect(steps).toBeGreaterThan(10);
  },
);
