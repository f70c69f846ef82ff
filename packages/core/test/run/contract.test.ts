import { describe, expect, test } from "vitest";
import { pipeline, resource, source, typed, type ContractOption, type RunReport } from "@alluvium/core";
import { memoryDestination } from "@alluvium/core/testing";
import { z } from "zod";

type Memory = ReturnType<typeof memoryDestination>;

/** One run of a resource with these rows. */
function load(
  destination: Memory,
  rows: readonly object[],
  contract?: ContractOption,
  more: object = {},
): Promise<RunReport> {
  const items = resource({ name: "items", contract, read: () => [rows], ...more } as never);
  return pipeline({
    name: "p",
    source: source("s", () => [items])() as never,
    destination: destination as never,
  }).run();
}

const rowsIn = (memory: Memory, table: string): readonly object[] =>
  memory.store.rows(table).map((row) => {
    const { _alv_load_id: load, ...rest } = row;
    void load;
    return rest;
  });

const quarantined = (memory: Memory): readonly (readonly unknown[])[] =>
  memory.store
    .rows("items__quarantine")
    .map(({ stage, reason, rule, column_name: column, row }) => [
      stage,
      reason,
      rule,
      column,
      JSON.parse(row as string),
    ]);

/** A table with the columns `id` and `size`, committed. */
async function standing(): Promise<Memory> {
  const memory = memoryDestination();
  await load(memory, [{ id: 1, size: 10 }]);
  return memory;
}

describe("a new column", () => {
  const rows = [
    { id: 2, size: 20 },
    { id: 3, size: 30, colour: "red" },
  ];
  test("is added under evolve", async () => {
    const memory = await standing();
    const { tables } = await load(memory, rows);
    expect(tables["items"]).toMatchObject({ rows: 2, quarantined: 0, discarded: { rows: 0, values: 0 } });
    expect(rowsIn(memory, "items")).toContainEqual({ id: 3n, size: 30n, colour: "red" });
  });
  test("stops the run under freeze", async () => {
    const memory = await standing();
    await expect(load(memory, rows, { columns: "freeze" })).rejects.toMatchObject({
      code: "ALV_SCHEMA_CONFLICT",
    });
    expect(rowsIn(memory, "items")).toHaveLength(1);
  });
  test("is left out under discardValue", async () => {
    const memory = await standing();
    const { tables } = await load(memory, rows, { columns: "discardValue" });
    expect(tables["items"]).toMatchObject({ rows: 2, discarded: { rows: 0, values: 1 }, schemaChanges: [] });
    expect(rowsIn(memory, "items")).toContainEqual({ id: 3n, size: 30n });
  });
  test("takes its row along under discardRow", async () => {
    const memory = await standing();
    const { tables } = await load(memory, rows, { columns: "discardRow" });
    expect(tables["items"]).toMatchObject({ rows: 1, discarded: { rows: 1, values: 0 }, schemaChanges: [] });
    expect(rowsIn(memory, "items")).toEqual([
      { id: 1n, size: 10n },
      { id: 2n, size: 20n },
    ]);
  });
  test("takes its row into the quarantine under quarantine", async () => {
    const memory = await standing();
    const { tables } = await load(memory, rows, { columns: "quarantine" });
    expect(tables["items"]).toMatchObject({ rows: 1, quarantined: 1, schemaChanges: [] });
    expect(quarantined(memory)).toEqual([
      ["write", "ALV_SCHEMA_CONFLICT", "column", "colour", { id: 3, size: 30, colour: "red" }],
    ]);
  });
  test("may be a member of a struct in a list", async () => {
    const memory = memoryDestination();
    await load(memory, [{ id: 1, lines: [{ sku: "a" }] }]);
    const more = [
      { id: 2, lines: [{ sku: "b" }] },
      { id: 3, lines: [{ sku: "c" }, { sku: "d", note: "x" }] },
    ];
    await load(memory, more, { columns: "quarantine" });
    expect(quarantined(memory)).toMatchObject([
      ["write", "ALV_SCHEMA_CONFLICT", "column", "lines[].note", more[1]],
    ]);
    await load(memory, more.slice(1), { columns: "discardValue" });
    expect(rowsIn(memory, "items").at(-1)).toEqual({ id: 3n, lines: [{ sku: "c" }, { sku: "d" }] });
  });
});

describe("a value that its column does not hold", () => {
  const rows = [
    { id: 2, size: 20 },
    { id: 3, size: 2.5 },
  ];
  test("stops the run under freeze", async () => {
    const memory = await standing();
    await expect(load(memory, rows, { types: "freeze" })).rejects.toMatchObject({
      code: "ALV_SCHEMA_CONFLICT",
    });
  });
  test("is null under discardValue", async () => {
    const memory = await standing();
    const { tables } = await load(memory, rows, { types: "discardValue" });
    expect(tables["items"]).toMatchObject({ rows: 2, discarded: { rows: 0, values: 1 }, schemaChanges: [] });
    expect(rowsIn(memory, "items")).toContainEqual({ id: 3n, size: null });
  });
  test("takes its row along under discardRow, or into the quarantine", async () => {
    const memory = await standing();
    await load(memory, rows, { types: "discardRow" });
    expect(rowsIn(memory, "items")).toHaveLength(2);
    const { tables } = await load(memory, rows, "quarantine");
    expect(tables["items"]).toMatchObject({ rows: 1, quarantined: 1 });
    expect(quarantined(memory)).toEqual([["write", "ALV_ROW_INVALID", "type", "size", { id: 3, size: 2.5 }]]);
  });
  test("of which all rows offend leaves an empty load of the table", async () => {
    const memory = await standing();
    const { tables } = await load(memory, [{ id: 3, size: 2.5 }], "quarantine");
    expect(tables["items"]).toMatchObject({ rows: 0, quarantined: 1, complete: true });
  });
  test("may be a key that is null", async () => {
    const memory = memoryDestination();
    const keyed = {
      primaryKey: "id",
      disposition: "merge",
      schema: typed<{ id: number | null; size: number }>(),
    };
    await load(memory, [{ id: 1, size: 1 }], undefined, keyed);
    const bad = [
      { id: null, size: 2 },
      { id: 2, size: 2 },
    ];
    await expect(load(memory, bad, "evolve", keyed)).rejects.toMatchObject({ code: "ALV_ROW_INVALID" });
    const { tables } = await load(memory, bad, "discardValue", keyed);
    expect(tables["items"]).toMatchObject({ rows: 1, discarded: { rows: 1, values: 0 } });
    await load(memory, bad, "quarantine", keyed);
    expect(quarantined(memory)).toEqual([["write", "ALV_ROW_INVALID", "key", "id", { id: null, size: 2 }]]);
  });
});

