import type { ColumnType, DestinationSession, ObjectStore, Schema, SchemaChange } from "@alluvium/core";
import { rowsOf, vectorOf, type Batch } from "@alluvium/core/columns";
import { memoryStore } from "@alluvium/core/storage/memory";
import { batchOf, changeBatch } from "@alluvium/core/testing";
import { describe, expect, test } from "vitest";
import { loadsSchema } from "../../src/lake/loads-table.ts";
import { openTest, type LakeUnderTest } from "./lakes.ts";
import { deltaLake, folderLake } from "./real-lakes.ts";

const int64 = { kind: "int64" } as const;
const schema: Schema = { fields: [{ name: "id", type: int64, nullable: true }] };
const ids = (...values: readonly bigint[]): Batch => batchOf({ id: [int64, values] });
const merges = {
  table: "t",
  stream: "t",
  disposition: { kind: "merge", strategy: "upsert" },
  primaryKey: ["id"],
  partitionBy: [],
  schema,
} as const;
const appends = { ...merges, disposition: { kind: "append" }, primaryKey: [] } as const;
const added: readonly SchemaChange[] = [
  {
    kind: "columnAdded",
    column: "tags",
    type: { kind: "list", element: { name: "element", type: { kind: "string" }, nullable: true } },
  },
  { kind: "columnWidened", column: "n", from: { kind: "int32" }, to: int64 },
];
const addedRows = [
  { kind: "columnAdded", column: "tags", variant: null, type: "list<string>", from: null, to: null },
  { kind: "columnWidened", column: "n", variant: null, type: null, from: "int32", to: "int64" },
];

async function load(
  session: DestinationSession,
  plan: typeof merges | typeof appends,
  batch: Batch,
): Promise<void> {
  const sequence = ((await session.recover())?.sequence ?? -1) + 1;
  const one = await session.begin({ loadId: `load ${sequence}`, startedAt: new Date(0), tables: [plan] });
  await one.write("t", batch);
  await one.mark("t", { seal: true, end: true });
  await one.commit(
    { incarnation: "i", sequence, loadId: one.loadId, streams: {}, tables: {} },
    { schemaChanges: new Map([["t", added]]) },
  );
}

async function loadsOf(session: DestinationSession): Promise<readonly Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const batch of session.scan!("_alv_loads"))
    rows.push(...([...rowsOf(batch)] as Record<string, unknown>[]));
  return rows.toSorted((a, b) => Number(a["sequence"]) - Number(b["sequence"]));
}

/** `_alv_loads` with the columns that the first version gave it, and one load of another pipeline. */
async function makeOldTable(store: ObjectStore, { parts }: LakeUnderTest): Promise<void> {
  const tables = loadsSchema.fields.at(-1)!;
  const { element } = tables.type as ColumnType & { readonly kind: "list" };
  const { fields } = element.type as ColumnType & { readonly kind: "struct" };
  const entry: ColumnType = { kind: "struct", fields: fields.slice(0, 7) };
  const type: ColumnType = { kind: "list", element: { ...element, type: entry } };
  const old: Schema = { fields: [...loadsSchema.fields.slice(0, -1), { ...tables, type }] };
  const receipt = { table: "t", operation: "append", rows: 1n, bytes: 1n, files: 1n, version: 0n };
  const row: Record<string, unknown> = {
    load_id: "old",
    pipeline: "other",
    lane: "main",
    sequence: -1n,
    run_id: "r",
    started_at: 0n,
    committed_at: 0n,
    tables: [{ ...receipt, parked: null }],
  };
  const writer = parts.openWriter({
    store,
    directory: "_alv_loads",
    table: "_alv_loads",
    place: (id, partition) => parts.format.place(id, partition),
    partitionBy: [],
    schema: old,
    budget: 1 << 20,
    newId: () => crypto.randomUUID(),
    emit: () => {},
  });
  const vectors = old.fields.map((field) => vectorOf(field.type, [row[field.name]]));
  await writer.write({ schema: old, length: 1, columns: vectors });
  const files = await writer.seal();
  await writer[Symbol.asyncDispose]();
  const identity = {
    pipeline: "other",
    lane: "main",
    incarnation: "o",
    sequence: 0,
    loadId: "old",
    runId: "r",
  };
  await parts.format.apply(
    {
      table: "_alv_loads",
      directory: "_alv_loads",
      tableId: "11111111-1111-4111-8111-111111111111",
      create: true,
      operation: { kind: "append" },
      schema: old,
      schemaChanged: false,
      partitionBy: [],
      files,
      obsolete: [],
      ownership: "shared",
    },
    { store, signal: new AbortController().signal, load: identity, budget: 1 << 20 },
  );
}

describe.for([deltaLake, folderLake])("$name", (lake) => {
  test("the table of loads has what each load changed of columns", async () => {
    await using session = await openTest(memoryStore(), lake);
    await load(session, appends, ids(1n));
    expect(await loadsOf(session)).toMatchObject([
      { tables: [{ table: "t", inserted: null, updated: null, deleted: null, schema_changes: addedRows }] },
    ]);
  });

  test("a table of loads of an older version gets the columns that it lacks", async () => {
    const store = memoryStore();
    await makeOldTable(store, lake);
    await using session = await openTest(store, lake);
    await load(session, appends, ids(1n));
    await load(session, appends, ids(2n));
    expect(await loadsOf(session)).toMatchObject([
      { load_id: "old", tables: [{ table: "t", rows: 1n, inserted: null, schema_changes: null }] },
      { load_id: "load 0", tables: [{ table: "t", schema_changes: addedRows }] },
      { load_id: "load 1", tables: [{ table: "t", schema_changes: addedRows }] },
    ]);
  });

  test("a run that finishes the load of another knows what that one changed", async () => {
    const store = memoryStore();
    const whole = lake.parts.format;
    const format: typeof whole = {
      ...whole,
      async apply(change, context) {
        if (change.table === "_alv_loads") throw new Error("stopped");
        return whole.apply(change, context);
      },
    };
    {
      await using session = await openTest(store, { ...lake, parts: { ...lake.parts, format } });
      await expect(load(session, appends, ids(1n))).rejects.toThrow("stopped");
    }
    await using session = await openTest(store, lake);
    await session.recover();
    expect(await loadsOf(session)).toMatchObject([{ tables: [{ table: "t", schema_changes: addedRows }] }]);
    for await (const { tables } of session.history!()) expect(tables[0]?.schemaChanges).toEqual(added);
  });
});

test("the table of loads counts the rows that a merge changed", async () => {
  await using session = await openTest(memoryStore(), deltaLake);
  await load(session, merges, ids(1n, 2n));
  const changes = [{ row: { id: 2n } }, { row: { id: 3n } }, { op: "delete", row: { id: 1n } }] as const;
  await load(session, merges, changeBatch({ id: int64 }, changes));
  expect(await loadsOf(session)).toMatchObject([
    { tables: [{ inserted: 2n, updated: 0n, deleted: 0n }] },
    { tables: [{ inserted: 1n, updated: 1n, deleted: 1n }] },
  ]);
});
