import fc from "fast-check";
import { expect, test } from "vitest";
import {
  checkpoint,
  pipeline,
  resource,
  source,
  typed,
  type Destination,
  type DispositionOption,
  type PipelineState,
} from "@alluvium/core";
import { rebuildRows } from "@alluvium/core/nesting";
import { memoryDestination } from "@alluvium/core/testing";
import { canonical } from "./awkward.ts";
import { readBack } from "./round-trip.ts";

/** A destination of its own. */
export interface MergePlace extends AsyncDisposable {
  readonly destination: Destination<"upsert" | "insertOnly" | "deleteInsert" | "scd2" | "replace">;
}

interface Order {
  readonly id: number;
  readonly shop: string;
  readonly at: number;
  readonly gone: boolean;
  readonly customer: { readonly name: string } | null;
  readonly items: readonly { readonly sku: string; readonly tags: readonly string[] | null }[] | null;
}

const order: fc.Arbitrary<Order> = fc.record({
  id: fc.nat(3),
  shop: fc.constantFrom("a", "b"),
  at: fc.nat(5),
  gone: fc.boolean(),
  customer: fc.option(fc.record({ name: fc.constantFrom("x", "y") })),
  items: fc.option(
    fc.array(
      fc.record({
        sku: fc.constantFrom("p", "q"),
        tags: fc.option(fc.array(fc.constantFrom("r", "s"), { maxLength: 2 })),
      }),
      { maxLength: 3 },
    ),
  ),
});
/** Runs, each of several pages. */
const runs = fc.array(
  fc.array(fc.array(order, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
  {
    minLength: 1,
    maxLength: 4,
  },
);

const dispositions: readonly DispositionOption<Order>[] = [
  "merge",
  { merge: "upsert", orderBy: "at", deleteFlag: "gone" },
  { merge: "insertOnly" },
  { merge: "deleteInsert", mergeKey: "shop" },
  { merge: "deleteInsert", deleteFlag: "gone", orderBy: "at" },
  { merge: "scd2", deleteFlag: "gone" },
  { merge: "scd2", retireAbsent: true },
  { replace: { where: { shop: "a" } }, allowEmpty: true },
  "replace",
];

/** Loads the runs one after another, with a commit at every page where there can be one. */
async function play(
  destination: MergePlace["destination"],
  disposition: DispositionOption<Order>,
  nesting: "json" | "tables",
  pages: readonly (readonly (readonly Order[])[])[],
): Promise<readonly unknown[]> {
  const isWindow = typeof disposition === "object" && "replace" in disposition;
  let at = 0;
  const orders = resource({
    name: "orders",
    schema: typed<Order>(),
    primaryKey: "id",
    nesting,
    columns: { gone: { type: "boolean" }, shop: { type: "string" } },
    // Which one it is, only the run knows.
    disposition: disposition as "merge",
    async *read({ position }) {
      const run = pages[at]!;
      for (let i = typeof position === "number" ? position : 0; i < run.length; i++) {
        yield isWindow ? run[i]!.filter(({ shop }) => shop === "a") : run[i]!;
        yield checkpoint(i + 1);
      }
      // The next run begins at its own first page.
      yield checkpoint(0);
    },
  });
  const load = pipeline({ name: "shop", source: source("shop", () => [orders])(), destination });
  for (; at < pages.length; at++) await load.run({ commitInterval: 0 });
  const state = (await load.state())!;
  const rows = await readBack(destination, state);
  expectNoOrphans(state.tables, rows);
  const rebuilt = rebuildRows({ table: "orders", tables: state.tables, rows });
  const validity = rows["orders"]!;
  return rebuilt
    .map((row, i) => {
      const { _alv_active } = validity[i]!;
      const own = Object.entries(row).filter(([name]) => !name.startsWith("_alv_"));
      return JSON.stringify(canonical({ ...Object.fromEntries(own), _alv_active }));
    })
    .sort();
}

/** Every row of a child table belongs to one above and to one of the root, and none is there twice. */
function expectNoOrphans(tables: PipelineState["tables"], rows: Awaited<ReturnType<typeof readBack>>): void {
  const idsOf = (table: string): Set<unknown> => new Set(rows[table]!.map((row) => row["_alv_row_id"]));
  for (const [table, { nested }] of Object.entries(tables)) {
    if (nested === undefined) continue;
    const [ids, above, roots] = [idsOf(table), idsOf(nested.parent), idsOf(nested.root)];
    expect(ids.size).toBe(rows[table]!.length);
    for (const row of rows[table]!) {
      expect(above.has(row["_alv_parent_id"])).toBe(true);
      expect(roots.has(row["_alv_root_id"])).toBe(true);
    }
  }
}

/** Properties: with child tables a table holds what it holds without them (as JSON: a native `[]` is stored otherwise once its type is known). */
export function mergesFollow(name: string, open: () => Promise<MergePlace>, numRuns: number): void {
  const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 100_000);
  for (const disposition of dispositions)
    test(
      `${name}: child rows go with their roots, ${JSON.stringify(disposition)} (seed ${seed})`,
      { timeout: 180_000 },
      async () => {
        await fc.assert(
          fc.asyncProperty(runs, async (pages) => {
            await using place = await open();
            const expected = await play(memoryDestination(), disposition, "json", pages);
            expect(await play(place.destination, disposition, "tables", pages)).toEqual(expected);
          }),
          { seed, numRuns },
        );
      },
    );
}
