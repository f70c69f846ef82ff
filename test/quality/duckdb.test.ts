import { DuckDBInstance } from "@duckdb/node-api";
import { duckdb } from "@alluvium/destinations/duckdb";
import { checkedLoads } from "./checked-loads.ts";

checkedLoads(
  "duckdb",
  async () => {
    const instance = await DuckDBInstance.create(":memory:");
    return {
      destination: () => duckdb({ instance }),
      async [Symbol.asyncDispose]() {
        instance.closeSync();
      },
    };
  },
  { sql: true, merges: true },
);
