import { expect, test } from "vitest";
import {
  AlluviumError,
  type ColumnType,
  type DestinationSession,
  type OpenContext,
  type Schema,
  type TablePlan,
} from "@alluvium/core";
import { vectorOf, type Batch } from "@alluvium/core/columns";
import { stateAt, suiteContext } from "../../../core/src/testing/suite-session.ts";
import { memoryDatabase, type TestDatabase } from "./database.ts";

const int64 = { kind: "int64" } as const;
const string = { kind: "string" } as const;

function batch(columns: Readonly<Record<string, readonly [ColumnType, readonly unknown[]]>>): Batch {
  const entries = Object.entries(columns);
  return {
    schema: { fields: entries.map(([name, [type]]) => ({ name, type, nullable: true })) },
    length: entries[0]![1][1].length,
    columns: entries.map(([, [type, values]]) => vectorOf(type, values)),
  };
}
const ids = (...values: bigint[]): Batch => batch({ id: [int64, values] });

function plan(table: string, schema: Schema, more: Partial<TablePlan> = {}): TablePlan {
  return {
    table,
    stream: table,
    disposition: { kind: "append" },
    primaryKey: ["id"],
    partitionBy: [],
    schema,
    ...more,
  };
}
const upsert = { disposition: { kind: "merge", strategy: "upsert" } } as const;

