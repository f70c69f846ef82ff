import {
  timeOrderedId,
  validityColumns,
  type DestinationSession,
  type Json,
  type PipelineState,
  type StreamState,
  type TablePlan,
} from "@alluvium/core";
import { ChangeOp, type Batch } from "@alluvium/core/columns";
import { batchOf } from "@alluvium/core/testing";
import { expect } from "vitest";

/*
 * A pipeline in miniature over a session: a stream that appends to two tables, one that replaces its table, one that merges changes and
 * deletes, one that keeps history; two commits a run, with rows that carry over from the first into the second.
 */

const LAST = { pairs: 8, merged: 12, kept: 6 } as const;
const USERS = 5;
const int64 = { kind: "int64" } as const;
const string = { kind: "string" } as const;

/** Row n of the changes: key n % 5, deleted at every seventh. What stands at last is a function of the number of changes. */
const keyOf = (change: number): number => change % 5;
const isDelete = (change: number): boolean => change % 7 === 0;

const ids = (...values: number[]): Batch =>
  batchOf({ id: [int64, values.map(BigInt)], tag: [string, values.map((id) => `row ${id}`)] });
const changes = (...values: number[]): Batch => ({
  ...batchOf({
    id: [int64, values.map((value) => BigInt(keyOf(value)))],
    note: [string, values.map((value) => (isDelete(value) ? null : `change ${value}`))],
  }),
  changes: {
    ops: Uint8Array.from(values, (value) => (isDelete(value) ? ChangeOp.delete : ChangeOp.update)),
    ordinals: BigInt64Array.from(values, BigInt),
  },
});
const users = (run: number, from: number, to: number): Batch =>
  batchOf({
    id: [int64, range(from, to).map(BigInt)],
    run: [int64, range(from, to).map(() => BigInt(run))],
  });

const table = (
  name: string,
  stream: string,
  batch: Batch,
  disposition: TablePlan["disposition"],
): TablePlan => ({
  table: name,
  stream,
  disposition,
  primaryKey: disposition.kind === "merge" ? ["id"] : [],
  partitionBy: [],
  schema: batch.schema,
});

const plan: readonly TablePlan[] = [
  table("left", "pairs", ids(), { kind: "append" }),
  table("right", "pairs", ids(), { kind: "append" }),
  table("users", "users", users(0, 1, 0), { kind: "replace", allowEmpty: false }),
  table("merged", "merged", changes(), { kind: "merge", strategy: "upsert" }),
  {
    ...table("kept", "kept", changes(), { kind: "merge", strategy: "scd2" }),
    merge: { validity: { ...validityColumns, retireAbsent: false } },
  },
];

