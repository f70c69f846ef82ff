import { memoryDestination } from "@alluvium/core/testing";
import { roundTrips } from "./round-trip.ts";

roundTrips("memory", async () => ({
  destination: memoryDestination(),
  async [Symbol.asyncDispose]() {},
}), 100);