describe("a row that its schema refuses", () => {
  const schema = z.object({ id: z.int(), email: z.email() });
  const rows = [
    { id: 1, email: "a@example.com" },
    { id: 2, email: "nobody" },
    { id: 3, email: "c@example.com" },
  ];
  test("stops the run under evolve and freeze", async () => {
    for (const contract of ["evolve", "freeze"] as const) {
      const memory = memoryDestination();
      await expect(load(memory, rows, contract, { schema })).rejects.toMatchObject({
        code: "ALV_ROW_INVALID",
      });
      expect(memory.store.tables.size).toBe(0);
    }
  });
  test("is left out, or kept as it came", async () => {
    const memory = memoryDestination();
    const left = await load(memory, rows, "discardRow", { schema });
    expect(left.tables["items"]).toMatchObject({ rows: 2, discarded: { rows: 1, values: 0 } });
    const kept = await load(memory, rows, "quarantine", { schema });
    expect(kept.tables["items"]).toMatchObject({ rows: 2, quarantined: 1 });
    expect(quarantined(memory)).toEqual([
      ["read", "ALV_ROW_INVALID", "schema", "email", { id: 2, email: "nobody" }],
    ]);
  });
  test("is passed by the cursor, and kept once", async () => {
    for (const order of [undefined, "ascending"] as const) {
      const memory = memoryDestination();
      const run = (some: readonly object[]): Promise<RunReport> =>
        load(memory, some, "quarantine", { schema, cursor: { column: "id", order } });
      await run(rows.slice(0, 2));
      await run(rows.slice(0, 2));
      await run(rows);
      await run(rows);
      expect(rowsIn(memory, "items").map((row) => (row as { id: bigint }).id)).toEqual([1n, 3n]);
      expect(quarantined(memory)).toHaveLength(1);
    }
  });
});

describe("a table that is not there yet", () => {
  test("may be refused", async () => {
    const memory = memoryDestination();
    await expect(load(memory, [{ id: 1 }], { tables: "freeze" })).rejects.toMatchObject({
      code: "ALV_SCHEMA_CONFLICT",
    });
    const left = await load(memory, [{ id: 1 }], { tables: "discardRow" });
    expect(left.tables["items"]).toMatchObject({ rows: 0, discarded: { rows: 1, values: 0 } });
    await load(memory, [{ id: 1 }], { tables: "quarantine" });
    expect([...memory.store.tables.keys()]).toEqual(["items__quarantine"]);
  });
  test("of a list is one that turns up: a row with a bad child goes as a whole", async () => {
    const memory = memoryDestination();
    const nested = { nesting: "tables" };
    await load(memory, [{ id: 1, lines: [{ sku: "a", count: 1 }] }], undefined, nested);
    const rows = [
      { id: 2, lines: [{ sku: "b", count: 2 }] },
      {
        id: 3,
        lines: [
          { sku: "c", count: 3 },
          { sku: "d", count: 1.5 },
        ],
      },
      { id: 4, lines: [], tags: ["x"] },
    ];
    const { tables } = await load(memory, rows, "quarantine", nested);
    expect(tables["items"]).toMatchObject({ rows: 1, quarantined: 2 });
    expect(rowsIn(memory, "items__lines").map((row) => (row as { sku: string }).sku)).toEqual(["a", "b"]);
    expect(quarantined(memory)).toMatchObject([
      ["write", "ALV_ROW_INVALID", "type", "count", rows[1]],
      ["write", "ALV_SCHEMA_CONFLICT", "table", null, { id: 4 }],
    ]);
    expect(memory.store.tables.has("items__tags")).toBe(false);
  });
  test("of a list comes with the first rows of its root, and is new afterwards", async () => {
    const memory = memoryDestination();
    const nested = { nesting: "tables" };
    await load(memory, [{ id: 1, lines: [{ sku: "a" }] }], "freeze", nested);
    expect(rowsIn(memory, "items__lines")).toHaveLength(1);
    await load(memory, [{ id: 2, lines: [] }, { id: 3 }], "freeze", nested);
    expect(rowsIn(memory, "items")).toHaveLength(3);
    for (const row of [
      { id: 4, tags: ["x"] },
      { id: 4, lines: [{ sku: "b", note: "x" }] },
    ])
      await expect(load(memory, [row], "freeze", nested)).rejects.toMatchObject({
        code: "ALV_SCHEMA_CONFLICT",
      });
    expect(rowsIn(memory, "items")).toHaveLength(3);
  });
});
