import { memoryDestination } from "@alluvium/core/testing";
import { contractMatrix } from "./matrix.ts";

contractMatrix(
  "memory",
  async () => ({
    destination: memoryDestination(),
    async [Symbol.asyncDispose]() {},
  }),
  true,
);
