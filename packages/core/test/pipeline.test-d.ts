import { expectTypeOf, test } from "vitest";
import type { Destination, RowCounts } from "../src/destination.ts";
import { pipeline } from "../src/pipeline.ts";
import { resource } from "../src/resource.ts";
import type { RunPlan } from "../src/run/run-plan.ts";
import type { Runner } from "../src/run/runner.ts";
import { source } from "../src/source.ts";
import type { SchemaDocument } from "../src/state/schema-document.ts";
import type { Source } from "../src/stream.ts";
import { typed } from "../src/typed.ts";

interface Order {
  id: number;
  updatedAt: Date;
}

const orders = resource({
  name: "orders",
  schema: typed<Order>(),
  primaryKey: "id",
  disposition: "merge",
  async *read() {},
});
const customers = resource({
  name: "customers",
  schema: typed<{ id: number }>(),
  disposition: "replace",
  async *read() {},
});
const visits = resource({ name: "visits", schema: typed<{ id: number }>(), async *read() {} });

declare function merging(): Destination<"append" | "replace" | "upsert">;
declare function everything(): Destination<"append" | "insertOnly" | "scd2">;
declare function appending(): Destination<"append" | "replace">;
declare function onlyMerging(): Destination<"append" | "upsert">;
declare const production: boolean;
declare const { capabilities, open }: Destination<"append">;

const shop = source("shop", () => [orders, customers, visits]);
const simple = source("simple", () => [customers, visits]);

test("the report is typed by resource", async () => {
  const load = pipeline({ name: "shop", source: shop(), destination: merging() });
  const report = await load.run({
    only: ["orders"],
    deadline: new Date(),
    signal: new AbortController().signal,
  });
  expectTypeOf(report.tables.orders.rows).toEqualTypeOf<number>();
  expectTypeOf(report.tables.orders.sample).toEqualTypeOf<readonly Order[] | undefined>();
  expectTypeOf(report.complete).toEqualTypeOf<boolean>();
  // @ts-expect-error no such resource
  void report.tables.ordrs;
  // @ts-expect-error no such resource
  await load.run({ only: ["ordrs"] });
  // @ts-expect-error no such option
  await load.run({ onyl: ["orders"] });
});

test("a destination must be able to do the strategy of a merge", () => {
  const once = resource({
    name: "once",
    schema: typed<Order>(),
    primaryKey: "id",
    disposition: { merge: "insertOnly" },
    async *read() {},
  });
  const history = resource({
    name: "history",
    schema: typed<Order>(),
    primaryKey: "id",
    disposition: { merge: "scd2" },
    async *read() {},
  });
  pipeline({ name: "a", source: source("s", () => [once, history])(), destination: everything() });
  // @ts-expect-error merging() can upsert, but not keep histories
  pipeline({ name: "b", source: source("s", () => [history])(), destination: merging() });
  // @ts-expect-error nor insert only
  pipeline({ name: "c", source: source("s", () => [once])(), destination: merging() });
});

test("a run is refreshed, or only planned", async () => {
  const load = pipeline({ name: "shop", source: shop(), destination: merging() });
  const report = await load.run({ dryRun: true, refresh: "tables", only: ["orders"] });
  expectTypeOf(report.plan).toEqualTypeOf<RunPlan | undefined>();
  expectTypeOf(report.tables.orders.changed).toEqualTypeOf<RowCounts | undefined>();
  expectTypeOf(report.tables.orders.refreshed).toEqualTypeOf<"state" | "data" | "tables" | undefined>();
  // @ts-expect-error no such refresh
  await load.run({ refresh: "rows" });
  // @ts-expect-error not a text
  await load.run({ dryRun: "yes" });
});

test("what schema() gives is taken as the contract, also through JSON", async () => {
  const load = pipeline({ name: "shop", source: shop(), destination: merging() });
  const document = await load.schema();
  expectTypeOf(document).toEqualTypeOf<SchemaDocument>();
  pipeline({ name: "a", source: shop(), destination: merging(), contract: document });
  const stored = JSON.parse(JSON.stringify(document)) as SchemaDocument;
  pipeline({ name: "b", source: shop(), destination: merging(), contract: stored });
  // @ts-expect-error no document
  pipeline({ name: "c", source: shop(), destination: merging(), contract: "freeze" });
});

test("a destination brings its runner", () => {
  expectTypeOf(merging().runner).toEqualTypeOf<Runner>();
  // @ts-expect-error nothing carries out its runs
  const mine: Destination<"append"> = { specVersion: 1, name: "mine", capabilities, open };
  void mine;
});

test("a destination must be able to do what the resources ask", () => {
  pipeline({ name: "a", source: simple(), destination: appending() });
  // @ts-expect-error appending() cannot upsert
  pipeline({ name: "b", source: shop(), destination: appending() });
  // @ts-expect-error onlyMerging() cannot replace
  pipeline({ name: "c", source: simple(), destination: onlyMerging() });
});

test("a choice of destinations can only what both can", () => {
  pipeline({ name: "a", source: shop(), destination: production ? merging() : merging() });
  pipeline({ name: "b", source: simple(), destination: production ? merging() : appending() });
  // @ts-expect-error one of them cannot upsert
  pipeline({ name: "c", source: shop(), destination: production ? merging() : appending() });
  const chosen = production ? merging() : appending();
  // @ts-expect-error nor when it is chosen apart
  pipeline({ name: "d", source: shop(), destination: chosen });
  // @ts-expect-error neither of them can both replace and upsert
  pipeline({ name: "e", source: shop(), destination: production ? onlyMerging() : appending() });
});

test("unknown options do not compile", () => {
  // @ts-expect-error misspelled
  pipeline({ name: "a", source: simple(), destination: appending(), bugdet: 1 });
});

test("a source without types gives a report by any name", async () => {
  const untyped = null as unknown as Source;
  const load = pipeline({
    name: "a",
    source: untyped,
    destination: null as unknown as Destination<
      "append" | "replace" | "upsert" | "insertOnly" | "deleteInsert" | "scd2"
    >,
  });
  const report = await load.run();
  expectTypeOf(report.tables["anything"]?.rows).toEqualTypeOf<number | undefined>();
});
