import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { notNull, pipeline, resource, source, type Destination } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { delta } from "@alluvium/destinations/delta";
import { parquet } from "@alluvium/destinations/parquet";
import { checkedLoads } from "./checked-loads.ts";

checkedLoads(
  "delta",
  async () => {
    const store = memoryStore();
    return { destination: () => delta({ store }), async [Symbol.asyncDispose]() {} };
  },
  { sql: false, merges: true },
);
checkedLoads(
  "delta on a disk",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "alluvium-checks-"));
    return {
      destination: () => delta({ url: folder }),
      async [Symbol.asyncDispose]() {
        rmSync(folder, { recursive: true });
      },
    };
  },
  { sql: true, merges: true },
);
checkedLoads(
  "parquet",
  async () => {
    const store = memoryStore();
    return { destination: () => parquet({ store }), async [Symbol.asyncDispose]() {} };
  },
  { sql: false, merges: false },
);

test("a results table that somebody removed is made anew", async () => {
  for (const open of [delta, parquet]) {
    const store = memoryStore();
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
      destination: open({ store }) as Destination<"append">,
    });
    await load.run();
    for await (const { path } of store.list("_alv_checks/")) await store.delete([path]);
    await load.run();
    const report = await load.run();
    expect(report.complete).toBe(true);
    const session = await open({ store }).open({
      pipeline: { pipeline: "reader", lane: "main" },
      runId: "reader",
      signal: new AbortController().signal,
      budget: 2 ** 24,
      adopt: false,
      shared: false,
      emit: () => {},
    });
    await using reading = session;
    await reading.recover();
    let kept = 0;
    for await (const { length } of reading.scan!("_alv_checks")) kept += length;
    expect(kept).toBe(2);
  }
});
