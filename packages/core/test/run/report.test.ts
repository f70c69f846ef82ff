import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { alignCells, bytesText, changedText, countText, durationText } from "../../src/run/measure.ts";
import { createReportBuilder } from "../../src/run/report-builder.ts";
import { printReport } from "../../src/run/report-text.ts";

function example() {
  const builder = createReportBuilder({
    pipeline: "shop",
    lane: "main",
    runId: "0198c0de-0000-7000-8000-000000000001",
    startedAt: new Date("2026-01-02T03:04:05.000Z"),
  });
  builder.table("orders", "orders", "orders", "append");
  builder.table("customers", "customers", "customers", "replace");
  builder.onEvent({
    type: "streamStarted",
    stream: "orders",
    tables: ["orders"],
    since: undefined,
    attempt: 1,
    snapshot: "00000003-0000001B-1",
    time: 0,
  });
  const committedAt = new Date("2026-01-02T03:04:07.000Z");
  const orders = { table: "orders", rows: 600_000, bytes: 9_000_000, files: 2, operation: "append" };
  const customers = { table: "customers", rows: 150, bytes: 700, files: 1, operation: "replace" };
  builder.load({ loadId: "a", sequence: 4, committedAt, tables: [{ ...orders, version: 8 }] });
  builder.load({
    loadId: "b",
    sequence: 5,
    committedAt,
    tables: [
      { ...orders, version: 9 },
      { ...customers, version: 3 },
    ],
  });
  builder.schemaChanges("orders", [
    { kind: "columnAdded", column: "note", type: { kind: "string" } },
    { kind: "columnMissing", column: "fax" },
  ]);
  builder.finished("orders");
  builder.problem({ stream: "customers", code: "ALV_CONNECTION", message: "the server went away" });
  return builder.build(new Date("2026-01-02T03:04:09.200Z"));
}

describe("report", () => {
  test("adds up loads, and keeps the last version", () => {
    const report = example();
    expect(report.tables["orders"]).toMatchObject({
      rows: 1_200_000,
      bytes: 18_000_000,
      files: 4,
      version: 9,
      complete: true,
      snapshot: "00000003-0000001B-1",
    });
    expect(report.complete).toBe(false);
  });

  test("prints as a table, as text and in the console", () => {
    const text = inspect(example());
    expect(text).toBe(printReport(example()));
    expect(text).toBe(
      [
        "shop: 1,200,150 rows loaded, not to its end, in 4.2 s (285,750 rows/s)",
        "",
        "  table                   disposition       rows     bytes  files  version  snapshot",
        "  orders                  append       1,200,000  17.2 MiB      4        9  00000003-0000001B-1",
        "  customers (incomplete)  replace            150     700 B      1        3",
        "                                       1,200,150  17.2 MiB      5",
        "",
        "Schema",
        "  orders: column note added (string)",
        "  orders: column fax is gone at the source and stays null",
        "",
        "Problems",
        "  customers: the server went away [ALV_CONNECTION]",
        "",
        "run 0198c0de-0000-7000-8000-000000000001, loads 4–5, the last b",
      ].join("\n"),
    );
  });

  test("counts what merges changed, in columns that are there only then", () => {
    const builder = createReportBuilder({ pipeline: "p", lane: "main", runId: "r", startedAt: new Date(0) });
    builder.table("orders", "orders", "orders", "upsert");
    builder.table("visits", "visits", "visits", "append");
    const part = { rows: 5, bytes: 10, files: 1, operation: "merge" };
    for (const [sequence, changed] of [
      { inserted: 3, updated: 1, deleted: 0 },
      { inserted: 1000, updated: 0, deleted: 2 },
    ].entries())
      builder.load({
        loadId: "l",
        sequence,
        committedAt: new Date(0),
        tables: [
          { ...part, table: "orders", changed },
          { ...part, table: "visits" },
        ],
      });
    builder.finished("orders");
    builder.finished("visits");
    const report = builder.build(new Date(1000));
    expect(report.tables["orders"]?.changed).toEqual({ inserted: 1003, updated: 1, deleted: 2 });
    expect(report.tables["visits"]?.changed).toBeUndefined();
    expect(printReport(report).split("\n").slice(2, 6)).toEqual([
      "  table   disposition  rows  inserted  updated  deleted  bytes  files",
      "  orders  upsert         10     1,003        1        2   20 B      2",
      "  visits  append         10                               20 B      2",
      "                         20     1,003        1        2   40 B      4",
    ]);
    expect(printReport(example())).not.toContain("updated");
  });

  test("survives JSON", () => {
    const json = JSON.parse(JSON.stringify(example())) as Record<string, unknown>;
    expect(json).toMatchObject({
      pipeline: "shop",
      startedAt: "2026-01-02T03:04:05.000Z",
      tables: { customers: { rows: 150 } },
      problems: [{ code: "ALV_CONNECTION" }],
    });
  });
});

test("measures for people", () => {
  expect(changedText({ inserted: 1200, updated: 0, deleted: 1 })).toBe("1,200 inserted, 1 deleted");
  expect(changedText({ inserted: 0, updated: 0, deleted: 0 })).toBe("nothing changed");
  expect([0, 999, 1000, 1_234_567].map(countText)).toEqual(["0", "999", "1,000", "1,234,567"]);
  expect([0, 700, 1023, 1536, 150 * 1024 ** 2, 3 * 1024 ** 3].map(bytesText)).toEqual([
    "0 B",
    "700 B",
    "1.0 KiB",
    "1.5 KiB",
    "150 MiB",
    "3.0 GiB",
  ]);
  expect([5, 4200, 59_990, 185_000, 7_800_000].map(durationText)).toEqual([
    "5 ms",
    "4.2 s",
    "1 min 0 s",
    "3 min 5 s",
    "2 h 10 min",
  ]);
  expect(
    alignCells(
      [
        ["a", "1"],
        ["bcd", "22"],
      ],
      [false, true],
    ),
  ).toEqual(["a     1", "bcd  22"]);
});
