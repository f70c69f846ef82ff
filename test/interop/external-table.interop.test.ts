import { pipeline, resource, source } from "@alluvium/core";
import { createExternalTable, delta } from "@alluvium/destinations/delta";
import { join } from "node:path";
import { expect, test } from "vitest";
import { spark } from "./client.ts";
import { temporaryFolder } from "./lake.ts";

test("Spark's catalog knows a table of a lake by its statement", async () => {
  const lake = join(temporaryFolder(), "o'lake");
  const orders = resource({ name: "orders", read: () => [[{ id: 1 }, { id: 2 }]] });
  const destination = delta({ url: lake });
  await pipeline({ name: "p", source: source("s", () => [orders])(), destination }).run();
  await spark("create database if not exists bronze");
  const text = createExternalTable({ url: lake, table: "orders", database: "bronze", engine: "spark" });
  // Twice does no harm.
  await spark(text, text);
  expect(await spark("select sum(id) from bronze.orders")).toEqual([["3"]]);
});
