import {
  type DestinationSession,
  type ObjectStore,
  type PipelineState,
  type TablePlan,
} from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { batchOf } from "@alluvium/core/testing";
import { expect } from "vitest";
import type { LakeUnderTest } from "./lakes.ts";
import { cursorOf, expectLoads, range, scriptLoads } from "./script-loads.ts";
import type { CrashScript } from "./script.ts";

/*
 * Child tables in miniature: orders that take each other's place, within a load and across loads, with lines; and days of which a window is
 * replaced once a run, with hours. Two commits a run, with rows that carry over.
 */

const int64 = { kind: "int64" } as const;
const string = { kind: "string" } as const;
const LAST = 14;
const HOURS = 3;

/** The e-th event puts order e modulo 4 in place of the one before. */
const orders = (from: number, to: number): Batch =>
  batchOf({
    id: [int64, range(from, to).map((e) => BigInt(e % 4))],
    row: [string, range(from, to).map((e) => `order ${e}`)],
  });

/** Some orders have no lines. */
const linesOf = (e: number): readonly string[] => range(1, e % 3).map((k) => `${e}.${k}`);

function lines(from: number, to: number): Batch {
  const rows = range(from, to).flatMap((e) => linesOf(e).map((own) => ({ own, root: `order ${e}` })));
  return batchOf({
    own: [string, rows.map(({ own }) => own)],
    root: [string, rows.map(({ root }) => root)],
  });
}

/** Orders and lines after so many events. */
function ordersAfter(count: number): {
  readonly orders: readonly string[];
  readonly lines: readonly string[];
} {
  const latest = [...new Map(range(1, count).map((e) => [e % 4, e])).values()];
  return { orders: latest.map((e) => `order ${e}`).sort(), lines: latest.flatMap(linesOf).sort() };
}

const day = (run: number): Batch => batchOf({ day: [int64, [1n]], row: [string, [`day ${run}`]] });

const hours = (run: number, from: number, to: number): Batch =>
  batchOf({
    own: [string, range(from, to).map((k) => `${run}.${k}`)],
    root: [string, range(from, to).map(() => `day ${run}`)],
  });

const table = (name: string, stream: string, batch: Batch, more: Partial<TablePlan>): TablePlan => ({
  table: name,
  stream,
  disposition: { kind: "merge", strategy: "upsert" },
  primaryKey: [],
  partitionBy: [],
  schema: batch.schema,
  ...more,
});

const child = (root: string, strategy: "insertOnly" | "deleteInsert"): Partial<TablePlan> => ({
  disposition: { kind: "merge", strategy },
  primaryKey: ["own"],
  follows: { table: root, rowId: "row", rootId: "root" },
});

const plan: readonly TablePlan[] = [
  table("orders", "orders", orders(1, 0), { primaryKey: ["id"] }),
  table("lines", "orders", lines(1, 0), child("orders", "insertOnly")),
  table("days", "days", day(0), {
    disposition: { kind: "replace", where: [{ column: "day", op: "=", value: 1 }], allowEmpty: false },
  }),
  table("hours", "days", hours(0, 1, 0), child("days", "deleteInsert")),
];

async function runOrders(session: DestinationSession, run: number): Promise<void> {
  const { state, begin, commit } = await scriptLoads(session, plan);
  const at = cursorOf(state, "orders");
  const half = at + Math.ceil((LAST - at) / 2);
  {
    await using load = await begin();
    await load.write("orders", orders(at + 1, half));
    await load.write("lines", lines(at + 1, half));
    await load.mark("orders", { seal: true, end: false });
    // Rolled back, both of them.
    await load.write("orders", orders(90, 91));
    await load.write("lines", lines(90, 91));
    await load.rollback("orders");
    // Takes effect at the end.
    await load.write("days", day(run));
    await load.write("hours", hours(run, 1, 1));
    await load.mark("days", { seal: true, end: false });
    await commit(load, { orders: half });
  }
  {
    await using load = await begin();
    await load.write("orders", orders(half + 1, LAST));
    await load.write("lines", lines(half + 1, LAST));
    await load.mark("orders", { seal: true, end: true });
    await load.write("hours", hours(run, 2, HOURS));
    await load.mark("days", { seal: true, end: true });
    await commit(load, { orders: LAST, days: run });
  }
}

async function expectRecovered(
  store: ObjectStore,
  lake: LakeUnderTest,
  session: DestinationSession,
  where: string,
): Promise<PipelineState | undefined> {
  const state = await session.recover();
  const texts = async (name: string, column: string): Promise<readonly string[]> =>
    (await lake.read(store, name)).map((row) => String(row[column])).sort();
  const expected = ordersAfter(cursorOf(state, "orders"));
  expect(await texts("orders", "row"), `orders ${where}`).toEqual(expected.orders);
  expect(await texts("lines", "own"), `lines ${where}`).toEqual(expected.lines);
  const run = cursorOf(state, "days");
  expect(await texts("days", "row"), `days ${where}`).toEqual(run === 0 ? [] : [`day ${run}`]);
  expect(await texts("hours", "own"), `hours ${where}`).toEqual(
    run === 0 ? [] : range(1, HOURS).map((k) => `${run}.${k}`),
  );
  await expectLoads(store, lake, state, where);
  return state;
}

async function expectComplete(
  store: ObjectStore,
  lake: LakeUnderTest,
  session: DestinationSession,
  where: string,
): Promise<void> {
  const state = await expectRecovered(store, lake, session, where);
  expect(cursorOf(state, "orders"), `cursor of orders ${where}`).toBe(LAST);
  expect(cursorOf(state, "days"), `run of days ${where}`).toBeGreaterThan(0);
}

/** Child tables of what merges and of a window that is replaced. */
export const followScript: CrashScript = {
  run: runOrders,
  expectRecovered,
  expectComplete,
  counted: "orders",
};
