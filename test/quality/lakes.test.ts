import { memoryStore } from "@alluvium/core/storage/memory";
import { delta } from "@alluvium/destinations/delta";
import { parquet } from "@alluvium/destinations/parquet";
import { checkedLoads } from "./checked-loads.ts";

checkedLoads(
  "delta",
  async () => {
    const store = memoryStore();
    return { destination: () => delta({ store }), async [Symbol.asyncDispose]() {} };
  },
  { sql: false, merges: true },
);
checkedLoads(
  "parquet",
  async () => {
    const store = memoryStore();
    return { destination: () => parquet({ store }), async [Symbol.asyncDispose]() {} };
  },
  { sql: false, merges: false },
);
