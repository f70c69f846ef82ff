import type { DestinationSession, OpenContext, Partition, RunEvent, TablePlan, Where } from "@alluvium/core";
import { timeOrderedId } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { memoryStore } from "@alluvium/core/storage/memory";
import {
  batchOf,
  destinationSuite,
  faultStore,
  suiteContext,
  suiteDestination,
} from "@alluvium/core/testing";
import { DuckDBInstance } from "@duckdb/node-api";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parquet } from "../../src/parquet/index.ts";
import { stateWith } from "../lake/lakes.ts";
import { folderRows } from "./folder-rows.ts";

const int64 = { kind: "int64" } as const;
const string = { kind: "string" } as const;
const instant = { kind: "timestamp", zone: "utc" } as const;

describe("parquet destination", () => {
  const cases: [name: string, run: () => Promise<void>][] = [];
  destinationSuite({
    test: (name, run) => cases.push([name, run]),
    capabilities: parquet({}).capabilities,
    open: async () => {
      const store = memoryStore();
      return suiteDestination(parquet({ store }), (table) => folderRows(store, table));
    },
  });
  test.for(cases)("%s", async ([, run]) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "alluvium-parquet-"));
});
afterAll(() => rm(root, { recursive: true }));

const open = (destination: ReturnType<typeof parquet>, more: Partial<OpenContext> = {}) =>
  destination.open({ ...suiteContext(), leaseWait: 0, ...more });

interface PlanOptions {
  readonly replace?: boolean;
  readonly where?: Where;
  readonly partitionBy?: readonly Partition[];
}

async function load(session: DestinationSession, batch: Batch, options: PlanOptions = {}) {
  const { replace = false, where, partitionBy = [] } = options;
  const plan: TablePlan = {
    table: "orders",
    stream: "orders",
    disposition: replace
      ? { kind: "replace", allowEmpty: true, ...(where && { where }) }
      : { kind: "append", ...(where && { replaceWhere: where }) },
    primaryKey: [],
    partitionBy,
    schema: batch.schema,
  };
  const loadId = timeOrderedId();
  await using next = await session.begin({ loadId, startedAt: new Date(), tables: [plan] });
  if (batch.length > 0) await next.write("orders", batch);
  await next.mark("orders", { seal: true, end: true });
  return next.commit(stateWith([plan], loadId));
}

type OrderRow = readonly [id: number, country: string | null, at: string];

const orders = (...rows: readonly OrderRow[]): Batch =>
  batchOf({
    id: [int64, rows.map(([id]) => BigInt(id))],
    country: [string, rows.map(([, country]) => country)],
    at: [instant, rows.map(([, , at]) => at)],
  });

/** Of the rows that take the place of others. */
const later = "2030-01-01T00:00:00Z";

async function ids(store: ReturnType<typeof memoryStore>): Promise<number[]> {
  return (await folderRows(store, "orders")).map(({ id }) => Number(id)).sort((a, b) => a - b);
}

const rows = orders(
  [1, "de", "2024-05-01T10:00:00Z"],
  [2, "de", "2024-05-02T10:00:00Z"],
  [3, "fr", "2024-05-01T23:59:59.999999Z"],
  [4, null, "2024-05-03T00:00:00Z"],
);

describe.each<[string, readonly Partition[]]>([
  ["not partitioned", []],
  ["by country", [{ column: "country" }]],
  ["by day", [{ column: "at", transform: "day" }]],
])("a window in a table %s", (_, partitionBy) => {
  test.each<[string, Where, OrderRow, readonly number[]]>([
    [
      "a range",
      [
        { column: "at", op: ">=", value: "2024-05-01T12:00:00Z" },
        { column: "at", op: "<", value: "2024-05-03T00:00:00Z" },
      ],
      [9, "xx", "2024-05-02T01:00:00Z"],
      [1, 4, 9],
    ],
    ["a country", [{ column: "country", op: "=", value: "de" }], [9, "de", later], [3, 4, 9]],
    ["no country", [{ column: "country", op: "=", value: null }], [9, null, later], [1, 2, 3, 9]],
    ["several", [{ column: "id", op: "in", value: [1n, 4n] }], [1, "xx", later], [1, 2, 3]],
    [
      "nothing that is there",
      [{ column: "id", op: ">", value: 100n }],
      [109, "xx", later],
      [1, 2, 3, 4, 109],
    ],
    ["everything", [{ column: "id", op: "<=", value: 4n }], [2, "xx", later], [2]],
  ])("%s", async (_name, where, fresh, expected) => {
    const store = memoryStore();
    await using session = await open(parquet({ store }));
    await session.recover();
    await load(session, rows, { partitionBy });
    await load(session, orders(fresh), { where, partitionBy });
    expect(await ids(store)).toEqual(expected);
    // What stayed is as it was.
    const kept = (await folderRows(store, "orders")).filter(({ id }) => Number(id) !== fresh[0]);
    for (const row of kept) {
      const at = Number(row["id"]) - 1;
      expect(row["country"]).toBe(["de", "de", "fr", null][at]);
      expect((row["at"] as Date).toISOString().slice(0, 10)).toBe(
        ["2024-05-01", "2024-05-02", "2024-05-01", "2024-05-03"][at],
      );
    }
  });
});

