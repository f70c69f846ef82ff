import { expect, test } from "vitest";
import { notNull, pipeline, resource, source } from "@alluvium/core";
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

test("a results table that somebody dropped is made anew", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const rows = resource({
    name: "rows",
    checks: [notNull("id")],
    *read() {
      yield [{ id: 1 }];
    },
  });
  const load = pipeline({
    name: "p",
    source: source("s", () => [rows])(),
    destination: duckdb({ instance }),
  });
  await load.run();
  const connection = await instance.connect();
  await connection.run("drop table _alv_checks");
  await load.run();
  await load.run();
  const found = await connection.runAndReadAll("select count(*) as n from _alv_checks");
  expect(found.getRowObjects()).toEqual([{ n: 2n }]);
  connection.closeSync();
  instance.closeSync();
});
