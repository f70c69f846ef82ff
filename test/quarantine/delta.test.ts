import { memoryStore } from "@alluvium/core/storage/memory";
import { delta } from "@alluvium/destinations/delta";
import { contractMatrix } from "./matrix.ts";

contractMatrix(
  "delta",
  async () => ({
    destination: delta({ store: memoryStore() }),
    async [Symbol.asyncDispose]() {},
  }),
  false,
);
