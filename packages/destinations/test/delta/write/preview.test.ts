import type { ColumnType, ObjectStore, Schema, TablePlan } from "@alluvium/core";
import { vectorOf } from "@alluvium/core/columns";
import { memoryStore } from "@alluvium/core/storage/memory";
import { suiteContext } from "@alluvium/core/testing";
import { expect, test } from "vitest";
import { delta } from "../../../src/delta/index.ts";
import { parquet } from "../../../src/parquet/index.ts";

const int64 = { kind: "int64" } as const;
const string = { kind: "string" } as const;
const local = { kind: "timestamp", zone: "local" } as const;

function schemaOf(columns: Readonly<Record<string, ColumnType>>): Schema {
  return { fields: Object.entries(columns).map(([name, type]) => ({ name, type, nullable: true })) };
}

function planOf(columns: Readonly<Record<string, ColumnType>>, more: Partial<TablePlan> = {}): TablePlan {
  return {
    table: "t",
    stream: "t",
    disposition: { kind: "append" },
    primaryKey: [],
    partitionBy: [],
    schema: schemaOf(columns),
    ...more,
  };
}

const load = { loadId: "l", startedAt: new Date(0) };

async function statementsFor(store: ObjectStore, plan: TablePlan): Promise<readonly string[]> {
  await using session = await delta({ store }).open(suiteContext());
  await session.recover({ readOnly: true });
  return (await session.preview!({ ...load, tables: [plan] }))[0]!.statements;
}

/** Commits one row of nulls. */
async function commit(store: ObjectStore, plan: TablePlan): Promise<void> {
  await using session = await delta({ store }).open(suiteContext());
  const sequence = ((await session.recover())?.sequence ?? -1) + 1;
  const one = await session.begin({ loadId: `load ${sequence}`, startedAt: new Date(0), tables: [plan] });
  const columns = plan.schema.fields.map(({ type }) => vectorOf(type, [null]));
  await one.write("t", { schema: plan.schema, length: 1, columns });
  await one.mark("t", { seal: true, end: true });
  const state = { incarnation: "i", sequence, loadId: one.loadId, streams: {}, tables: {} };
  const receipt = await one.commit(state);
  expect(receipt.tables[0]?.parked).toBeUndefined();
}

const struct = (...names: readonly string[]): ColumnType => ({
  kind: "struct",
  fields: names.map((name) => ({ name, type: string, nullable: name !== "n" })),
});
const list = (type: ColumnType): ColumnType => ({
  kind: "list",
  element: { name: "element", type, nullable: true },
});

test("a new table, partitioned, with versions, names quoted", async () => {
  const store = memoryStore();
  const plan = planOf(
    { id: int64, "odd`name": list(struct("a", "n")), at: local, small: { kind: "int8" } },
    {
      table: "my`table",
      disposition: { kind: "merge", strategy: "scd2" },
      primaryKey: ["id"],
      merge: { validity: { from: "since", to: "until", active: "current", retireAbsent: false } },
      partitionBy: [{ column: "at", transform: "day", name: "day" }, { column: "small" }],
    },
  );
  expect(await statementsFor(store, plan)).toEqual([
    "CREATE TABLE `my``table` (`id` BIGINT, `odd``name` ARRAY<STRUCT<`a`: STRING, `n`: STRING NOT NULL>>, `at` TIMESTAMP_NTZ, `small` TINYINT, `since` TIMESTAMP NOT NULL, `until` TIMESTAMP, `current` BOOLEAN NOT NULL, `day` DATE) USING DELTA PARTITIONED BY (`day`, `small`)",
  ]);
  expect(await Array.fromAsync(store.list(""))).toEqual([]);
});

test("columns and members are added, with what they need of the table, and nothing is said of a table that stays", async () => {
  const store = memoryStore();
  const before = { id: int64, s: struct("a"), l: list(struct("a")) };
  await commit(store, planOf(before));
  expect(await statementsFor(store, planOf(before))).toEqual([]);
  expect(await statementsFor(store, planOf({ id: int64 }))).toEqual([]);
  const after = { ...before, s: struct("a", "b"), l: list(struct("a", "c")), at: local };
  expect(await statementsFor(store, planOf(after))).toEqual([
    "ALTER TABLE `t` SET TBLPROPERTIES ('delta.feature.timestampNtz' = 'supported')",
    "ALTER TABLE `t` ADD COLUMNS (`s`.`b` STRING, `l`.`element`.`c` STRING, `at` TIMESTAMP_NTZ)",
  ]);
  // What it said is what the load does.
  await commit(store, planOf(after));
  expect(await statementsFor(store, planOf(after))).toEqual([]);
});

test("a table that is made anew, and one whose rows go", async () => {
  const store = memoryStore();
  await commit(store, planOf({ id: int64, old: string }));
  expect(await statementsFor(store, planOf({ id: string }, { restart: "tables" }))).toEqual([
    "REPLACE TABLE `t` (`id` STRING) USING DELTA",
  ]);
  expect(await statementsFor(store, planOf({ id: int64 }, { restart: "data" }))).toEqual([]);
});

test("a table without known columns has no statement; one that cannot be is refused", async () => {
  const store = memoryStore();
  expect(await statementsFor(store, planOf({ id: { kind: "null" } }))).toEqual([]);
  await expect(statementsFor(store, planOf({ "a b": int64 }))).rejects.toMatchObject({
    code: "ALV_UNSUPPORTED",
  });
});

test("a folder of files has no definition", async () => {
  await using session = await parquet({ store: memoryStore() }).open(suiteContext());
  expect("preview" in session).toBe(false);
});

const scd2 = { disposition: { kind: "merge", strategy: "scd2" }, primaryKey: ["id"] } as const;
const validity = { from: "since", to: "until", active: "current", retireAbsent: false };
test.for<[what: string, more: Partial<TablePlan>, column: string]>([
  ["valid from", { ...scd2, merge: { validity: { ...validity, from: "valid from" } } }, "valid from"],
  ["active", { ...scd2, merge: { validity: { ...validity, active: "is(active)" } } }, "is(active)"],
  ["a partition", { partitionBy: [{ column: "at", transform: "day", name: "the day" }] }, "the day"],
  [
    "a partition by what is not yet known",
    { partitionBy: [{ column: "later", transform: "day", name: "the day" }] },
    "the day",
  ],
])("a name that Delta cannot hold is refused when the load begins: %s", async ([, more, column]) => {
  const store = memoryStore();
  await using session = await delta({ store }).open(suiteContext());
  await session.recover();
  const plan = planOf({ id: int64, at: local }, more);
  const beginning = session.begin({ ...load, tables: [plan] });
  await expect(beginning).rejects.toMatchObject({
    code: "ALV_UNSUPPORTED",
    message: expect.stringContaining(`"${column}" of table "t" cannot be stored`),
  });
});
