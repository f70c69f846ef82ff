import { expect, test, vi } from "vitest";
import { bodyOf, giveBody, takeBody } from "../../src/parquet/page-memory.ts";

test("a body that was given back is lent again, to one at a time", () => {
  const first = takeBody(100_000);
  expect(first.length).toBe(100_000);
  const { buffer } = first;
  giveBody(first);
  // Twice must not mean that two get it.
  giveBody(first);
  const bodies = [takeBody(90_000), takeBody(90_000), takeBody(90_000)];
  expect(bodies.filter((body) => body.buffer === buffer).length).toBe(1);
  expect(bodies.every((body) => body.length === 90_000)).toBe(true);
  expect(bodyOf(Uint8Array.of(1, 2, 3, 4), 3)).toEqual(Buffer.of(1, 2, 3));
});

test("a small page does not take a large array, and arrays from elsewhere are left alone", () => {
  const large = takeBody(3 << 20);
  giveBody(large);
  const small = takeBody(1000);
  expect(small.buffer).not.toBe(large.buffer);
  const own = new Uint8Array(1000);
  giveBody(own);
  expect(takeBody(1000).buffer).not.toBe(own.buffer);
});

test("memory that nobody asks for goes", async () => {
  vi.useFakeTimers();
  vi.resetModules();
  try {
    const memory = await import("../../src/parquet/page-memory.ts");
    const first = memory.takeBody(5 << 20);
    const { buffer } = first;
    memory.giveBody(first);
    // Asked for in the meantime, so it stays for once.
    vi.advanceTimersByTime(10_000);
    const again = memory.takeBody(5 << 20);
    expect(again.buffer === buffer).toBe(true);
    memory.giveBody(again);
    vi.advanceTimersByTime(20_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(memory.takeBody(5 << 20).buffer === buffer).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});
