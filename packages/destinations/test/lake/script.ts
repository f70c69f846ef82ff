import {
  type DestinationSession,
  type ObjectStore,
  type PipelineState,
  type TablePlan,
} from "@alluvium/core";
import { batchOf } from "@alluvium/core/testing";
import type { Batch } from "@alluvium/core/columns";
import { expect } from "vitest";
import type { LakeUnderTest } from "./lakes.ts";
import { cursorOf, expectLoads, range, scriptLoads } from "./script-loads.ts";
import type { Row } from "./json-writer.ts";

/*
 * A pipeline in miniature over a session: two streams with cursors (one feeds two tables), one that replaces its table, and one
 * without rows; two commits a run, with rows that carry over from the first into the second.
 */

/** What a crash test does with a lake, and how it knows that every row is there once. */
export interface CrashScript {
  /** Runs the pipeline once, from wherever its state says. */
  run(session: DestinationSession, run: number): Promise<void>;
  /** Recovers and compares: what holds whenever a session has recovered. */
  expectRecovered(
    store: ObjectStore,
    lake: LakeUnderTest,
    session: DestinationSession,
    where: string,
  ): Promise<unknown>;
  /** What holds after a run to the end, whatever happened before it. */
  expectComplete(
    store: ObjectStore,
    lake: LakeUnderTest,
    session: DestinationSession,
    where: string,
  ): Promise<void>;
  /** A table in which no id is ever there twice. */
  readonly counted: string;
}

const LAST = { events: 12, pairs: 8 } as const;
const USERS = 5;
const int64 = { kind: "int64" } as const;

const ids = (...values: number[]): Batch =>
  batchOf({ id: [int64, values.map(BigInt)], tag: [{ kind: "string" }, values.map((id) => `row ${id}`)] });
const users = (run: number, from: number, to: number): Batch =>
  batchOf({
    id: [int64, range(from, to).map(BigInt)],
    run: [int64, range(from, to).map(() => BigInt(run))],
  });

const table = (name: string, stream: string, batch: Batch, replace = false): TablePlan => ({
  table: name,
  stream,
  disposition: replace ? { kind: "replace", allowEmpty: false } : { kind: "append" },
  primaryKey: [],
  partitionBy: [],
  schema: batch.schema,
});

const plan: readonly TablePlan[] = [
  table("events", "events", ids()),
  table("left", "pairs", ids()),
  table("right", "pairs", ids()),
  table("users", "users", users(0, 1, 0), true),
  table("none", "none", ids()),
];

/** Runs the pipeline once, from wherever its state says. `run` marks the rows of the table that is replaced. */
async function runScript(session: DestinationSession, run: number): Promise<void> {
  const { state, begin, commit } = await scriptLoads(session, plan);
  const at = { events: cursorOf(state, "events"), pairs: cursorOf(state, "pairs") };
  const half = {
    events: at.events + Math.ceil((LAST.events - at.events) / 2),
    pairs: at.pairs + Math.ceil((LAST.pairs - at.pairs) / 2),
  };
  {
    await using load = await begin();
    await load.write("events", ids(...range(at.events + 1, half.events - 1)));
    await load.mark("events", { seal: false, end: false });
    await load.write("events", ids(...range(Math.max(at.events + 1, half.events), half.events)));
    await load.mark("events", { seal: true, end: false });
    await load.write("left", ids(...range(at.pairs + 1, half.pairs)));
    await load.write("right", ids(...range(at.pairs + 1, half.pairs)));
    await load.mark("pairs", { seal: true, end: false });
    await load.write("users", users(run, 1, 3));
    // These carry over: behind the sealed mark, of a broken attempt that is rolled back, and of an unsealed stream.
    await load.write("events", ids(99));
    await load.rollback("events");
    await load.write(
      "events",
      ids(...range(half.events + 1, half.events + 2).filter((id) => id <= LAST.events)),
    );
    await commit(load, half);
  }
  {
    await using load = await begin();
    await load.mark("events", { seal: true, end: false });
    await load.write("events", ids(...range(half.events + 3, LAST.events)));
    await load.mark("events", { seal: true, end: true });
    await load.write("left", ids(...range(half.pairs + 1, LAST.pairs)));
    await load.write("right", ids(...range(half.pairs + 1, LAST.pairs)));
    await load.mark("pairs", { seal: true, end: true });
    await load.write("users", users(run, 4, USERS));
    await load.mark("users", { seal: true, end: true });
    await load.mark("none", { seal: true, end: true });
    await commit(load, { ...LAST, users: null, none: null });
  }
}

/** What holds whenever a session has recovered: each table holds the rows up to its stream's cursor, each once. */
async function expectRecovered(
  store: ObjectStore,
  lake: LakeUnderTest,
  session: DestinationSession,
  where: string,
): Promise<PipelineState | undefined> {
  const state = await session.recover();
  await expectTables(store, lake, state, where);
  return state;
}

async function expectTables(
  store: ObjectStore,
  lake: LakeUnderTest,
  state: PipelineState | undefined,
  where: string,
): Promise<void> {
  const read = async (name: string): Promise<readonly Row[]> => lake.read(store, name);
  const found = async (name: string): Promise<readonly number[]> =>
    (await read(name)).map(({ id }) => Number(id)).sort((a, b) => a - b);
  const events = cursorOf(state, "events");
  const pairs = cursorOf(state, "pairs");
  expect(await found("events"), `events ${where}`).toEqual(range(1, events));
  expect(await found("left"), `left ${where}`).toEqual(range(1, pairs));
  expect(await found("right"), `right ${where}`).toEqual(range(1, pairs));
  const rows = await read("users");
  const committed = state?.streams["users"] !== undefined;
  expect(
    rows.map(({ id }) => Number(id)).sort((a, b) => a - b),
    `users ${where}`,
  ).toEqual(committed ? range(1, USERS) : []);
  expect(new Set(rows.map(({ run }) => String(run))).size, `generations of users ${where}`).toBe(
    committed ? 1 : 0,
  );
  await expectLoads(store, lake, state, where);
}

/** What holds after a run to the end, whatever happened before it. */
async function expectComplete(
  store: ObjectStore,
  lake: LakeUnderTest,
  session: DestinationSession,
  where: string,
): Promise<void> {
  const state = await expectRecovered(store, lake, session, where);
  expect(cursorOf(state, "events"), `cursor of events ${where}`).toBe(LAST.events);
  expect(cursorOf(state, "pairs"), `cursor of pairs ${where}`).toBe(LAST.pairs);
}

/** Appends and replaces. */
export const appendScript: CrashScript = {
  run: runScript,
  expectRecovered,
  expectComplete,
  counted: "events",
};
