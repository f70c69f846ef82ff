import { describe, expect, test } from "vitest";
import * as z from "zod";
import { AlluviumError, type Destination, type RunEvent, type RunOptions, type Source } from "@alluvium/core";
import { memoryTables, type MemoryStore } from "@alluvium/core/testing";
import { printReport } from "../../src/run/report-text.ts";
import { runPipeline } from "../../src/run/run.ts";
import { resource } from "../../src/resource.ts";
import { source } from "../../src/source.ts";
import type { AnyResource } from "../../src/transform.ts";
import { typed } from "../../src/typed.ts";
import { faultyDestination, type Step } from "./faulty-destination.ts";
import { recordingDestination } from "./recording-destination.ts";

interface Row {
  id: number;
}

function rowsOf(rows: () => readonly object[], more: object = {}) {
  return resource({
    name: "orders",
    schema: typed<Row>(),
    cursor: "id",
    primaryKey: "id",
    async *read({ since = 0 }) {
      for (const row of rows() as readonly Row[]) if (row.id >= Number(since)) yield row;
    },
    ...more,
  });
}

/** A destination that has no statements to show. */
function silent(destination: Destination): Destination {
  return {
    ...destination,
    open: async (context) => {
      const session = await destination.open(context);
      return Object.fromEntries(
        Reflect.ownKeys(session).flatMap((key) =>
          key === "preview" ? [] : [[key, session[key as keyof typeof session]]],
        ),
      ) as unknown as typeof session;
    },
  };
}

function setUp(store: MemoryStore = memoryTables()) {
  const destination = recordingDestination(store);
  const steps: Step["call"][] = [];
  const events: RunEvent[] = [];
  const load = (
    from: readonly AnyResource[] | Source,
    options: RunOptions = {},
    into: Destination = destination,
  ) =>
    runPipeline(
      {
        name: "p",
        source: "open" in from ? from : (source("s", () => from)() as Source),
        destination: faultyDestination(into, ({ call }) => void steps.push(call)),
        loadIdColumn: false,
        onEvent: (event) => events.push(event),
      },
      { retry: { attempts: 1 }, ...options },
    );
  return { store, destination, steps, events, load };
}

async function failure(run: Promise<unknown>): Promise<AlluviumError> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (AlluviumError.is(error)) return error;
  throw error ?? new Error("it did not fail");
}

const dry = { dryRun: true } as const;

