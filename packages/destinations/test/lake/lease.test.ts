import { memoryStore } from "@alluvium/core/storage/memory";
import type { ObjectStore, RunEvent } from "@alluvium/core";
import { expect, test } from "vitest";
import { defaultTiming, type LakeTiming } from "../../src/lake/timing.ts";
import { appendPlan, clockStore, ids, jsonLake, openTest, pathsIn } from "./lakes.ts";

const LEASE = "_alluvium/shop/main/_lease.json";
const real: Partial<LakeTiming> = { leaseLive: 15_000, leasePoll: 5, sleep: defaultTiming.sleep };
const open = (
  store: ObjectStore,
  timing: Partial<LakeTiming> = real,
  leaseWait = 60,
  events: RunEvent[] = [],
) => openTest(store, jsonLake, { timing, leaseWait, events });

test("a live lease is waited out, then the run is refused by name", async () => {
  const store = memoryStore();
  await using first = await open(store);
  await first.recover();
  const events: RunEvent[] = [];
  await using second = await open(store, real, 60, events);
  await expect(second.recover()).rejects.toMatchObject({
    code: "ALV_CONCURRENT_RUN",
    message: expect.stringMatching(/shop\/main.*run [\da-f-]{36}, process \d+/),
  });
  expect(events).toMatchObject([{ type: "waiting", reason: expect.stringContaining("shop/main") }]);
});

test("a run that ends meanwhile lets the waiting one in", async () => {
  const store = memoryStore();
  const first = await open(store);
  await first.recover();
  await using second = await open(store, real, 10_000);
  const waiting = second.recover();
  await first[Symbol.asyncDispose]();
  expect(await waiting).toBeUndefined();
});

test("after a kill the next run waits until the lease is 15 s old by the store's clock, not longer", async () => {
  const { store, later } = clockStore();
  await (await open(store)).recover();
  later(14_999);
  await expect((await open(store, real, 20)).recover()).rejects.toMatchObject({ code: "ALV_CONCURRENT_RUN" });
  later(1);
  await using second = await open(store, real, 20);
  expect(await second.recover()).toBeUndefined();
});

test("a lease from the future is of a clock that was set back", async () => {
  const { store, later } = clockStore();
  await (await open(store)).recover();
  later(-60_000);
  await using second = await open(store, real, 20);
  expect(await second.recover()).toBeUndefined();
});

test("a run renews its lease while it works, and gives it back", async () => {
  const { store, later } = clockStore();
  {
    await using first = await open(store, { ...real, leaseRenew: 5 });
    await first.recover();
    const taken = (await store.head(LEASE))!.modified.getTime();
    later(14_000);
    await expect.poll(async () => (await store.head(LEASE))!.modified.getTime()).toBe(taken + 14_000);
    await expect((await open(store, real, 20)).recover()).rejects.toMatchObject({
      code: "ALV_CONCURRENT_RUN",
    });
  }
  expect(await pathsIn(store, LEASE)).toEqual([]);
});

test("a run whose lease was taken does not take it back, and stops at its next checkpoint", async () => {
  const { store, later } = clockStore();
  const sleeper = await open(store, { ...real, leaseRenew: 5, notice: 3_600_000 });
  await sleeper.recover();
  const load = await sleeper.begin({ loadId: "a", startedAt: new Date(), tables: [appendPlan("t", ids())] });
  // The other one sees a lease that is not renewed: here because it has another idea of what is live.
  later(20);
  await using other = await open(store, { ...real, leaseLive: 10, leaseRenew: 0 });
  await other.recover();
  const owner = await store.get(LEASE);
  await expect
    .poll(() =>
      load.mark("t", { seal: false, end: false }).then(
        () => "on",
        (error: { code: string }) => error.code,
      ),
    )
    .toBe("ALV_CONCURRENT_RUN");
  await sleeper[Symbol.asyncDispose]();
  expect(await store.get(LEASE)).toEqual(owner);
});

test("of two that find no lease one gets it", async () => {
  const store = memoryStore();
  const sessions = await Promise.all(Array.from({ length: 4 }, () => open(store, real, 30)));
  const results = await Promise.allSettled(sessions.map((session) => session.recover()));
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("a damaged lease is nobody's", async () => {
  const { store, later } = clockStore();
  await store.put(LEASE, new TextEncoder().encode("null"));
  later(15_000);
  await using session = await open(store, real, 20);
  expect(await session.recover()).toBeUndefined();
});

test("waiting ends with the call's signal", async () => {
  const store = memoryStore();
  await using first = await open(store);
  await first.recover();
  await using second = await open(store, real, 10_000);
  const controller = new AbortController();
  const waiting = second.recover({ signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});

test("waiting ends with the run's signal", async () => {
  const store = memoryStore();
  await using first = await open(store);
  await first.recover();
  const controller = new AbortController();
  await using second = await openTest(store, jsonLake, {
    timing: real,
    leaseWait: 10_000,
    signal: controller.signal,
  });
  const waiting = second.recover();
  controller.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});
