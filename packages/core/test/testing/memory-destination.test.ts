import { describe, expect, test } from "vitest";
import { destinationSuite, memoryDestination, suiteDestination } from "@alluvium/core/testing";

describe("memory destination", () => {
  let cases = 0;
  destinationSuite({
    test: (name, run) => {
      cases += 1;
      test(name, run);
    },
    capabilities: memoryDestination().capabilities,
    open: async () => {
      const memory = memoryDestination();
      return suiteDestination(memory, async (table) => memory.store.rows(table));
    },
  });
  test("the suite has its cases", () => {
    expect(cases).toBeGreaterThan(18);
  });
});
