import { expect, test } from "vitest";
import {
  pipeline,
  resource,
  source,
  type ContractOption,
  type RunPlan,
  type RunReport,
} from "@alluvium/core";
import { memoryDestination } from "@alluvium/core/testing";
import { z } from "zod";

/** The plan of a dry run for `rows`, after a load of a row with `id` and `size`. */
async function plan(rows: readonly object[], contract?: ContractOption, more: object = {}): Promise<RunPlan> {
  const memory = memoryDestination();
  const load = (given: readonly object[]) =>
    pipeline({
      name: "p",
      source: source("s", () => [
        resource({ name: "items", contract, read: () => [given], ...more } as never),
      ])() as never,
      destination: memory as never,
    });
  await load([{ id: 1, size: 10 }]).run();
  const { plan: found, tables } = await load(rows).run({ dryRun: true });
  expect(tables).toBeDefined();
  expect(memory.store.rows("items")).toHaveLength(1);
  return found!;
}

const texts = async (...given: Parameters<typeof plan>): Promise<readonly string[]> =>
  (await plan(...given)).drift.map(({ text }) => text);

test("a run that would only bring rows does not drift", async () => {
  expect(await texts([{ id: 2, size: 20 }])).toEqual([]);
  expect(await texts([])).toEqual([]);
});

test("what the table would take is drift", async () => {
  expect(await texts([{ id: 2, size: 20, colour: "red" }, { id: 3 }])).toEqual(["items: + colour string"]);
  expect(await texts([{ id: 2, size: "big" }])).toEqual([
    "items: + size__v_string string, for values that size does not hold",
  ]);
  expect(await texts([{ id: 2 }])).toEqual(["items: - size, gone at the source: stays, and is null"]);
});

test("so is what the contract would keep out, and the plan says how much", async () => {
  const rows = [
    { id: 2, size: 2, colour: "red" },
    { id: 3, size: 3, colour: "red" },
    { id: 4, size: "big" },
  ];
  const { drift, tables } = await plan(rows, "quarantine");
  expect(drift.map(({ text }) => text)).toEqual([
    "items: ! size: 1 row would go into the quarantine (size is int64, which does not hold the value)",
    "items: ! colour: 2 rows would go into the quarantine (the table has no column colour)",
  ]);
  expect(tables[0]!.refused).toMatchObject([
    { kind: "refused", rule: "type", column: "size", policy: "quarantine", rows: 1 },
    { rule: "column", column: "colour", rows: 2 },
  ]);
  expect(await texts(rows, "discardValue")).toEqual([
    "items: ! size: values of 1 row would be left out",
    "items: ! colour: values of 2 rows would be left out",
  ]);
  await expect(plan(rows, "freeze")).rejects.toMatchObject({ code: "ALV_SCHEMA_CONFLICT" });
});

test("and rows that their schema refuses", async () => {
  // One that does not describe its columns, so that rows have to be looked at.
  const schema = {
    "~standard": {
      version: 1,
      vendor: "hand",
      validate: (row: { size: unknown }) =>
        typeof row.size === "number"
          ? { value: row }
          : { issues: [{ message: "no number", path: ["size"] }] },
    },
  };
  const [only, ...others] = await texts(
    [
      { id: 2, size: "big" },
      { id: 3, size: 3 },
    ],
    { types: "discardRow" },
    { schema },
  );
  expect(others).toEqual([]);
  expect(only).toMatch(/^items: ! size: 1 row would be left out \(resource "items": row 1 is refused/);
});

test("a column that the schema has now and the table has not is withheld, and rows that have a value there are refused", async () => {
  const memory = memoryDestination();
  const load = (rows: readonly object[], schema: z.ZodType, contract: ContractOption) => {
    const items = resource({ name: "items", contract, schema, read: () => [rows] } as never);
    return pipeline({
      name: "p",
      source: source("s", () => [items])() as never,
      destination: memory as never,
    });
  };
  await load([{ id: 1, size: 1 }], z.object({ id: z.int(), size: z.int() }), "evolve").run();
  const grown = z.object({ id: z.int(), size: z.number(), colour: z.string().optional() });
  const rows = [
    { id: 2, size: 2 },
    { id: 3, size: 3, colour: "red" },
    { id: 4, size: 4.5 },
  ];
  const { plan: found } = await load(rows, grown, "quarantine").run({ dryRun: true });
  expect(found!.drift.map(({ text }) => text)).toEqual([
    'items: ! colour: the source has it, the table has not, and the contract for columns is "quarantine"',
  ]);
  const { tables } = (await load(rows, grown, "quarantine").run()) as RunReport;
  expect(tables["items"]).toMatchObject({ rows: 1, quarantined: 2, schemaChanges: [] });
  const left = (await load(rows, grown, "discardValue").run()) as RunReport;
  // The size must not be null, so that its row cannot be without it.
  expect(left.tables["items"]).toMatchObject({
    rows: 2,
    discarded: { rows: 1, values: 1 },
    schemaChanges: [],
  });
});
