import { describe, expect, test } from "vitest";
import { AlluviumError, type Capabilities, type RunOptions, type SchemaDocument } from "@alluvium/core";
import { memoryDestination, memoryTables, type MemoryStore } from "@alluvium/core/testing";
import { pipeline } from "../../src/pipeline.ts";
import { resource } from "../../src/resource.ts";
import { source } from "../../src/source.ts";

interface LoadOptions {
  readonly contract?: unknown;
  readonly options?: RunOptions<"orders">;
  /** Options of the resource. */
  readonly [option: string]: unknown;
}

function load(
  store: MemoryStore,
  rows: readonly object[],
  { contract, options, ...more }: LoadOptions = {},
  capabilities: Partial<Capabilities> = {},
) {
  const memory = memoryDestination({ store });
  const orders = resource({
    name: "orders",
    primaryKey: "id" as never,
    async *read() {
      yield [...rows];
    },
    ...more,
  });
  const made = pipeline({
    name: "p",
    source: source("s", () => [orders])(),
    destination: { ...memory, capabilities: { ...memory.capabilities, ...capabilities } },
    ...(contract !== undefined && { contract: contract as SchemaDocument }),
  });
  return { made, run: () => made.run(options) };
}

async function failure(run: Promise<unknown>): Promise<AlluviumError> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (AlluviumError.is(error)) return error;
  throw error ?? new Error("it did not fail");
}

const row = {
  id: 1,
  total: 0.5,
  at: new Date(0),
  address: { street: "a", zip: 5 },
  tags: ["x"],
};

async function documentOf(rows: readonly object[] = [row]): Promise<SchemaDocument> {
  const { made, run } = load(memoryTables(), rows);
  await run();
  // As a file beside the code holds it.
  return JSON.parse(JSON.stringify(await made.schema())) as SchemaDocument;
}

describe("schema()", () => {
  test("gives what is committed, as JSON of stable text", async () => {
    const store = memoryTables();
    const { made, run } = load(store, [row, { ...row, nothing: null }]);
    expect(await made.schema()).toEqual({ version: 1, tables: {} });
    await run();
    const document = await made.schema();
    expect(JSON.stringify(document)).toBe(
      '{"tables":{"orders":{"columns":[' +
        '{"name":"id","nullable":true,"type":"int64"},' +
        '{"name":"total","nullable":true,"type":"float64"},' +
        '{"name":"at","nullable":true,"type":"timestamp(utc)"},' +
        '{"name":"address","nullable":true,"type":{"struct":[{"name":"street","nullable":true,"type":"string"},{"name":"zip","nullable":true,"type":"int64"}]}},' +
        '{"name":"tags","nullable":true,"type":{"list":{"name":"element","nullable":true,"type":"string"}}}' +
        '],"primaryKey":["id"],"resource":"orders"}},"version":1}',
    );
    // No lease: a run that holds the pipeline is not in its way.
    store.pipelines.get('["p","main"]')!.holder = {};
    expect(await made.schema()).toEqual(document);
  });
});

