import { memoryStore } from "@alluvium/core/storage/memory";
import { delta } from "@alluvium/destinations/delta";
import { lateRows } from "./late-rows.ts";
import { contractMatrix } from "./matrix.ts";

const open = async () => ({
  destination: delta({ store: memoryStore() }),
  async [Symbol.asyncDispose]() {},
});
contractMatrix("delta", open, false);
lateRows("delta", open);
