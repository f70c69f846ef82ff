import {
  validityColumns,
  type DestinationSession,
  type ObjectStore,
  type PipelineState,
  type TablePlan,
} from "@alluvium/core";
import { ChangeOp, type Batch } from "@alluvium/core/columns";
import { batchOf } from "@alluvium/core/testing";
import { expect } from "vitest";
import type { LakeUnderTest } from "./lakes.ts";
import { cursorOf, expectLoads, range, scriptLoads } from "./script-loads.ts";
import type { Row } from "./json-writer.ts";
import type { CrashScript } from "./script.ts";

/*
 * Merges in miniature: changes with deletes, a moved key and partial rows; whole rows, several of a key; groups that are deleted and inserted
 * once a run; and a history that ends the keys that a run does not bring. Two commits a run, with rows that carry over.
 */

const int64 = { kind: "int64" } as const;
const string = { kind: "string" } as const;

/** A change of `items`: what it does to the model, and how a batch holds it. */
interface Change {
  readonly op: ChangeOp;
  readonly id: number;
  readonly tag?: string;
  readonly note?: string;
  readonly from?: number;
}

const log: readonly Change[] = [
  { op: ChangeOp.insert, id: 1, tag: "a", note: "first" },
  { op: ChangeOp.insert, id: 2, tag: "b", note: "second" },
  { op: ChangeOp.insert, id: 3, tag: "c", note: "third" },
  { op: ChangeOp.update, id: 1, tag: "a2" },
  { op: ChangeOp.delete, id: 2 },
  { op: ChangeOp.insert, id: 4, tag: "d", note: "fourth" },
  { op: ChangeOp.update, id: 5, from: 3, tag: "e" },
  { op: ChangeOp.update, id: 1, tag: "a3" },
  { op: ChangeOp.insert, id: 2, tag: "b2", note: "again" },
  { op: ChangeOp.update, id: 5, tag: "e2" },
  { op: ChangeOp.delete, id: 4 },
  { op: ChangeOp.insert, id: 6, tag: "f", note: "last" },
];
const TOTALS = 16;
const GROUPS = 3;

function changes(from: number, to: number): Batch {
  const part = log.slice(from, to);
  const batch = batchOf({
    id: [int64, part.map(({ id }) => BigInt(id))],
    tag: [string, part.map(({ tag }) => tag ?? null)],
    note: [string, part.map(({ note }) => note ?? null)],
  });
  const unsent = new Uint8Array((part.length + 7) >> 3);
  part.forEach(({ op, note }, i) => {
    if (op === ChangeOp.update && note === undefined) unsent[i >> 3]! |= 1 << (i & 7);
  });
  return {
    ...batch,
    changes: {
      ops: Uint8Array.from(part, ({ op }) => op),
      ordinals: BigInt64Array.from(part.map((_, i) => BigInt(from + i))),
      oldKeys: batchOf({
        id: [int64, part.map(({ from: old }) => (old === undefined ? null : BigInt(old)))],
      }),
      unchanged: [undefined, undefined, unsent],
    },
  };
}

function itemsAfter(count: number): readonly string[] {
  const rows = new Map<number, { tag: string | null; note: string | null }>();
  for (const { op, id, tag, note, from } of log.slice(0, count)) {
    const before = rows.get(from ?? id);
    if (from !== undefined) rows.delete(from);
    if (op === ChangeOp.delete) rows.delete(id);
    else rows.set(id, { tag: tag ?? null, note: note ?? before?.note ?? null });
  }
  return [...rows].map(([id, { tag, note }]) => `${id} ${tag} ${note}`).sort();
}

/** Whole rows: the e-th has id e modulo 5, so that later ones take the place of earlier ones. */
const totals = (from: number, to: number): Batch =>
  batchOf({
    id: [int64, range(from, to).map((e) => BigInt(e % 5))],
    value: [int64, range(from, to).map(BigInt)],
  });

function totalsAfter(count: number): readonly string[] {
  const rows = new Map(range(1, count).map((e) => [e % 5, e]));
  return [...rows].map(([id, value]) => `${id} ${value}`).sort();
}

/** Rows of some groups as a run brings them: more or fewer each time. */
function groups(run: number, from: number, to: number): Batch {
  const rows = groupRows(run, from, to);
  return batchOf({
    id: [int64, rows.map(({ id }) => BigInt(id))],
    group: [int64, rows.map(({ group }) => BigInt(group))],
    run: [int64, rows.map(() => BigInt(run))],
  });
}

function groupRows(run: number, from: number, to: number): readonly { id: number; group: number }[] {
  return range(from, to).flatMap((group) =>
    range(1, 2 + ((group + run) % 3)).map((k) => ({ id: 10 * group + k, group })),
  );
}

/** The third person comes in odd runs only, the fourth in even ones, and the second has another name each time. */
const peopleOf = (run: number): readonly (readonly [id: number, name: string])[] => [
  [1, "Ada"],
  [2, `Bob ${run}`],
  [run % 2 === 1 ? 3 : 4, "Cy"],
];
const people = (run: number, from: number, to: number): Batch => {
  const rows = peopleOf(run).slice(from, to);
  return batchOf({
    id: [int64, rows.map(([id]) => BigInt(id))],
    name: [string, rows.map(([, name]) => name)],
  });
};

