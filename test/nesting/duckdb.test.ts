import { DuckDBInstance } from "@duckdb/node-api";
import { duckdb } from "@alluvium/destinations/duckdb";
import { mergesFollow } from "./merges.ts";
import { roundTrips } from "./round-trip.ts";

const open = async () => {
  const instance = await DuckDBInstance.create(":memory:");
  return {
    destination: duckdb({ instance }),
    async [Symbol.asyncDispose]() {
      instance.closeSync();
    },
  };
};
roundTrips("duckdb", open, { numRuns: 3 });
mergesFollow("duckdb", open, 2);
