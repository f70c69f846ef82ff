import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import type { EventBody, RunReport } from "@alluvium/core";
import { progress, type ProgressStream } from "../../src/run/progress.ts";

function screen(isTTY: boolean): ProgressStream & { readonly written: string[] } {
  const written: string[] = [];
  return { isTTY, columns: 60, rows: 10, written, write: (text) => written.push(text) };
}

const report = { complete: true } as RunReport;
const events: readonly EventBody[] = [
  { type: "runStarted", pipeline: "p", lane: "main", runId: "r", resources: [] },
  {
    type: "streamStarted",
    stream: "orders",
    tables: ["orders"],
    since: undefined,
    attempt: 1,
    expectedRows: 4000,
  },
  { type: "batchRead", stream: "orders", table: "orders", rows: 1234, bytes: 1024 * 1024 },
  { type: "streamFinished", stream: "orders", rows: 1234 },
  {
    type: "loadCommitted",
    loadId: "l",
    sequence: 3,
    tables: [{ table: "orders", rows: 1234, bytes: 5, files: 1, operation: "append" }],
  },
  { type: "runFinished", report },
];

test("on a terminal each table has a line that is drawn over, and the cursor comes back", () => {
  const stream = screen(true);
  const shown = progress({ stream, interval: 0 });
  events.forEach((event, i) => shown.onEvent({ ...event, time: 1000 + 100 * i }));
  const text = stream.written.join("");
  expect(stream.written[0]).toBe("\u001B[?25l");
  expect(stream.written.at(-1)).toBe("\u001B[?25h");
  expect(text).toContain("orders  1,234 rows  1.0 MiB");
  expect(text).toContain("30 %");
  expect(text).toContain("\u001B[1A");
  expect(stream.written.at(-2)).toContain("committed");
  for (const line of text.split("\n")) expect(stripVTControlCharacters(line).length).toBeLessThan(61);
});

test("what a merge changed stands at its table", () => {
  const stream = { ...screen(true), columns: 100 };
  const shown = progress({ stream, interval: 0 });
  const changed = { inserted: 1000, updated: 0, deleted: 2 };
  for (const event of events) {
    const merged =
      event.type === "loadCommitted" ? { ...event, tables: [{ ...event.tables[0]!, changed }] } : event;
    shown.onEvent({ ...merged, time: 1000 });
  }
  expect(stream.written.join("")).toContain("committed: 1,000 inserted, 2 deleted");
});

test("disposing midway gives the cursor back once", () => {
  const stream = screen(true);
  const shown = progress({ stream, interval: 0 });
  for (const event of events.slice(0, 3)) shown.onEvent({ ...event, time: 1000 });
  shown[Symbol.dispose]();
  shown[Symbol.dispose]();
  expect(stream.written.filter((text) => text.includes("?25h"))).toHaveLength(1);
});

test("elsewhere it is a plain line now and then, without control characters", () => {
  const stream = screen(false);
  const shown = progress({ stream, lineInterval: 0 });
  events.forEach((event, i) => shown.onEvent({ ...event, time: 1000 + 100 * i }));
  expect(stream.written).toContain("1,234 rows, 1.0 MiB read; reading orders\n");
  expect(stream.written).toContain("load 3 committed\n");
  expect(stream.written.join("")).not.toContain("\u001B");
});

test("elsewhere nothing is written between two intervals", () => {
  const stream = screen(false);
  const shown = progress({ stream });
  for (const event of events.slice(0, 3)) shown.onEvent({ ...event, time: 1000 });
  shown[Symbol.dispose]();
  expect(stream.written).toEqual([]);
});
