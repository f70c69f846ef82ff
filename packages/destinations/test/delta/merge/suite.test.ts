import { memoryStore } from "@alluvium/core/storage/memory";
import { destinationSuite, suiteDestination } from "@alluvium/core/testing";
import { describe, test } from "vitest";
import { capabilities } from "../../../src/delta/format.ts";
import { delta } from "../../../src/delta/delta.ts";
import { mergeLake, modes } from "./merging.ts";

describe.each(modes)("Delta, merges by %s", (mergeMode) => {
  destinationSuite({
    test,
    capabilities,
    open: async () => {
      const store = memoryStore();
      return suiteDestination(delta({ store, mergeMode }), (table) =>
        mergeLake(mergeMode).read(store, table),
      );
    },
  });
});
