import { DuckDBInstance } from "@duckdb/node-api";
import { duckdb } from "@alluvium/destinations/duckdb";
import { roundTrips } from "./round-trip.ts";

roundTrips("duckdb", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  return {
    destination: duckdb({ instance }),
    async [Symbol.asyncDispose]() {
      instance.closeSync();
    },
  };
});
