import { describe, expect, test } from "vitest";
import {
  AlluviumError,
  type Capabilities,
  type ColumnType,
  type RunEvent,
  type RunReport,
  type Source,
  type TableDescription,
} from "@alluvium/core";
import { batchOf, memoryDestination, memoryTables, type MemoryStore } from "@alluvium/core/testing";
import { printReport } from "../../src/run/report-text.ts";
import { runPipeline } from "../../src/run/run.ts";
import { storedTypeOf } from "../../src/run/stored-type.ts";

const int32 = { kind: "int32" } as const;
const int64 = { kind: "int64" } as const;
const float64 = { kind: "float64" } as const;
const string = { kind: "string" } as const;

type Columns = Parameters<typeof batchOf>[0];

/** A source of one stream with one table, which yields these batches; `null` stands for a commit point. */
function tableSource(batches: readonly (Columns | null)[], describe: Partial<TableDescription> = {}): Source {
  return {
    specVersion: 1,
    name: "tables",
    open: async () => ({
      streams: [
        {
          name: "t",
          tables: [
            {
              name: "t",
              schema: { fields: [] },
              primaryKey: [],
              disposition: { kind: "append" },
              partitionBy: [],
              ...describe,
            },
          ],
          cursor: { version: 1, encode: (at) => Number(at), decode: (at) => at },
          async *read({ since }) {
            let at = Number(since ?? 0);
            for (const columns of batches) {
              at += 1;
              yield columns === null ? { checkpoint: at } : { table: "t", batch: batchOf(columns) };
            }
            yield { checkpoint: at };
          },
        },
      ],
      async [Symbol.asyncDispose]() {},
    }),
  };
}

async function load(
  store: MemoryStore,
  batches: readonly (Columns | null)[],
  describe: Partial<TableDescription> = {},
  capabilities: Partial<Capabilities> = {},
  events: RunEvent[] = [],
  commitBytes = 1,
): Promise<RunReport> {
  const memory = memoryDestination({ store });
  return await runPipeline(
    {
      name: "p",
      source: tableSource(batches, describe),
      destination: { ...memory, capabilities: { ...memory.capabilities, ...capabilities } },
      loadIdColumn: false,
    },
    { commitBytes, onEvent: (event) => events.push(event) },
  );
}

