import { expect, test, vi } from "vitest";
import { pipeline, resource, source, type DispositionOption } from "@alluvium/core";
import { rebuildRows } from "@alluvium/core/nesting";
import { memoryTables, type MemoryStore } from "@alluvium/core/testing";
import { faultyRun, type Fault } from "./faulty-run.ts";

// Hundreds of runs: quick on an idle machine, not on a busy one.
vi.setConfig({ testTimeout: 120_000 });

interface Order {
  readonly id: number;
  readonly items: readonly { readonly sku: string; readonly tags: readonly string[] }[] | null;
}

const order = (id: number, ...items: string[]): Order => ({
  id,
  items: items.map((sku) => ({ sku, tags: sku === "x" ? [] : [sku, sku] })),
});
/** Lists turn up late, change, become empty and null. */
const pages: readonly (readonly Order[])[] = [
  [{ id: 1, items: null }],
  [order(2, "a", "x"), order(3)],
  [order(4, "b")],
  [order(2, "c"), { id: 4, items: null }],
  [order(3, "d", "e"), order(5, "f")],
];
const merged = [
  { id: 1, items: null },
  order(2, "c"),
  order(3, "d", "e"),
  { id: 4, items: null },
  order(5, "f"),
];

const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? Number(one) : one)));

/** What the tables hold, put together; in no order. */
function rebuilt(store: MemoryStore): readonly string[] {
  const { tables = {} } = store.pipelines.get('["shop","main"]')?.state ?? {};
  if (tables["orders"] === undefined) return [];
  const rows = Object.fromEntries(Object.keys(tables).map((table) => [table, store.rows(table)]));
  const parents = new Set(Object.values(rows).flatMap((own) => own.map((row) => row["_alv_row_id"])));
  for (const [table, own] of Object.entries(rows)) {
    expect(new Set(own.map((row) => row["_alv_row_id"])).size, table).toBe(own.length);
    const orphans = own.filter((row) => "_alv_parent_id" in row && !parents.has(row["_alv_parent_id"]));
    expect(orphans, table).toEqual([]);
  }
  return rebuildRows({ table: "orders", tables, rows })
    .map((row) => JSON.stringify(plain({ id: row["id"], items: row["items"] ?? null })))
    .sort();
}

/** One run that fails at the given step. Gives the number of steps. */
function attempt(store: MemoryStore, disposition: DispositionOption<Order>, fault: Fault): Promise<number> {
  return faultyRun(store, fault, (destination, readPages) => {
    const orders = resource({
      name: "orders",
      primaryKey: "id",
      nesting: "tables",
      disposition: disposition as "merge",
      read: readPages(pages),
    });
    return pipeline({ name: "shop", source: source("shop", () => [orders])(), destination, leaseWait: 0 });
  });
}

for (const [disposition, whole] of [
  ["append", pages.flat()],
  ["merge", merged],
  [
    { merge: "insertOnly" },
    [{ id: 1, items: null }, order(2, "a", "x"), order(3), order(4, "b"), order(5, "f")],
  ],
  [{ merge: "deleteInsert" }, merged],
  ["replace", pages.flat()],
] as const)
  test(`a fault at every single step costs and doubles no row and no child row: ${JSON.stringify(disposition)}`, async () => {
    const expected = whole.map((row) => JSON.stringify(plain({ id: row.id, items: row.items }))).sort();
    const steps = await attempt(memoryTables(), disposition, { step: -1, code: "ALV_INTERNAL" });
    expect(steps).toBeGreaterThan(30);
    for (const code of ["ALV_STORE_FAILED", "ALV_INTERNAL"] as const)
      for (let step = 0; step < steps; step++) {
        const store = memoryTables();
        await attempt(store, disposition, { step, code });
        // What is there holds together, whatever happened.
        rebuilt(store);
        store.crash();
        await attempt(store, disposition, { step: -1, code });
        expect(rebuilt(store), `${code} at step ${step}`).toEqual(expected);
      }
  });