async function open(database: TestDatabase, context: Partial<OpenContext> = {}): Promise<DestinationSession> {
  const session = await database.destination.open({ ...suiteContext(), ...context });
  try {
    await session.recover();
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
  return session;
}

/** Loads one batch a table; `before` is done once all is staged. */
async function load(
  session: DestinationSession,
  sequence: number,
  tables: readonly (readonly [TablePlan, Batch | undefined])[],
  before?: () => Promise<unknown>,
) {
  const loadId = crypto.randomUUID();
  await using open = await session.begin({
    loadId,
    startedAt: new Date(),
    tables: tables.map(([each]) => each),
  });
  for (const [{ table }, rows] of tables) {
    if (rows !== undefined) await open.write(table, rows);
    await open.mark(table, { seal: true, end: true });
  }
  await before?.();
  const streams = Object.fromEntries(
    tables.map(([{ stream }]) => [
      stream,
      { cursor: sequence, cursorVersion: 1, identity: null, loadId, committedAt: new Date().toISOString() },
    ]),
  );
  const known = Object.fromEntries(
    tables.map(([{ table, stream, schema, primaryKey }]) => [
      table,
      { stream, resource: table, schema, columns: {}, primaryKey, disposition: "append" },
    ]),
  );
  return await open.commit({ ...stateAt(sequence, loadId), streams, tables: known });
}

const code = (error: unknown): string | undefined => (AlluviumError.is(error) ? error.code : String(error));
const sorted = async (database: TestDatabase, sql: string): Promise<unknown[]> =>
  (await database.query(sql)).map((row) => Object.values(row).join(" ")).toSorted();

test("a table that is dropped between staging and commit is set aside, and the others go on", async () => {
  await using database = await memoryDatabase();
  const tables = [plan("a", ids().schema, upsert), plan("b", ids().schema)] as const;
  {
    await using session = await open(database);
    await load(session, 0, [
      [tables[0], ids(1n)],
      [tables[1], ids(1n)],
    ]);
    const receipt = await load(
      session,
      1,
      [
        [tables[0], ids(2n)],
        [tables[1], ids(2n)],
      ],
      () => database.query("drop table a"),
    );
    expect(receipt.tables.find(({ table }) => table === "a")?.parked).toMatch(/dropped/);
    expect(await sorted(database, "select id from b")).toEqual(["1", "2"]);
    const [parked] = (await session.parked?.()) ?? [];
    expect(parked).toMatchObject({ table: "a", stream: "a", retryable: true });
    await expect(load(session, 2, [[tables[0], ids(3n)]])).rejects.toThrow(/set aside/);
  }
  await using session = await open(database);
  const state = await (await database.destination.open(suiteContext())).recover({ readOnly: true });
  expect(state?.tables["a"]?.parked?.reason).toMatch(/dropped/);
  await expect(session.settle!("a", "retry")).rejects.toThrow(/still cannot take load/);
  await session.settle!("a", "resync");
  expect(await session.parked?.()).toEqual([]);
  expect(await database.query("select * from duckdb_tables() where table_name like '_alv_parked_%'")).toEqual(
    [],
  );
  await load(session, 3, [[tables[0], ids(7n)]]);
  expect(await sorted(database, "select id from a")).toEqual(["7"]);
});

test("rows that were set aside are applied once the table is back", async () => {
  await using database = await memoryDatabase();
  const table = plan("a", ids().schema, upsert);
  {
    await using session = await open(database);
    await load(session, 0, [[table, ids(1n, 2n)]]);
    await load(session, 1, [[table, ids(2n, 3n)]], async () => {
      await database.query("create table backup as select * from a");
      await database.query("drop table a");
    });
  }
  await database.query("alter table backup rename to a");
  await using session = await open(database, { adopt: ["a"] });
  await session.settle!("a", "retry");
  expect(await sorted(database, "select id from a")).toEqual(["1", "2", "3"]);
  await load(session, 3, [[table, ids(4n)]]);
  expect(await sorted(database, "select id from a")).toEqual(["1", "2", "3", "4"]);
});

test("rows that are given up are not there, and the table goes on", async () => {
  await using database = await memoryDatabase();
  const table = plan("a", ids().schema);
  await using session = await open(database);
  await load(session, 0, [[table, ids(1n)]]);
  await load(session, 1, [[table, ids(2n)]], () => database.query("drop table a"));
  await session.settle!("a", "skip");
  await load(session, 3, [[table, ids(3n)]]);
  expect(await sorted(database, "select id from a")).toEqual(["3"]);
  const loads = [];
  for await (const record of session.history!({ limit: 3 })) loads.push(record.sequence);
  expect(loads).toEqual([3, 2, 1]);
});

test("a table that somebody else made is refused, adopted or shared", async () => {
  await using database = await memoryDatabase();
  await database.query("create table a (id bigint, note varchar)");
  await database.query("insert into a values (1, 'theirs')");
  const table = plan("a", ids().schema);
  {
    await using session = await open(database);
    expect(code(await load(session, 0, [[table, ids(2n)]]).catch((error: unknown) => error))).toBe(
      "ALV_TABLE_FOREIGN",
    );
  }
  {
    await using session = await open(database, { shared: ["a"] });
    await load(session, 0, [[table, ids(2n)]]);
    const replace = plan("a", ids().schema, { disposition: { kind: "replace", allowEmpty: false } });
    expect(code(await load(session, 1, [[replace, ids(2n)]]).catch((error: unknown) => error))).toBe(
      "ALV_TABLE_FOREIGN",
    );
  }
  const other = { pipeline: { pipeline: "other", lane: "main" } };
  await using session = await open(database, { ...other, adopt: ["a"] });
  await load(session, 0, [[table, ids(3n)]]);
  expect(await sorted(database, "select id, note from a")).toEqual(["1 theirs", "2 ", "3 "]);
});

test("a table that was dropped, or dropped and made again, is known", async () => {
  await using database = await memoryDatabase();
  const table = plan("a", ids().schema);
  {
    await using session = await open(database);
    await load(session, 0, [[table, ids(1n)]]);
  }
  await database.query("drop table a");
  await using session = await open(database);
  const error = await load(session, 1, [[table, ids(2n)]]).catch((reason: unknown) => reason);
  expect(code(error)).toBe("ALV_TABLE_NOT_FOUND");
  await database.query("create table a (id bigint)");
  const replaced = await load(session, 1, [[table, ids(2n)]]).catch((reason: unknown) => reason);
  expect(code(replaced)).toBe("ALV_TABLE_REPLACED");
});

test("a state that was deleted is no first run", async () => {
  await using database = await memoryDatabase();
  const table = plan("a", ids().schema);
  {
    await using session = await open(database);
    await load(session, 0, [[table, ids(1n)]]);
  }
  await database.query("delete from _alv_state");
  const error = await open(database).catch((reason: unknown) => reason);
  expect(code(error)).toBe("ALV_STATE_LOST");
  await using session = await open(database, { adopt: ["a"] });
  await load(session, 0, [[table, ids(2n)]]);
  expect(await sorted(database, "select id from a")).toEqual(["1", "2"]);
});

test("a comment keeps the table's id where it is added to, and other users' rows are no obstacle", async () => {
  await using database = await memoryDatabase();
  const table = plan("a", ids().schema);
  await using session = await open(database);
  await load(session, 0, [[table, ids(1n)]]);
  const [row] = await database.query("select comment from duckdb_tables() where table_name = 'a'");
  await database.query(`comment on table a is 'mine. ${String(row!["comment"])}'`);
  await database.query("alter table a add column note varchar");
  await load(session, 1, [[table, ids(2n)]]);
  expect(await sorted(database, "select id from a")).toEqual(["1", "2"]);
});

test("a table begins anew, with its columns or without", async () => {
  await using database = await memoryDatabase();
  const wide = batch({ id: [int64, [1n]], a: [string, ["x"]] });
  const table = plan("t", wide.schema, upsert);
  await using session = await open(database);
  await load(session, 0, [[table, wide]]);
  const data = plan("t", ids().schema, { ...upsert, restart: "data" });
  await load(session, 1, [[data, ids(2n)]]);
  expect(await database.query("select * from t")).toEqual([{ id: 2n, a: null }]);
  // Once a session.
  await load(session, 2, [[data, ids(3n)]]);
  expect(await sorted(database, "select id from t")).toEqual(["2", "3"]);
  await using next = await openNext(session, database);
  const anew = plan("t", batch({ id: [string, ["x"]] }).schema, { ...upsert, restart: "tables" });
  await load(next, 3, [[anew, batch({ id: [string, ["x"]] })]]);
  expect(await database.query("select * from t")).toEqual([{ id: "x" }]);
});

async function openNext(before: DestinationSession, database: TestDatabase): Promise<DestinationSession> {
  await before[Symbol.asyncDispose]();
  return open(database);
}

test("what a load would define is shown and not done", async () => {
  await using database = await memoryDatabase();
  await using session = await open(database);
  const table = plan("t", batch({ id: [int64, []], "a b": [string, []] }).schema, upsert);
  const show = async (each: TablePlan) =>
    (await session.preview!({ loadId: "x", startedAt: new Date(), tables: [each] }))[0]!.statements;
  expect(await show(table)).toEqual(['create table "main"."t" ("id" BIGINT, "a b" VARCHAR)']);
  await load(session, 0, [[table, batch({ id: [int64, [1n]], "a b": [string, ["x"]] })]]);
  expect(await show(table)).toEqual([]);
  const decimal = { kind: "decimal", precision: 30, scale: 2 } as const;
  const wider = plan("t", batch({ id: [decimal, []], n: [int64, []] }).schema, upsert);
  expect(await show(wider)).toEqual([
    'alter table "main"."t" alter column "id" type DECIMAL(30,2)',
    'alter table "main"."t" add column "n" BIGINT',
  ]);
  expect(await database.query("select * from t")).toEqual([{ id: 1n, "a b": "x" }]);
});

test("columns become wider in place, and nested ones get members", async () => {
  await using database = await memoryDatabase();
  const struct = (...names: string[]): ColumnType => ({
    kind: "struct",
    fields: names.map((name) => ({ name, type: string, nullable: true })),
  });
  const list = (element: ColumnType): ColumnType => ({
    kind: "list",
    element: { name: "element", type: element, nullable: true },
  });
  const first = batch({
    id: [int64, [1n]],
    n: [{ kind: "int32" }, [5]],
    s: [struct("a"), [{ a: "x" }]],
    l: [list(struct("a")), [[{ a: "x" }]]],
  });
  const second = batch({
    id: [int64, [2n]],
    n: [{ kind: "float64" }, [0.5]],
    s: [struct("a", "b"), [{ a: "y", b: "z" }]],
    l: [list(struct("a", "b")), [[{ a: "y", b: "z" }]]],
  });
  await using session = await open(database);
  await load(session, 0, [[plan("t", first.schema), first]]);
  await load(session, 1, [[plan("t", second.schema), second]]);
  expect(await database.query("select * from t order by id")).toEqual([
    { id: 1n, n: 5, s: { a: "x", b: null }, l: [{ a: "x", b: null }] },
    { id: 2n, n: 0.5, s: { a: "y", b: "z" }, l: [{ a: "y", b: "z" }] },
  ]);
});

test("a column that becomes wider before it is committed keeps every value, or says which one does not fit", async () => {
  await using database = await memoryDatabase();
  await using session = await open(database);
  const loadId = crypto.randomUUID();
  const attempt = async (table: string, value: bigint, sequence: number): Promise<unknown> => {
    const narrow = batch({ id: [int64, [value]] });
    const wide = batch({ id: [{ kind: "float64" }, [0.5]] });
    await using open = await session.begin({
      loadId,
      startedAt: new Date(),
      tables: [plan(table, narrow.schema)],
    });
    await open.write(table, narrow);
    await open.write(table, wide);
    await open.mark(table, { seal: true, end: true });
    return await open.commit(stateAt(sequence, loadId)).catch((error: unknown) => error);
  };
  await attempt("good", 9_007_199_254_740_992n, 0);
  expect(await sorted(database, "select id from good")).toEqual(["0.5", "9007199254740992"]);
  expect(code(await attempt("bad", 9_007_199_254_740_993n, 1))).toBe("ALV_SCHEMA_CONFLICT");
});