describe("a dry run", () => {
  test("tells what would be created, and does nothing", async () => {
    const { store, steps, events, load } = setUp();
    let reads = 0;
    const many = resource({
      name: "visits",
      async *read() {
        for (let id = 0; id < 100_000; id++) {
          reads += 1;
          yield { id, path: `/${id}` };
        }
      },
    });
    const report = await load([rowsOf(() => [{ id: 1, name: "a" }], { disposition: "merge" }), many], dry);
    expect(report).toMatchObject({ complete: true, loads: [], problems: [] });
    expect(report.plan?.tables).toMatchObject([
      {
        resource: "orders",
        table: "orders",
        disposition: "upsert",
        primaryKey: ["id"],
        reads: "everything",
        since: undefined,
        refresh: undefined,
        sampled: 1,
        changes: [{ kind: "tableCreated" }],
        columns: [{ name: "id" }, { name: "name" }],
        statements: ['CREATE TABLE "orders" ("id" int64, "name" string)'],
      },
      { resource: "visits", reads: "everything", changes: [{ kind: "tableCreated" }] },
    ]);
    // Bounded by what one batch holds.
    expect(reads).toBeLessThan(50_000);
    expect(report.plan?.tables[1]?.sampled).toBeLessThan(50_000);
    expect(steps.filter((call) => call !== "recover")).toEqual([]);
    expect(store.tables.size).toBe(0);
    expect(store.pipelines.get('["p","main"]')?.state).toBeUndefined();
    expect(events.map(({ type }) => type)).not.toContain("schemaChanged");
  });

  test("reads no rows where columns are described", async () => {
    const { load } = setUp();
    let reads = 0;
    const described = resource({
      name: "orders",
      schema: z.object({ id: z.int(), total: z.number() }),
      async *read() {
        reads += 1;
        yield [];
      },
    });
    const report = await load([described, described.filter(() => true).as("some")], dry);
    expect(reads).toBe(0);
    expect(report.plan?.tables[1]).toMatchObject({
      sampled: undefined,
      columns: [
        { name: "id", type: { kind: "int64" } },
        { name: "total", type: { kind: "float64" } },
      ],
    });
    // What a map makes is told by rows alone.
    await load([described.map(({ id }) => ({ double: id * 2 })).as("mapped")], dry);
    expect(reads).toBe(1);
  });

  test("tells what would change, from the cursor on, and moves it nowhere", async () => {
    const { store, load } = setUp();
    await load([rowsOf(() => [{ id: 1, a: 1, gone: "x", kind: 5 }])]);
    const next = [
      { id: 1, a: 1, gone: "x", kind: "odd" },
      { id: 2, a: 1, kind: "odd", added: true },
    ];
    const report = await load([rowsOf(() => next, { disposition: "merge" })], dry);
    expect(report.plan?.tables[0]).toMatchObject({ reads: "new", sampled: 2 });
    expect(report.plan?.tables[0]?.since).toMatch(/int64/);
    expect(report.plan?.tables[0]?.changes).toEqual([
      { kind: "dispositionChanged", from: "append", to: "upsert" },
      { kind: "columnAdded", column: "added", type: { kind: "boolean" } },
      { kind: "variantAdded", column: "kind", variant: "kind__v_string", type: { kind: "string" } },
    ]);
    expect(store.pipelines.get('["p","main"]')?.state?.sequence).toBe(0);
    expect(store.rows("orders")).toHaveLength(1);
  });

  test("tells which columns are gone, where it has seen all there is", async () => {
    const { load } = setUp();
    await load([rowsOf(() => [{ id: 1, gone: "x" }], { disposition: "replace" })]);
    const report = await load([rowsOf(() => [{ id: 1 }], { disposition: "replace" })], dry);
    expect(report.plan?.tables[0]?.changes).toEqual([{ kind: "columnMissing", column: "gone" }]);
    const nothing = await load([rowsOf(() => [], { disposition: "replace" })], dry);
    expect(nothing.plan?.tables[0]?.changes).toEqual([]);
  });

  test("previews a refresh, and prints as statements and differences", async () => {
    const { destination, load } = setUp();
    await load([rowsOf(() => [{ id: 1, name: "a" }])]);
    const report = await load([rowsOf(() => [{ id: 1, name: 5 }])], { ...dry, refresh: "tables" });
    expect(report.plan?.tables[0]).toMatchObject({
      refresh: "tables",
      reads: "everything",
      statements: ['DROP TABLE "orders"', 'CREATE TABLE "orders" ("id" int64, "name" int64)'],
    });
    expect(printReport(report).replace(/run .*/, "run …")).toBe(
      [
        "p: dry run, nothing was written",
        "",
        "  orders: made anew, append, reads everything, columns as in 1 row",
        "    + id int64",
        "    + name int64",
        "",
        "Statements",
        '  DROP TABLE "orders"',
        '  CREATE TABLE "orders" ("id" int64, "name" int64)',
        "",
        "run …",
      ].join("\n"),
    );
    expect(JSON.parse(JSON.stringify(report))).toMatchObject({ plan: { tables: [{ table: "orders" }] } });
    // Where the destination shows no statements the differences are all there is.
    const same = await load(
      [rowsOf(() => [{ id: 1, name: "a" }])],
      { ...dry, refresh: "data" },
      silent(destination),
    );
    expect(same.plan?.tables[0]?.statements).toBeUndefined();
    expect(printReport(same)).toContain(
      "orders: emptied, append, reads everything, columns as in 1 row\n    no change of its columns",
    );
  });

  test("takes no lease: a run that is under way goes on", async () => {
    const store = memoryTables();
    const { load } = setUp(store);
    let inside: unknown;
    const slow = rowsOf(() => [{ id: 1 }]);
    const waiting = resource({
      name: "orders",
      schema: typed<Row>(),
      async *read() {
        inside = await setUp(store).load([slow], dry);
        yield { id: 1 };
      },
    });
    await load([waiting]);
    expect(inside).toMatchObject({ complete: true });
    expect(store.rows("orders")).toHaveLength(1);
  });

  test("finds what a run would fail of, and tells of the other tables all the same", async () => {
    const { load } = setUp();
    await load([rowsOf(() => [{ id: 1 }], { contract: "freeze" })]);
    const other = resource({
      name: "other",
      async *read() {
        yield { id: 1 };
      },
    });
    const error = await failure(
      load([rowsOf(() => [{ id: 2, more: 1 }], { contract: "freeze" }), other], dry),
    );
    expect(error.code).toBe("ALV_SCHEMA_CONFLICT");
    expect(error.report).toMatchObject({
      complete: false,
      problems: [{ stream: "orders", code: "ALV_SCHEMA_CONFLICT" }],
      plan: { tables: [{ resource: "orders" }, { resource: "other", changes: [{ kind: "tableCreated" }] }] },
    });
    expect(printReport(error.report!)).toMatch(/Problems\n {2}orders: .*is new/);
  });

  test.for<[RunOptions, RegExp]>([
    [{ dryRun: 1 as never }, /dryRun is 1; it must be true or false/],
    [{ dryRun: true, limit: 5 }, /limit is 5; it must be left out of a dry run/],
  ])("is checked: %o", async ([options, message]) => {
    const error = await failure(setUp().load([rowsOf(() => [])], options));
    expect(error.message).toMatch(message);
  });
});