/** Versions after some runs: `id name`, with `*` where active. */
function versionsAfter(runs: readonly number[]): readonly string[] {
  const ended: string[] = [];
  const active = new Map<number, string>();
  for (const run of runs) {
    const rows = new Map(peopleOf(run));
    for (const [id, name] of active)
      if (rows.get(id) !== name) {
        ended.push(`${id} ${name}`);
        active.delete(id);
      }
    for (const [id, name] of rows) active.set(id, name);
  }
  return [...ended, ...[...active].map(([id, name]) => `${id} ${name}*`)].sort();
}

const table = (name: string, batch: Batch, more: Partial<TablePlan>): TablePlan => ({
  table: name,
  stream: name,
  disposition: { kind: "merge", strategy: "upsert" },
  primaryKey: ["id"],
  partitionBy: [],
  schema: batch.schema,
  ...more,
});

const plan: readonly TablePlan[] = [
  table("items", changes(0, 1), {}),
  table("totals", totals(1, 1), {}),
  table("groups", groups(1, 1, 1), {
    disposition: { kind: "merge", strategy: "deleteInsert" },
    merge: { mergeKey: ["group"] },
  }),
  table("people", people(1, 0, 1), {
    disposition: { kind: "merge", strategy: "scd2" },
    merge: { validity: { ...validityColumns, retireAbsent: true } },
  }),
];

async function runMerges(session: DestinationSession, run: number): Promise<void> {
  const { state, begin, commit } = await scriptLoads(session, plan);
  const at = { items: cursorOf(state, "items"), totals: cursorOf(state, "totals") };
  const half = {
    items: at.items + Math.ceil((log.length - at.items) / 2),
    totals: at.totals + Math.ceil((TOTALS - at.totals) / 2),
  };
  {
    await using load = await begin();
    const middle = at.items + Math.ceil((half.items - at.items) / 2);
    if (middle > at.items) await load.write("items", changes(at.items, middle));
    await load.mark("items", { seal: true, end: false });
    if (half.items > middle) await load.write("items", changes(middle, half.items));
    await load.mark("items", { seal: true, end: false });
    if (half.totals > at.totals) await load.write("totals", totals(at.totals + 1, half.totals));
    await load.mark("totals", { seal: true, end: false });
    // What carries over: rows that are rolled back, and streams that take effect at their end.
    await load.write("items", changes(0, 1));
    await load.rollback("items");
    await load.write("groups", groups(run, 1, 1));
    await load.mark("groups", { seal: true, end: false });
    await load.write("people", people(run, 0, 1));
    await commit(load, half);
  }
  {
    await using load = await begin();
    if (log.length > half.items) await load.write("items", changes(half.items, log.length));
    await load.mark("items", { seal: true, end: true });
    if (TOTALS > half.totals) await load.write("totals", totals(half.totals + 1, TOTALS));
    await load.mark("totals", { seal: true, end: true });
    await load.write("groups", groups(run, 2, GROUPS));
    await load.mark("groups", { seal: true, end: true });
    await load.write("people", people(run, 1, 3));
    await load.mark("people", { seal: true, end: true });
    const cursors = {
      items: log.length,
      totals: TOTALS,
      groups: run,
      people: [...runsOf(state), run],
    };
    await commit(load, cursors);
  }
}

/** Values as one text, to compare rows by. */
function words(...values: readonly unknown[]): string {
  return values.map(String).join(" ");
}

async function expectRecovered(
  store: ObjectStore,
  lake: LakeUnderTest,
  session: DestinationSession,
  where: string,
): Promise<PipelineState | undefined> {
  const state = await session.recover();
  const texts = async (name: string, text: (row: Row) => string): Promise<readonly string[]> =>
    (await lake.read(store, name)).map(text).sort();
  expect(await texts("items", ({ id, tag, note }) => words(id, tag, note)), `items ${where}`).toEqual(
    itemsAfter(cursorOf(state, "items")),
  );
  expect(await texts("totals", ({ id, value }) => words(id, value)), `totals ${where}`).toEqual(
    totalsAfter(cursorOf(state, "totals")),
  );
  const run = cursorOf(state, "groups");
  expect(await texts("groups", (row) => words(row["id"], row["run"])), `groups ${where}`).toEqual(
    run === 0
      ? []
      : groupRows(run, 1, GROUPS)
          .map(({ id }) => `${id} ${run}`)
          .sort(),
  );
  const versions = await lake.read(store, "people");
  expect(
    versions.map((row) => words(row["id"], row["name"]) + (row["_alv_active"] === true ? "*" : "")).sort(),
    `people ${where}`,
  ).toEqual(versionsAfter(runsOf(state)));
  for (const row of versions)
    expect(row["_alv_active"], `end of a version ${where}`).toBe(row["_alv_valid_to"] === null);
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
  expect(cursorOf(state, "items"), `cursor of items ${where}`).toBe(log.length);
  expect(cursorOf(state, "totals"), `cursor of totals ${where}`).toBe(TOTALS);
  expect(runsOf(state).length, `runs of people ${where}`).toBeGreaterThan(0);
}

/** Merges of every kind. */
export const mergeScript: CrashScript = { run: runMerges, expectRecovered, expectComplete, counted: "items" };

function runsOf(state: PipelineState | undefined): readonly number[] {
  return (state?.streams["people"]?.cursor as number[] | undefined) ?? [];
}
