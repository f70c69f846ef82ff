import { memoryDestination, suiteDestination } from "@alluvium/core/testing";
import { historyTest } from "./history-test.ts";
import { memoryRows } from "./memory-rows.ts";

// The model against itself shows that histories can be repeated; against the source it shows that the model is right.
historyTest({
  name: "memory",
  capabilities: memoryDestination().capabilities,
  open: async () => {
    const memory = memoryDestination();
    return suiteDestination(memory, async (table) => memoryRows(memory, table));
  },
});
