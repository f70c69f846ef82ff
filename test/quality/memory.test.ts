import { memoryDestination, memoryTables } from "@alluvium/core/testing";
import { checkedLoads } from "./checked-loads.ts";

checkedLoads(
  "memory",
  async () => {
    const store = memoryTables();
    return { destination: () => memoryDestination({ store }), async [Symbol.asyncDispose]() {} };
  },
  { sql: false, merges: true },
);