test("a window over partitions reads no file, one over columns only those that directories and footers do not decide", async () => {
  const disk = memoryStore();
  const store = faultStore(disk);
  await using session = await open(parquet({ store }));
  await session.recover();
  const partitionBy = [{ column: "country" }] as const;
  await load(session, rows, { partitionBy });
  const reads = async (where: Where, fresh: OrderRow) => {
    const from = store.steps.length;
    await load(session, orders(fresh), { where, partitionBy });
    const preparing = store.steps
      .slice(from)
      .filter(({ call, path }) => call === "get" && path.endsWith(".parquet"));
    return preparing.map(({ path }) => path);
  };
  // The first load of a session looks at the table; so its second is asked.
  await reads([{ column: "country", op: "=", value: "none" }], [9, "none", later]);
  expect(await reads([{ column: "country", op: "=", value: "fr" }], [9, "fr", later])).toEqual([]);
  // Footers only: one file lies in the window wholly, the others not at all.
  const footers = await reads([{ column: "id", op: "=", value: 4n }], [4, "xx", later]);
  // One read each, which is the footer's.
  expect(footers).toHaveLength(4);
  expect(new Set(footers).size).toBe(4);
});

test("a replace leaves only its own rows, and an empty one the columns", async () => {
  const store = memoryStore();
  await using session = await open(parquet({ store }));
  await session.recover();
  await load(session, rows, { partitionBy: [{ column: "country" }] });
  await load(session, orders([7, "it", "2024-01-01T00:00:00Z"]), {
    replace: true,
    partitionBy: [{ column: "country" }],
  });
  expect(await ids(store)).toEqual([7]);
  await load(session, orders(), { replace: true, partitionBy: [{ column: "country" }] });
  expect(await ids(store)).toEqual([]);
  const table = await session.describe("orders");
  expect(table?.schema.fields.map(({ name }) => name)).toEqual(["id", "country", "at"]);
  expect(table?.partitionBy).toEqual([{ column: "country" }]);
});

test("columns come later, and ones that were only null get their type", async () => {
  const store = memoryStore();
  await using session = await open(parquet({ store }));
  await session.recover();
  const first = batchOf({ id: [int64, [1n]], later: [{ kind: "null" }, [null]] });
  await load(session, first);
  await load(session, batchOf({ id: [int64, [2n]], later: [string, ["x"]], more: [int64, [5n]] }));
  const read = await folderRows(store, "orders");
  expect(read.find(({ id }) => id === 1n)).toEqual({ id: 1n });
  expect(read.find(({ id }) => id === 2n)).toEqual({ id: 2n, later: "x", more: 5n });
  expect(
    (await session.describe("orders"))?.schema.fields.map(({ name, type }) => `${name} ${type.kind}`),
  ).toEqual(["id int64", "later string", "more int64"]);
});

test("DuckDB reads a partitioned folder", async () => {
  const events: RunEvent[] = [];
  const url = join(root, "duck");
  await using session = await open(parquet({ url }), { emit: (event) => events.push(event) });
  await session.recover();
  const receipt = await load(session, rows, {
    partitionBy: [{ column: "country" }, { column: "at", transform: "day" }],
  });
  expect(receipt.tables[0]).toMatchObject({ table: "orders", rows: 4, files: 4 });
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const result = await connection.runAndReadAll(
    `select id, country, epoch_us("at") as micros, at_day::varchar as at_day
     from read_parquet('${url}/orders/**/*.parquet', hive_partitioning = true, union_by_name = true) order by id`,
  );
  expect(result.getRowsJson()).toEqual([
    ["1", "de", "1714557600000000", "2024-05-01"],
    ["2", "de", "1714644000000000", "2024-05-02"],
    ["3", "fr", "1714607999999999", "2024-05-01"],
    ["4", null, "1714694400000000", "2024-05-03"],
  ]);
  const loads = await connection.runAndReadAll(
    `select pipeline, sequence, tables[1]."table" from read_parquet('${url}/_alv_loads/*.parquet')`,
  );
  expect(loads.getRowsJson()).toEqual([["suite", "0", "orders"]]);
  connection.closeSync();
  instance.closeSync();
  expect(events.filter(({ type }) => type === "fileWritten")).toHaveLength(4);
});

