import { memoryStore } from "@alluvium/core/storage/memory";
import { delta } from "@alluvium/destinations/delta";
import { mergesFollow } from "./merges.ts";
import { roundTrips } from "./round-trip.ts";

const openWith = (mergeMode: "vectors" | "rewrite") => async () => ({
  destination: delta({ store: memoryStore(), mergeMode }),
  async [Symbol.asyncDispose]() {},
});

roundTrips("delta", openWith("vectors"));
for (const mode of ["vectors", "rewrite"] as const) mergesFollow(`delta, ${mode}`, openWith(mode), 2);
