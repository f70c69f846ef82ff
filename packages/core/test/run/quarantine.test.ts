import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  AlluviumError,
  type RefusedRow,
  type RunEvent,
  type Source,
  type TableDescription,
} from "@alluvium/core";
import { batchOf, memoryDestination, memoryTables } from "@alluvium/core/testing";
import { runPipeline } from "../../src/run/run.ts";

const int64 = { kind: "int64" } as const;

function refusedRow(id: number): RefusedRow {
  return {
    stage: "read",
    reason: "ALV_ROW_INVALID",
    rule: "schema",
    column: "id",
    message: `row ${id} is bad`,
    row: JSON.stringify({ id: `x${id}` }),
    key: { id: `x${id}` },
    position: { row: id },
  };
}

/** Yields what `items` says: numbers are rows, `null` a point to resume from, a text a refused row, an error a failure (once). */
function source(
  items: readonly (number | string | null | Error)[],
  describe: Partial<TableDescription> = {},
): Source {
  const failed = new Set<Error>();
  return {
    specVersion: 1,
    name: "s",
    open: async () => ({
      streams: [
        {
          name: "t",
          tables: [
            {
              name: "t",
              schema: { fields: [{ name: "id", type: int64, nullable: true }] },
              primaryKey: [],
              disposition: { kind: "append" },
              partitionBy: [],
              contract: { types: "quarantine" },
              ...describe,
            },
          ],
          cursor: { version: 1, encode: (at) => Number(at), decode: (at) => at },
          async *read({ since }) {
            const from = Number(since ?? 0);
            for (const [i, item] of [...items].entries()) {
              if (i < from) continue;
              if (item instanceof Error) {
                if (failed.has(item)) continue;
                failed.add(item);
                throw item;
              }
              if (item === null) yield { checkpoint: i + 1 };
              else if (typeof item === "number")
                yield { table: "t", batch: batchOf({ id: [int64, [item]] }) };
              else yield { table: "t", refused: [refusedRow(Number(item))] };
            }
            yield { checkpoint: items.length };
          },
        },
      ],
      async [Symbol.asyncDispose]() {},
    }),
  };
}

const passing = (): Error => new AlluviumError("ALV_CONNECTION", "away");

describe("refused rows", () => {
  test("are kept in the same load, with what is known of them", async () => {
    const store = memoryTables();
    const events: RunEvent[] = [];
    const report = await runPipeline(
      { name: "p", source: source([1, "2", 3, "4"]), destination: memoryDestination({ store }) },
      { onEvent: (event) => events.push(event) },
    );
    const { t } = report.tables;
    expect(t).toMatchObject({ rows: 2, quarantined: 2, discarded: { rows: 0, values: 0 }, complete: true });
    expect(inspect(report)).toMatch(/quarantined/);
    expect(Object.keys(report.tables)).toEqual(["t"]);
    expect(store.rows("t").map(({ id }) => id)).toEqual([1n, 3n]);
    const [load] = report.loads;
    const log = store.rows("t__quarantine");
    expect(log.map(({ id }) => id)).toEqual([`${load!.loadId}-0`, `${load!.loadId}-1`]);
    expect(log[0]).toMatchObject({
      event: "refused",
      stage: "read",
      reason: "ALV_ROW_INVALID",
      rule: "schema",
      column_name: "id",
      message: "row 2 is bad",
      row: '{"id":"x2"}',
      types: null,
      key: '{"id":"x2"}',
      position: '{"row":2}',
      _alv_load_id: load!.loadId,
    });
    expect(events.filter(({ type }) => type === "rowsQuarantined")).toMatchObject([
      { stream: "t", table: "t", quarantine: "t__quarantine", rows: 1 },
      { stream: "t", table: "t", quarantine: "t__quarantine", rows: 1 },
    ]);
  });

  test("are cut where the rows of their stream are cut", async () => {
    for (const every of [1, 1 << 30]) {
      const store = memoryTables();
      const items = [1, "2", null, "3", 4, passing(), "5", null, 6, passing(), "7"];
      const report = await runPipeline(
        { name: "p", source: source(items), destination: memoryDestination({ store }) },
        { commitBytes: every, retry: { minDelay: 0, maxDelay: 0 } },
      );
      expect(report.tables["t"]).toMatchObject({ rows: 3, quarantined: 4 });
      expect(store.rows("t").map(({ id }) => id)).toEqual([1n, 4n, 6n]);
      const log = store.rows("t__quarantine");
      expect(log.map(({ position }) => position)).toEqual([2, 3, 5, 7].map((row) => `{"row":${row}}`));
      expect(new Set(log.map(({ id }) => id)).size).toBe(4);
    }
  });

  test("are left out or end the run where the contract says so", async () => {
    const store = memoryTables();
    const run = (contract: TableDescription["contract"]) =>
      runPipeline({
        name: "p",
        source: source([1, "2"], { contract }),
        destination: memoryDestination({ store }),
      });
    for (const contract of ["evolve", "freeze", { columns: "quarantine" }] as const)
      await expect(run(contract)).rejects.toMatchObject({ code: "ALV_ROW_INVALID", resource: "t" });
    expect(store.tables.size).toBe(0);
    const report = await run("discardRow");
    expect(report.tables["t"]).toMatchObject({ rows: 1, quarantined: 0, discarded: { rows: 1, values: 0 } });
    expect([...store.tables.keys()]).toEqual(["t"]);
  });

  test("of a table that is replaced are replaced too, also by none", async () => {
    const store = memoryTables();
    const run = (items: readonly (number | string)[]) =>
      runPipeline({
        name: "p",
        source: source(items, { disposition: { kind: "replace", allowEmpty: false } }),
        destination: memoryDestination({ store }),
      });
    await run([1, "2", "3"]);
    expect(store.rows("t__quarantine")).toHaveLength(2);
    await run([1, "4"]);
    expect(store.rows("t__quarantine").map(({ position }) => position)).toEqual(['{"row":4}']);
    await run([1]);
    expect(store.rows("t__quarantine")).toEqual([]);
  });

  test("have no table of their own that is somebody else's", async () => {
    const destination = memoryDestination();
    await runPipeline({ name: "p", source: source([1, "2"]), destination });
    const named = source([1], { table: "t__quarantine" });
    await expect(runPipeline({ name: "p", source: named, destination })).rejects.toMatchObject({
      code: "ALV_NAME_COLLISION",
    });
  });
});