/** Runs the pipeline once, from wherever its state says. `run` marks the rows of the table that is replaced. */
export async function runScript(session: DestinationSession, run: number): Promise<void> {
  let state = await session.recover();
  const at = cursors(state);
  const half = Object.fromEntries(
    Object.entries(LAST).map(([name, last]) => {
      const from = at[name as keyof typeof LAST];
      return [name, from + Math.ceil((last - from) / 2)];
    }),
  ) as Record<keyof typeof LAST, number>;
  let sequence = (state?.sequence ?? -1) + 1;
  const begin = () => session.begin({ loadId: timeOrderedId(), startedAt: new Date(), tables: plan });
  const next = (loadId: string, moved: Readonly<Record<string, Json>>): PipelineState => ({
    incarnation: state?.incarnation ?? crypto.randomUUID(),
    sequence: sequence++,
    loadId,
    streams: {
      ...state?.streams,
      ...Object.fromEntries(
        Object.entries(moved).map(([name, cursor]): [string, StreamState] => [
          name,
          { cursor, cursorVersion: 1, identity: null, loadId, committedAt: new Date().toISOString() },
        ]),
      ),
    },
    tables: {},
  });

  {
    await using load = await begin();
    await load.write("left", ids(...range(at.pairs + 1, half.pairs)));
    await load.write("right", ids(...range(at.pairs + 1, half.pairs)));
    await load.mark("pairs", { seal: true, end: false });
    await load.write("users", users(run, 1, 3));
    for (const name of ["merged", "kept"] as const) {
      await load.write(name, changes(...range(at[name] + 1, half[name])));
      await load.mark(name, { seal: true, end: false });
    }
    // Of a broken attempt that is rolled back; then a row that carries over.
    await load.write("merged", changes(99));
    await load.rollback("merged");
    if (half.merged < LAST.merged) await load.write("merged", changes(half.merged + 1));
    const first = next(load.loadId, half);
    await load.commit(first);
    state = first;
  }
  {
    await using load = await begin();
    for (const name of ["left", "right"]) await load.write(name, ids(...range(half.pairs + 1, LAST.pairs)));
    await load.mark("pairs", { seal: true, end: true });
    await load.write("users", users(run, 4, USERS));
    await load.mark("users", { seal: true, end: true });
    await load.write("merged", changes(...range(half.merged + 2, LAST.merged)));
    await load.write("kept", changes(...range(half.kept + 1, LAST.kept)));
    for (const name of ["merged", "kept"]) await load.mark(name, { seal: true, end: true });
    await load.commit(next(load.loadId, { ...LAST, users: null }));
  }
}

type Read = (table: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** What holds whenever a session has recovered: each table holds what its stream's cursor says, each row once. */
export async function expectRecovered(
  session: DestinationSession,
  read: Read,
  where: string,
): Promise<PipelineState | undefined> {
  const state = await session.recover();
  const at = cursors(state);
  for (const name of ["left", "right"])
    expect(numbers(await read(name), "id"), `${name} ${where}`).toEqual(range(1, at.pairs));

  const current = (count: number): readonly string[] => {
    const rows = new Map<number, string>();
    for (const change of range(1, count))
      if (isDelete(change)) rows.delete(keyOf(change));
      else rows.set(keyOf(change), `change ${change}`);
    return [...rows].map(([id, note]) => `${id} ${note}`).toSorted();
  };
  const texts = (rows: Awaited<ReturnType<Read>>): readonly string[] =>
    rows.map(({ id, note }) => `${String(id)} ${String(note)}`).toSorted();
  expect(texts(await read("merged")), `merged ${where}`).toEqual(current(at.merged));

  const versions = await read("kept");
  expect(texts(versions.filter((row) => row["_alv_active"] === true)), `active versions ${where}`).toEqual(
    current(at.kept),
  );
  expect(versions.length, `versions ${where}`).toBe(
    range(1, at.kept).filter((change) => !isDelete(change)).length,
  );

  const rows = await read("users");
  const replaced = state?.streams["users"] !== undefined;
  expect(numbers(rows, "id"), `users ${where}`).toEqual(replaced ? range(1, USERS) : []);
  expect(new Set(rows.map(({ run }) => run)).size, `generations of users ${where}`).toBe(replaced ? 1 : 0);
  expect(numbers(await read("_alv_loads"), "sequence"), `loads ${where}`).toEqual(
    range(0, state?.sequence ?? -1),
  );
  return state;
}

/** What holds after a run to the end, whatever happened before it. */
export async function expectComplete(session: DestinationSession, read: Read, where: string): Promise<void> {
  expect(cursors(await expectRecovered(session, read, where)), `cursors ${where}`).toEqual(LAST);
}

function cursors(state: PipelineState | undefined): Record<keyof typeof LAST, number> {
  const at = (name: string): number => (state?.streams[name]?.cursor as number | undefined) ?? 0;
  return { pairs: at("pairs"), merged: at("merged"), kept: at("kept") };
}

function numbers(rows: Awaited<ReturnType<Read>>, column: string): number[] {
  return rows.map((row) => Number(row[column])).toSorted((a, b) => a - b);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}
