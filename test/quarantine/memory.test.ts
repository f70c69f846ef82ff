import { memoryDestination } from "@alluvium/core/testing";
import { lateRows } from "./late-rows.ts";
import { contractMatrix } from "./matrix.ts";

const open = async () => ({
  destination: memoryDestination(),
  async [Symbol.asyncDispose]() {},
});
contractMatrix("memory", open, true);
lateRows("memory", open);
