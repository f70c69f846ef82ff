import { DuckDBInstance } from "@duckdb/node-api";
import { duckdb } from "@alluvium/destinations/duckdb";
import { contractMatrix } from "./matrix.ts";

contractMatrix(
  "duckdb",
  async () => {
    const instance = await DuckDBInstance.create(":memory:");
    return {
      destination: duckdb({ instance }),
      async [Symbol.asyncDispose]() {
        instance.closeSync();
      },
    };
  },
  false,
);