async function failure(run: Promise<unknown>): Promise<AlluviumError> {
  try {
    await run;
  } catch (error) {
    if (AlluviumError.is(error)) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("names", () => {
  test("tables and columns get the destination's names, and the state remembers the source's", async () => {
    const store = memoryTables();
    await load(store, [{ orderId: [int64, [1n]], "Order Date": [string, ["d"]] }], { name: "t" });
    expect(store.rows("t")).toEqual([{ order_id: 1n, order_date: "d" }]);
    expect(store.pipelines.get('["p","main"]')?.state?.tables["t"]?.columns).toEqual({
      order_id: "orderId",
      order_date: "Order Date",
    });
  });
  test("a function decides where it is given, and a table can be named", async () => {
    const store = memoryTables();
    await load(store, [{ a: [int64, [1n]] }], { naming: (name) => `${name}_x`, table: "renamed" });
    expect(store.rows("renamed")).toEqual([{ a_x: 1n }]);
  });
  test("columns that differ only in case are one where the destination says so", async () => {
    const batch: Columns = { a: [int64, [1n]], A: [int64, [2n]] };
    const error = await failure(load(memoryTables(), [batch], { naming: "keep" }, { foldsCase: true }));
    expect(error.code).toBe("ALV_NAME_COLLISION");
    await load(memoryTables(), [batch], { naming: "keep" });
  });
  test("names that are too long are refused", async () => {
    const error = await failure(
      load(memoryTables(), [{ abcdefghij: [int64, [1n]] }], {}, { maxIdentifierLength: 5 }),
    );
    expect(error.message).toMatch(/abcdefghij.*10 bytes.*takes 5/);
  });
});

describe("types", () => {
  test("what the destination cannot hold goes to text, at any depth", async () => {
    const storedType = (type: ColumnType): ColumnType =>
      type.kind === "uuid" || type.kind === "time" ? string : type;
    const element = { name: "element", type: { kind: "uuid" }, nullable: true } as const;
    const uuid = "0198c0de-0000-7000-8000-000000000000";
    const store = memoryTables();
    await load(
      store,
      [
        {
          id: [{ kind: "uuid" }, [uuid]],
          list: [{ kind: "list", element }, [[uuid, null]]],
          n: [int64, [1n]],
        },
      ],
      {},
      { storedType },
    );
    expect(store.rows("t")).toEqual([{ id: uuid, list: [uuid, null], n: 1n }]);
    expect(store.tables.get("t")?.schema.fields[0]?.type).toEqual(string);
    const map = {
      kind: "map",
      key: { name: "key", type: { kind: "time" }, nullable: false },
      value: {
        name: "value",
        nullable: true,
        type: { kind: "struct", fields: [{ name: "m", type: { kind: "uuid" }, nullable: true }] },
      },
    } as const;
    expect(JSON.stringify(storedTypeOf(map, storedType))).not.toMatch(/uuid|time/);
    expect(storedTypeOf({ kind: "null" }, () => string)).toEqual({ kind: "null" });
  });

  test("columns are added, bound late, widened before the first commit, and reported once", async () => {
    const store = memoryTables();
    const events: RunEvent[] = [];
    const first = await load(
      store,
      [
        { a: [int32, [1]], b: [{ kind: "null" }, [null]] },
        { a: [float64, [1.5]], b: [{ kind: "null" }, [null]] },
      ],
      {},
      {},
      events,
    );
    expect(first.tables["t"]?.schemaChanges).toEqual([{ kind: "tableCreated" }]);
    expect(store.rows("t").map(({ a }) => a)).toEqual([1, 1.5]);
    const second = await load(
      store,
      [
        { a: [float64, [2]], b: [string, ["x"]], c: [int64, [1n]] },
        { a: [float64, [3]], b: [string, ["y"]], c: [int64, [2n]] },
      ],
      {},
      {},
      events,
    );
    expect(second.tables["t"]?.schemaChanges).toEqual([
      { kind: "columnBound", column: "b", type: string },
      { kind: "columnAdded", column: "c", type: int64 },
    ]);
    expect(events.filter(({ type }) => type === "schemaChanged")).toHaveLength(2);
    expect(store.rows("t")).toHaveLength(4);
  });

  test("a committed column keeps its type: what fits is cast, what does not goes into a variant", async () => {
    const store = memoryTables();
    await load(store, [{ a: [float64, [0.5]] }]);
    await load(store, [{ a: [int64, [7n]] }]);
    expect(store.rows("t").map(({ a }) => a)).toEqual([0.5, 7]);
    const big = await load(store, [{ a: [int64, [2n ** 53n + 1n, 8n]] }, { a: [string, ["x"]] }]);
    expect(big.tables["t"]?.schemaChanges).toEqual([
      { kind: "variantAdded", column: "a", variant: "a__v_int64", type: int64 },
      { kind: "variantAdded", column: "a", variant: "a__v_string", type: string },
    ]);
    expect(printReport(big)).toContain(
      "column a does not hold all values; the others are in a__v_int64 (int64)",
    );
    expect(store.rows("t").slice(2)).toEqual([
      { a: null, a__v_int64: 2n ** 53n + 1n, a__v_string: null },
      { a: 8, a__v_int64: null, a__v_string: null },
      { a: null, a__v_int64: null, a__v_string: "x" },
    ]);
    // Variants are there from now on, and nobody misses them.
    const later = await load(store, [{ a: [string, ["y"]] }, { a: [float64, [1.5]] }]);
    expect(later.tables["t"]?.schemaChanges).toEqual([]);
    expect(store.rows("t").at(-2)).toEqual({ a: null, a__v_int64: null, a__v_string: "y" });
  });

  test("also between commits of one run", async () => {
    const store = memoryTables();
    await load(store, [{ a: [int64, [1n]] }, null, { a: [float64, [0.5, 2]] }, null]);
    expect(store.rows("t")).toEqual([
      { a: 1n, a__v_float64: null },
      { a: null, a__v_float64: 0.5 },
      { a: 2n, a__v_float64: null },
    ]);
  });

  test("a committed column widens where the destination can do so in place", async () => {
    const store = memoryTables();
    const widens = (from: ColumnType, to: ColumnType): boolean =>
      from.kind === "int32" && to.kind === "int64";
    await load(store, [{ a: [int32, [1]] }], {}, { widens });
    const report = await load(store, [{ a: [int64, [2n ** 40n]] }, { a: [float64, [0.5]] }], {}, { widens });
    expect(report.tables["t"]?.schemaChanges).toEqual([
      { kind: "columnWidened", column: "a", from: int32, to: int64 },
      { kind: "variantAdded", column: "a", variant: "a__v_float64", type: float64 },
    ]);
    expect(store.rows("t").map(({ a }) => a)).toEqual([1n, 2n ** 40n, null]);
  });

  test.each<[string, Partial<TableDescription>]>([
    ["a frozen table", { contract: "freeze" }],
    ["a key", { primaryKey: ["a"] }],
    ["a cursor", { cursorColumn: "a" }],
    ["a partition", { partitionBy: [{ column: "a" }] }],
    [
      "a window",
      { disposition: { kind: "replace", where: [{ column: "a", op: "=", value: 1n }], allowEmpty: true } },
    ],
    [
      "the order of a merge",
      { primaryKey: ["b"], disposition: { kind: "merge", strategy: "upsert" }, merge: { orderBy: "a" } },
    ],
  ])("%s has no variants", async (_, describe) => {
    const abilities = ["append", "replace", "upsert"] as const;
    const store = memoryTables();
    await load(store, [{ a: [int64, [1n]], b: [int64, [1n]] }], describe, { abilities });
    for (const columns of [{ a: [float64, [0.5]] }, { a: [string, ["x"]] }] as const) {
      const error = await failure(load(store, [{ ...columns, b: [int64, [1n]] }], describe, { abilities }));
      expect(error).toMatchObject({
        code: "ALV_SCHEMA_CONFLICT",
        message: expect.stringMatching(/"a" is int64, and (float64|string) does not fit/),
      });
    }
    expect(store.rows("t")).toEqual([{ a: 1n, b: 1n }]);
  });

  test("a source's columns keep their names beside variants", async () => {
    const store = memoryTables();
    const real: Columns = { a: [int64, [1n]], a__v_string: [string, ["mine"]] };
    await load(store, [real]);
    await load(store, [{ a: [string, ["odd"]] }, { a: [string, ["odd"]], a__v_string: [string, ["mine"]] }]);
    expect(store.rows("t")).toEqual([
      { a: 1n, a__v_string: "mine", a__v_string_2: null },
      { a: null, a__v_string: null, a__v_string_2: "odd" },
      { a: null, a__v_string: "mine", a__v_string_2: "odd" },
    ]);
    const late = memoryTables();
    await load(late, [{ a: [int64, [1n]] }, null, { a: [string, ["odd"]] }]);
    const error = await failure(load(late, [real]));
    expect(error.code).toBe("ALV_NAME_COLLISION");
    expect(error.message).toMatch(/a__v_string of t holds the values of a that do not fit/);
  });

  test("a frozen table takes no new column", async () => {
    const store = memoryTables();
    await load(store, [{ a: [int64, [1n]] }], { contract: "freeze" });
    const batch: Columns = { a: [int64, [2n]], b: [int64, [2n]] };
    expect((await failure(load(store, [batch], { contract: "freeze" }))).code).toBe("ALV_SCHEMA_CONFLICT");
  });
});

test("each load is remembered with what it changed of its tables", async () => {
  const store = memoryTables();
  await load(store, [
    { a: [int32, [1]], b: [string, ["x"]] },
    null,
    { a: [int32, [2]], b: [string, ["y"]], c: [int64, [1n]] },
  ]);
  // A column that is missing is known at the end, so the end has to be in the load.
  await load(store, [{ a: [int32, [3]], c: [string, ["z"]] }], {}, {}, [], 1e6);
  await load(store, [{ a: [int32, [4]], b: [string, ["z"]], c: [int64, [2n]] }]);
  const [{ history } = { history: [] }] = store.pipelines.values();
  expect(history.map(({ tables }) => tables[0]?.schemaChanges)).toEqual([
    undefined,
    [
      { kind: "variantAdded", column: "c", variant: "c__v_string", type: string },
      { kind: "columnMissing", column: "b" },
    ],
    [{ kind: "columnAdded", column: "c", type: int64 }],
    [{ kind: "tableCreated" }],
  ]);
});

describe("a column that is gone at the source", () => {
  const both: Columns = { id: [int64, [1n]], fax: [string, ["1"]] };
  const one: Columns = { id: [int64, [2n]] };

  test("is reported and stays null", async () => {
    const store = memoryTables();
    await load(store, [both]);
    const report = await load(store, [one, one]);
    expect(report.tables["t"]?.schemaChanges).toEqual([{ kind: "columnMissing", column: "fax" }]);
    expect(store.rows("t").map(({ fax }) => fax)).toEqual(["1", null, null]);
  });
  test("is no news where only some rows lack it", async () => {
    const store = memoryTables();
    await load(store, [both]);
    expect((await load(store, [one, both])).tables["t"]?.schemaChanges).toEqual([]);
  });
  for (const [role, describe] of [
    ["primary key", { primaryKey: ["fax"] }],
    ["cursor", { cursorColumn: "fax" }],
    ["partition", { partitionBy: [{ column: "fax" }] }],
  ] as const)
    test(`is an error where it is the ${role} column`, async () => {
      const store = memoryTables();
      await load(store, [both], describe);
      const error = await failure(load(store, [one], describe));
      expect(error.code).toBe("ALV_SCHEMA_CONFLICT");
      expect(error.message).toMatch(new RegExp(`fax of t is gone.*${role}.*id`));
    });
});

describe("other rules", () => {
  test("null in the key of a merge is refused", async () => {
    const describe = { primaryKey: ["id"], disposition: { kind: "merge", strategy: "upsert" } } as const;
    const error = await failure(
      load(memoryTables(), [{ id: [int64, [1n, null]] }], describe, { abilities: ["upsert"] }),
    );
    expect(error).toMatchObject({ code: "ALV_ROW_INVALID", resource: "t" });
  });
  test("a table that gets no rows is created when its columns are known", async () => {
    const store = memoryTables();
    const fields = [{ name: "orderId", type: int64, nullable: true }];
    await load(store, [], { schema: { fields } });
    expect(store.tables.get("t")?.schema.fields.map(({ name }) => name)).toEqual(["order_id"]);
    const unknown = memoryTables();
    await load(unknown, []);
    expect(unknown.tables.size).toBe(0);
  });
  test("a set-aside table's stream is not read until it is settled", async () => {
    const store = memoryTables();
    await load(store, [{ a: [int64, [1n]] }]);
    const entry = store.pipelines.get('["p","main"]')!;
    const known = entry.state!.tables["t"]!;
    const parked = { loadId: "l", reason: "gone" };
    entry.state = { ...entry.state!, tables: { t: { ...known, parked } } };
    const report = await load(store, [{ a: [int64, [2n]] }]);
    expect(report).toMatchObject({ complete: false, problems: [{ stream: "t", code: "ALV_TABLE_PARKED" }] });
    expect(store.rows("t")).toHaveLength(1);
    expect(entry.state.tables["t"]?.parked).toEqual(parked);
  });
});
