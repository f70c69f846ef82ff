import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { memoryDestination } from "@alluvium/core/testing";
import { batchBytes } from "@alluvium/core/columns";
import type { Source } from "@alluvium/core";
import { createBudget, shareBudget } from "../../src/run/budget.ts";
import { createGate } from "../../src/run/gate.ts";
import { runPipeline } from "../../src/run/run.ts";
import { faultyDestination } from "./faulty-destination.ts";
import { scriptedSource } from "./scripted-source.ts";

test("what is read and not yet written never exceeds the budget", async () => {
  const budget = 2 * 1024 * 1024;
  let held = 0;
  let most = 0;
  let writing = 0;
  let mostWriting = 0;
  const streams = Array.from({ length: 9 }, (_, i) => ({
    name: `s${i}`,
    rows: 100_000,
    // Batches below and far above a stream's own slot of 64 KiB.
    batch: i % 2 === 0 ? 2000 : 20_000,
  }));
  const inner = scriptedSource(streams);
  const source: Source = {
    ...inner,
    open: async (context) => {
      const session = await inner.open(context);
      return {
        ...session,
        streams: session.streams.map((stream) => ({
          ...stream,
          async *read(call: Parameters<typeof stream.read>[0]) {
            for await (const item of stream.read(call)) {
              const bytes = "batch" in item ? batchBytes(item.batch) : 0;
              held += bytes;
              most = Math.max(most, held);
              yield item;
              // Asked for the next one: this one is written.
              held -= bytes;
            }
          },
        })),
      };
    },
  };
  const destination = faultyDestination(memoryDestination(), async ({ call, when }) => {
    if (call !== "write") return;
    writing += when === "before" ? 1 : -1;
    mostWriting = Math.max(mostWriting, writing);
    if (when === "before") await wait(1);
  });
  const report = await runPipeline({ name: "p", source, destination, budget, concurrency: 4 });
  expect(report.complete).toBe(true);
  expect(mostWriting).toBeGreaterThan(1);
  expect(most).toBeGreaterThan(160_000);
  expect(most).toBeLessThanOrEqual(budget);
  expect(held).toBe(0);
});

test("a share of every part together is no more than the budget", () => {
  for (const concurrency of [1, 3, 4, 32]) {
    const { source, slot, surplus, destination } = shareBudget(96 * 1024 * 1024, concurrency);
    expect(source + slot * concurrency + surplus + destination).toBeLessThanOrEqual(96 * 1024 * 1024);
  }
});

test("a budget lets through first come first served, gives back once, and lets go on abort", async () => {
  const budget = createBudget(10);
  const stop = new AbortController();
  const never = new AbortController().signal;
  const first = await budget.take(8, never);
  const order: string[] = [];
  const big = budget.take(9, stop.signal).then(
    () => order.push("big"),
    (error: unknown) => order.push((error as Error).message),
  );
  const small = budget.take(2, never).then((release) => {
    order.push("small");
    return release;
  });
  await wait(5);
  expect(order).toEqual([]);
  stop.abort(new Error("gone"));
  await big;
  (await small)();
  first();
  first();
  expect(order).toEqual(["gone", "small"]);
  const whole = await budget.take(1000, never);
  let entered = false;
  const next = budget.take(1, never).then(() => (entered = true));
  await wait(2);
  expect(entered).toBe(false);
  whole();
  await next;
});

test("a gate lets one be alone, and those who come later wait behind", async () => {
  const gate = createGate();
  const order: string[] = [];
  const shared = (name: string, time: number): Promise<void> =>
    gate.shared(async () => {
      order.push(`${name} in`);
      await wait(time);
      order.push(`${name} out`);
    });
  const first = [shared("a", 10), shared("b", 5)];
  const alone = gate.alone(async () => {
    order.push("alone in");
    await wait(3);
    order.push("alone out");
  });
  await Promise.all([...first, alone, shared("c", 1)]);
  expect(order).toEqual(["a in", "b in", "b out", "a out", "alone in", "alone out", "c in", "c out"]);
  await expect(gate.alone(() => Promise.reject(new Error("x")))).rejects.toThrow("x");
  await gate.shared(async () => {});
});