describe("who may write", () => {
  const other = { pipeline: { pipeline: "other", lane: "main" } };

  test("another pipeline's folder is foreign, unless it is shared or adopted", async () => {
    const store = memoryStore();
    {
      await using session = await open(parquet({ store }));
      await session.recover();
      await load(session, rows);
    }
    const append = async (more: Partial<OpenContext>) => {
      await using session = await open(parquet({ store }), { ...other, ...more });
      await session.recover();
      await load(session, orders([5, "de", "2024-05-05T00:00:00Z"]));
    };
    await expect(append({})).rejects.toMatchObject({
      code: "ALV_TABLE_FOREIGN",
      message: expect.stringContaining("suite") as string,
    });
    await append({ shared: ["orders"] });
    expect(await ids(store)).toEqual([1, 2, 3, 4, 5]);
    // What the other one only knows as null keeps its type.
    await using session = await open(parquet({ store }), { ...other, shared: true });
    await session.recover();
    await load(session, batchOf({ id: [int64, [6n]], country: [{ kind: "null" }, [null]] }));
    expect(
      (await session.describe("orders"))?.schema.fields.find(({ name }) => name === "country")?.type,
    ).toEqual(string);
  });

  test("a folder of files that nobody's pipeline wrote is foreign", async () => {
    const url = join(root, "foreign");
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const { mkdir } = await import("node:fs/promises");
    await mkdir(join(url, "orders"), { recursive: true });
    await connection.run(`copy (select 1::bigint as id) to '${url}/orders/x.parquet'`);
    connection.closeSync();
    instance.closeSync();
    await using session = await open(parquet({ url }));
    await session.recover();
    await expect(load(session, rows)).rejects.toMatchObject({ code: "ALV_TABLE_FOREIGN" });
    expect((await session.describe("orders"))?.schema.fields).toMatchObject([{ name: "id", type: int64 }]);
  });

  test("lost state is an error, not a first run", async () => {
    const store = memoryStore();
    {
      await using session = await open(parquet({ store }));
      await session.recover();
      await load(session, rows);
    }
    for await (const { path } of store.list("_alluvium/")) await store.delete([path]);
    const again = async () => {
      await using session = await open(parquet({ store }));
      await session.recover();
      await load(session, rows);
    };
    await expect(again()).rejects.toMatchObject({ code: "ALV_STATE_LOST" });
    expect(await ids(store)).toEqual([1, 2, 3, 4]);
  });

  test("a damaged file is told by name, and nothing is harmed", async () => {
    const store = memoryStore();
    await store.put("orders/part-1.parquet", new TextEncoder().encode("no parquet at all"));
    await using session = await open(parquet({ store }));
    await session.recover();
    await expect(load(session, rows)).rejects.toMatchObject({
      code: "ALV_FILE_INVALID",
      message: expect.stringContaining("orders/part-1.parquet") as string,
    });
    expect(await store.head("orders/part-1.parquet")).toBeDefined();
  });
});

describe("options", () => {
  test.each<[object, string]>([
    [{}, "ALV_CONFIG"],
    [{ url: "./x", store: memoryStore() }, "ALV_CONFIG"],
    [{ url: "./x", compression: "lzo" }, "ALV_CONFIG"],
    [{ url: "./x", targetFileBytes: 10 }, "ALV_CONFIG"],
    [{ url: "./x", targetfilebytes: 1e9 }, "ALV_CONFIG"],
    [{ url: "gs://bucket/lake" }, "ALV_UNSUPPORTED"],
    [{ url: "s3://bucket/lake", targetFileBytes: 5e9 }, "ALV_CONFIG"],
    [{ store: { ...memoryStore(), capabilities: { putIfAbsent: false, rename: true } } }, "ALV_STORE_UNSAFE"],
  ])("%o is %s when it is opened, not before", async (options, code) => {
    await expect(open(parquet(options))).rejects.toMatchObject({ code });
  });

  test("building it does nothing", () => {
    expect(parquet({ url: join(root, "never") }).name).toBe("parquet");
  });
});
