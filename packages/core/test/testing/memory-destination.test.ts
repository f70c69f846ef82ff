import { describe, expect, test } from "vitest";
import { destinationSuite, memoryDestination, suiteDestination } from "@alluvium/core/testing";

describe("memory destination", () => {
  const cases: [name: string, run: () => Promise<void>][] = [];
  destinationSuite({
    test: (name, run) => cases.push([name, run]),
    capabilities: memoryDestination().capabilities,
    open: async () => {
      const memory = memoryDestination();
      return suiteDestination(memory, async (table) => memory.store.rows(table));
    },
  });
  test("the suite has its cases", () => {
    expect(cases.length).toBeGreaterThan(18);
  });
  test.for(cases)("%s", async ([, run]) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
