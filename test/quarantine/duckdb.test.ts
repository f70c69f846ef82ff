import { DuckDBInstance } from "@duckdb/node-api";
import { duckdb } from "@alluvium/destinations/duckdb";
import { lateRows } from "./late-rows.ts";
import { contractMatrix } from "./matrix.ts";

const open = async () => {
  const instance = await DuckDBInstance.create(":memory:");
  return {
    destination: duckdb({ instance }),
    async [Symbol.asyncDispose]() {
      instance.closeSync();
    },
  };
};
contractMatrix("duckdb", open, false);
lateRows("duckdb", open);