describe("a contract", () => {
  test("lets pass what it was taken from, in the same place and in another", async () => {
    const contract = await documentOf();
    const store = memoryTables();
    for (const disposition of ["replace", "replace"]) {
      const { made, run } = load(store, [row], { contract, disposition });
      const report = await run();
      expect(report.complete).toBe(true);
      expect(await made.schema()).toEqual(contract);
    }
    // A narrower type is stored in the one that was agreed on.
    await load(store, [{ ...row, total: 7 }], { contract, disposition: "replace" }).run();
    expect(store.rows("orders")[0]!["total"]).toBe(7);
    const fresh = memoryTables();
    const { made, run } = load(fresh, [{ ...row, total: 7 }], { contract });
    await run();
    expect(await made.schema()).toEqual(contract);
  });

  test.for<[string, object, RegExp]>([
    ["column", { more: 1 }, /column more of orders is not in the pipeline's contract/],
    ["type", { total: "much" }, /column "total" is float64, and string does not fit/],
    ["type that would widen", { id: 0.5 }, /column "id" is int64, and float64 does not fit/],
    ["member", { address: { street: "a", zip: 5, city: "b" } }, /column "address.city" is new/],
  ])("refuses a %s that is not in it, before anything is committed", async ([, change, message]) => {
    const contract = await documentOf();
    for (const store of [memoryTables(), memoryTables()]) {
      const other = { ...row, ...change };
      const widens = (): boolean => true;
      const error = await failure(load(store, [other], { contract }, { widens }).run());
      expect(error.code).toBe("ALV_SCHEMA_CONFLICT");
      expect(error.message).toMatch(message);
      expect(store.tables.size).toBe(0);
      expect(store.pipelines.get('["p","main"]')?.state).toBeUndefined();
    }
  });

  test("refuses in a table that is there, too, and harms nothing", async () => {
    const contract = await documentOf();
    const store = memoryTables();
    await load(store, [row]).run();
    const error = await failure(load(store, [{ ...row, total: "much" }], { contract }).run());
    expect(error.code).toBe("ALV_SCHEMA_CONFLICT");
    expect(store.rows("orders")).toHaveLength(1);
  });

  test("refuses a table and a key that are not in it", async () => {
    const contract = await documentOf();
    const other = await failure(load(memoryTables(), [row], { contract, name: "visits" }).run());
    expect(other.message).toMatch(/table visits is not in the pipeline's contract, which has orders/);
    const key = await failure(load(memoryTables(), [row], { contract, primaryKey: "total" }).run());
    expect(key.code).toBe("ALV_SCHEMA_CONFLICT");
    expect(key.message).toMatch(/primary key is total, in the pipeline's contract id/);
  });

  test("refuses a table whose committed columns contradict it", async () => {
    const contract = await documentOf([{ ...row, total: "text" }]);
    const store = memoryTables();
    await load(store, [row]).run();
    const error = await failure(load(store, [row], { contract }).run());
    expect(error.message).toMatch(/column "total" is float64, and string does not fit/);
  });

  test("reports what the source lacks", async () => {
    const contract = await documentOf();
    const { tags: _, ...less } = row;
    const store = memoryTables();
    const report = await load(store, [less], { contract }).run();
    expect(report.tables.orders.schemaChanges).toEqual([
      { kind: "columnMissing", column: "tags" },
      { kind: "tableCreated" },
    ]);
    expect(store.rows("orders")[0]).toMatchObject({ id: 1n, tags: null });
  });

  test("adds agreed columns to a table that lacks them", async () => {
    const contract = await documentOf();
    const store = memoryTables();
    const { tags: _, ...less } = row;
    await load(store, [less]).run();
    const report = await load(store, [row], { contract }).run();
    expect(report.tables.orders.schemaChanges).toMatchObject([{ kind: "columnAdded", column: "tags" }]);
  });

  test("has the variants that were agreed on, and no others", async () => {
    const store = memoryTables();
    const { made, run } = load(store, [row]);
    await run();
    await load(store, [{ ...row, total: "much" }]).run();
    const contract = JSON.parse(JSON.stringify(await made.schema())) as unknown;
    await load(store, [{ ...row, total: "more" }], { contract }).run();
    expect(store.rows("orders").at(-1)).toMatchObject({ total: null, total__v_string: "more" });
    const error = await failure(load(store, [{ ...row, total: true }], { contract }).run());
    expect(error.code).toBe("ALV_SCHEMA_CONFLICT");
    expect(error.message).toMatch(/total__v_boolean/);
  });

  test("holds for a dry run and for a table made anew", async () => {
    const contract = await documentOf();
    const store = memoryTables();
    const dry = await failure(
      load(store, [{ ...row, more: 1 }], { contract, options: { dryRun: true } }).run(),
    );
    expect(dry.code).toBe("ALV_SCHEMA_CONFLICT");
    await load(store, [{ ...row, total: "text" }]).run();
    await load(store, [row], { contract, options: { refresh: "tables" } }).run();
    expect(store.rows("orders")).toMatchObject([{ total: 0.5 }]);
  });

  test.for<[unknown, RegExp]>([
    ["orders", /contract is "orders"; it must be what load\.schema\(\) gave/],
    [{ version: 2, tables: {} }, /contract\.version is 2; this version of Alluvium reads 1/],
    [{ version: 1 }, /contract\.tables is missing/],
    [{ version: 1, tables: { t: { columns: [] } } }, /contract\.tables\["t"\]\.primaryKey is missing/],
    [
      {
        version: 1,
        tables: { t: { primaryKey: [], columns: [{ name: "a", nullable: true, type: "int" }] } },
      },
      /contract\.tables\["t"\]\.columns: "int" is no column type/,
    ],
  ])("is checked before anything is opened: %j", async ([contract, message]) => {
    const store = memoryTables();
    const error = await failure(load(store, [row], { contract }).run());
    expect(error.code).toBe("ALV_CONFIG");
    expect(error.message).toMatch(message);
    expect(store.pipelines.size).toBe(0);
  });
});
