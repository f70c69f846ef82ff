import { pipeline, resource, source } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { expect, test } from "vitest";
import { delta } from "../../../src/delta/delta.ts";

test("a table that keeps versions is loaded run after run, and other names for them are refused", async () => {
  const store = memoryStore();
  let total = 0;
  const load = (validFrom?: string) =>
    pipeline({
      name: "shop",
      source: source("shop", () => [
        resource({
          name: "orders",
          primaryKey: "id",
          disposition: { merge: "scd2", ...(validFrom !== undefined && { validFrom }) },
          async *read() {
            yield { id: 1, total };
          },
        }),
      ])(),
      destination: delta({ store }),
    });
  await load().run();
  total = 1;
  expect((await load().run()).tables.orders.changed).toEqual({ inserted: 1, updated: 1, deleted: 0 });
  await expect(load("since").run()).rejects.toMatchObject({ code: "ALV_STATE_MISMATCH" });
});
