import { memoryStore } from "@alluvium/core/storage/memory";
import { delta } from "@alluvium/destinations/delta";
import { roundTrips } from "./round-trip.ts";

roundTrips("delta", async () => ({
  destination: delta({ store: memoryStore() }),
  async [Symbol.asyncDispose]() {},
}));
