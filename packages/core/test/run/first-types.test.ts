import { expect, test } from "vitest";
import { checkpoint, pipeline, resource, source, type ContractOption, type RunReport } from "@alluvium/core";
import { memoryDestination } from "@alluvium/core/testing";

const first = Array.from({ length: 40 }, (_, i) => ({ id: i, point: { x: i } }));

async function firstLoad(contract: ContractOption, later: readonly object[]) {
  const memory = memoryDestination();
  const items = resource({
    name: "items",
    contract,
    *read() {
      yield first;
      // Ends a batch, but no load.
      yield checkpoint(1);
      yield later;
      yield checkpoint(2);
    },
  });
  const load = pipeline({ name: "p", source: source("s", () => [items])(), destination: memory });
  const report: RunReport = await load.run();
  const rows = memory.store.rows("items").slice(first.length) as readonly Record<string, unknown>[];
  const waiting = contract === "quarantine" ? await load.quarantine({ resource: "items" }) : [];
  return { counts: report.tables["items"]!, rows: rows.map(({ id, point }) => ({ id, point })), waiting };
}

const later = [
  { id: 100, point: { x: 1 } },
  { id: "hundred", point: { x: 2 } },
  { id: 101, point: { x: "left" } },
  { id: 102, point: { x: 3 } },
];

test("the first load of a new table settles types by its first values, and keeps the others out row by row", async () => {
  const { counts, rows, waiting } = await firstLoad("quarantine", later);
  expect(rows).toEqual([
    { id: 100n, point: { x: 1n } },
    { id: 102n, point: { x: 3n } },
  ]);
  expect(counts).toMatchObject({ rows: first.length + 2, quarantined: 2 });
  expect(waiting.map(({ column, rule }) => [column, rule])).toEqual([
    ["id", "type"],
    ["point", "type"],
  ]);
});

test("or leaves them out, rows or values", async () => {
  const withoutRows = await firstLoad("discardRow", later);
  expect(withoutRows.rows.map(({ id }) => id)).toEqual([100n, 102n]);
  expect(withoutRows.counts.discarded).toEqual({ rows: 2, values: 0 });
  const withoutValues = await firstLoad("discardValue", later);
  expect(withoutValues.rows).toEqual([
    { id: 100n, point: { x: 1n } },
    { id: null, point: { x: 2n } },
    { id: 101n, point: { x: null } },
    { id: 102n, point: { x: 3n } },
  ]);
  expect(withoutValues.counts.discarded).toEqual({ rows: 0, values: 2 });
});

test("numbers widen all the same, also beside what is kept out", async () => {
  const { rows, counts } = await firstLoad("quarantine", [{ id: 1.5 }, { id: 2 }, { id: "three" }]);
  expect(rows.map(({ id }) => id)).toEqual([1.5, 2]);
  expect(counts.quarantined).toBe(1);
});

async function evolved(...pages: readonly (readonly object[])[]): Promise<readonly object[]> {
  const memory = memoryDestination();
  const items = resource({
    name: "items",
    *read() {
      for (const [i, page] of pages.entries()) {
        yield page;
        yield checkpoint(i + 1);
      }
    },
  });
  const destination = memory;
  await pipeline({ name: "p", source: source("s", () => [items])(), destination, loadIdColumn: false }).run();
  return memory.store.rows("items");
}

test("integers that no double holds keep their column from becoming one", async () => {
  expect(await evolved([{ v: 2n ** 53n + 1n }, { v: 2 }], [{ v: 1.5 }, { v: 3 }])).toEqual([
    { v: 2n ** 53n + 1n, v__v_float64: null },
    { v: 2n, v__v_float64: null },
    { v: null, v__v_float64: 1.5 },
    { v: 3n, v__v_float64: null },
  ]);
  expect(await evolved([{ v: -(2n ** 53n) - 1n }], [{ v: 1.5 }])).toHaveLength(2);
  expect(await evolved([{ v: 2 }], [{ v: 1.5 }])).toEqual([{ v: 2 }, { v: 1.5 }]);
});

test("integers of many and of few digits among other values have one variant", async () => {
  const [big, small] = [2n ** 63n, -5];
  const wanted = [
    { v: true, v__v_decimal: null },
    { v: null, v__v_decimal: String(big) },
    { v: null, v__v_decimal: String(small) },
  ];
  expect(await evolved([{ v: true }, { v: big }, { v: small }])).toEqual(wanted);
  expect(await evolved([{ v: true }], [{ v: small }, { v: big }].toReversed())).toEqual(wanted);
  expect(
    await evolved([{ s: { v: true } }], [{ s: { v: big } }, { s: { v: small } }, { s: { v: "x" } }]),
  ).toEqual([
    { s: { v: true, v__v_decimal: null, v__v_string: null } },
    { s: { v: null, v__v_decimal: String(big), v__v_string: null } },
    { s: { v: null, v__v_decimal: String(small), v__v_string: null } },
    { s: { v: null, v__v_decimal: null, v__v_string: "x" } },
  ]);
});
