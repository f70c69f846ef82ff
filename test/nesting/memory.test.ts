import { memoryDestination } from "@alluvium/core/testing";
import { mergesFollow } from "./merges.ts";
import { roundTrips } from "./round-trip.ts";

roundTrips(
  "memory",
  async () => ({
    destination: memoryDestination(),
    async [Symbol.asyncDispose]() {},
  }),
  { numRuns: 20 },
);
mergesFollow(
  "memory",
  async () => ({
    destination: memoryDestination(),
    async [Symbol.asyncDispose]() {},
  }),
  40,
);
