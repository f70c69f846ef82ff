import { describe, expect, test } from "vitest";
import { AlluviumError, type RunEvent, type RunOptions, type Source } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { memoryTables } from "@alluvium/core/testing";
import { checkpoint } from "../../src/checkpoint.ts";
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
  name: string;
}

/** Rows that are read from a cursor, as they stand when a run reads them. */
function orders(rows: () => readonly object[], more: object = {}) {
  return resource({
    name: "orders",
    schema: typed<Row>(),
    cursor: "id",
    primaryKey: "id",
    async *read({ since = 0, position }) {
      const from = position === undefined ? Number(since) : Number(position) + 1;
      for (const row of rows() as readonly Row[])
        if (row.id >= from) {
          yield row;
          yield checkpoint(row.id);
        }
    },
    ...more,
  });
}

function setUp() {
  const store = memoryTables();
  const destination = recordingDestination(store);
  const events: RunEvent[] = [];
  const load = (
    resources: readonly AnyResource[],
    options: RunOptions = {},
    onStep: (step: Step) => void = () => {},
  ) =>
    runPipeline(
      {
        name: "p",
        source: source("s", () => resources)() as Source,
        destination: faultyDestination(destination, onStep),
        loadIdColumn: false,
        onEvent: (event) => events.push(event),
      },
      { retry: { attempts: 1 }, ...options },
    );
  const state = () => store.pipelines.get('["p","main"]')?.state;
  return { store, destination, load, state, events };
}

async function failure(run: Promise<unknown>): Promise<AlluviumError> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (AlluviumError.is(error)) return error;
  throw error ?? new Error("it did not fail");
}

const rowsIn = (written: readonly { readonly batch: Batch }[]): number =>
  written.reduce((sum, { batch }) => sum + batch.length, 0);

const upsert = { disposition: "merge" } as const;
const first = [
  { id: 1, name: "a" },
  { id: 2, name: "b" },
];

describe("refresh", () => {
  test("state: reads all again and leaves what is there", async () => {
    const { destination, load, state, events } = setUp();
    const all = [orders(() => first, upsert)];
    await load(all);
    destination.written.length = 0;
    const report = await load(all, { refresh: "state" });
    expect(rowsIn(destination.written)).toBe(2);
    expect(destination.plans.at(-1)![0]!.restart).toBeUndefined();
    expect(report.tables["orders"]?.refreshed).toBe("state");
    expect(printReport(report)).toMatch(/refreshed.*\n.*state/);
    expect(events.filter(({ type }) => type === "tableRefreshed")).toMatchObject([
      { table: "orders", refresh: "state" },
    ]);
    expect(state()?.sequence).toBe(1);
    // The next ordinary run goes on.
    destination.written.length = 0;
    expect((await load(all)).tables["orders"]?.refreshed).toBeUndefined();
    expect(state()?.sequence).toBe(2);
    // A merge reads the rows at its cursor again.
    expect(rowsIn(destination.written)).toBe(1);
  });

  test("state: is refused for a table that appends, by name, and not for one that is new", async () => {
    const { load, state } = setUp();
    const all = [orders(() => first)];
    await load(all, { refresh: "state" });
    const error = await failure(load(all, { refresh: "state" }));
    expect(error.code).toBe("ALV_CONFIG");
    expect(error.message).toMatch(/"orders": it appends.*use refresh: "data"/);
    expect(state()?.sequence).toBe(0);
  });

  test("data: the first commit takes the rows away, further ones do not, and the columns stay", async () => {
    const { store, load, destination } = setUp();
    await load([orders(() => first)]);
    const second = [
      { id: 1, price: 1 },
      { id: 3, price: 3 },
      { id: 4, price: 4 },
    ];
    await load([orders(() => second)], { refresh: "data", commitBytes: 1 });
    expect(destination.plans.length).toBeGreaterThan(3);
    expect(store.rows("orders")).toEqual([
      { id: 1n, name: null, price: 1n },
      { id: 3n, name: null, price: 3n },
      { id: 4n, name: null, price: 4n },
    ]);
    await load([orders(() => [...second, { id: 5, price: 5 }])]);
    expect(store.rows("orders")).toHaveLength(4);
  });

  test("tables: columns, types, names and key are decided anew", async () => {
    const { store, load, state } = setUp();
    await load([orders(() => [{ id: 1, fullName: "a" }], upsert)]);
    const other = {
      disposition: { merge: "deleteInsert" },
      primaryKey: ["id", "fullName"],
      naming: "keep",
    } as const;
    const report = await load([orders(() => [{ id: 1, fullName: 5 }], other)], { refresh: "tables" });
    expect(report.tables["orders"]).toMatchObject({
      refreshed: "tables",
      schemaChanges: [
        { kind: "dispositionChanged", from: "upsert", to: "deleteInsert" },
        { kind: "tableCreated" },
      ],
    });
    expect(store.rows("orders")).toEqual([{ id: 1n, fullName: 5n }]);
    expect(state()?.tables["orders"]).toMatchObject({
      primaryKey: ["id", "fullName"],
      columns: { id: "id", fullName: "fullName" },
    });
    expect(Object.keys(state()!.tables["orders"]!.columns)).toHaveLength(2);
  });

  test("forgets the cursors of the resources that the run reads alone", async () => {
    const { store, load } = setUp();
    const parent = orders(() => first);
    const all = [parent, parent.as("copy"), parent.as("third")];
    await load(all);
    await load(all, { refresh: "data", only: ["copy"] });
    for (const table of ["orders", "copy", "third"]) expect(store.rows(table), table).toHaveLength(2);
    await load(all);
    for (const table of ["orders", "copy", "third"]) expect(store.rows(table), table).toHaveLength(2);
  });

  test("is refused where a cursor is shared with what is not read and cannot be told apart", async () => {
    const { destination } = setUp();
    const shared = (names: readonly string[]): Source => ({
      specVersion: 1,
      name: "log",
      open: async ({ only }) => ({
        streams: [
          {
            name: "log",
            tables: names
              .filter((name) => only?.includes(name) ?? true)
              .map((name) => ({
                name,
                schema: { fields: [{ name: "id", type: { kind: "int64" }, nullable: true }] },
                primaryKey: [],
                disposition: { kind: "append" },
                partitionBy: [],
              })),
            cursor: { version: 1, encode: Number, decode: (at) => at },
            async *read() {
              yield { checkpoint: 1 };
            },
          },
        ],
        async [Symbol.asyncDispose]() {},
      }),
    });
    const run = (names: readonly string[], options: RunOptions) =>
      runPipeline({ name: "q", source: shared(names), destination }, options);
    await run(["a", "b"], {});
    const error = await failure(run(["a", "b"], { refresh: "state", only: ["a"] }));
    expect(error.message).toMatch(/"a": .*would forget the cursor of b as well/);
  });

  test("nothing has changed until the first commit, and afterwards runs go on, wherever it stops", async () => {
    const grown = [
      { id: 1, name: "A" },
      { id: 3, name: "c" },
      { id: 4, name: "d" },
    ];
    let steps = Infinity;
    for (let stopAt = 0; stopAt < steps; stopAt++) {
      const { store, load, state } = setUp();
      await load([orders(() => first)]);
      let at = 0;
      let commits = 0;
      const run = load([orders(() => grown)], { refresh: "data", commitBytes: 1 }, ({ call, when }) => {
        if (at++ === stopAt) throw new AlluviumError("ALV_INTERNAL", "stopped");
        if (call === "commit" && when === "after") commits += 1;
      });
      const stopped = await run.then(
        () => false,
        () => true,
      );
      if (!stopped) steps = stopAt;
      const ids = store.rows("orders").map(({ id }) => id);
      const allowed = state()!.sequence === 0 ? [1n, 2n] : [1n, 3n, 4n].slice(0, ids.length);
      expect(ids, `step ${stopAt}`).toEqual(allowed);
      // Begun again where nothing was committed; else an ordinary run reads the rest.
      await load([orders(() => grown)], state()!.sequence === 0 ? { refresh: "data" } : {});
      expect(
        store.rows("orders").map(({ id }) => id),
        `step ${stopAt}, ${commits} commits`,
      ).toEqual([1n, 3n, 4n]);
    }
    expect(steps).toBeGreaterThan(10);
  });

  test("by nothing needs consent", async () => {
    const { store, load } = setUp();
    await load([orders(() => first)]);
    const error = await failure(load([orders(() => [])], { refresh: "data" }));
    expect(error.code).toBe("ALV_EMPTY_REPLACE");
    expect(store.rows("orders")).toHaveLength(2);
    const replaced = (allowEmpty: boolean) =>
      orders(() => [], { disposition: { replace: "all", allowEmpty } }) as AnyResource;
    await failure(load([replaced(false)], { refresh: "data" }));
    await load([replaced(true)], { refresh: "data" });
    expect(store.rows("orders")).toEqual([]);
  });

  test("makes a changed key, disposition, table and source possible", async () => {
    const { store, load } = setUp();
    await load([orders(() => first, upsert)]);
    await load([orders(() => first)], { refresh: "data" });
    expect(store.rows("orders")).toHaveLength(2);
    await load([orders(() => first, { naming: (name: string) => `x_${name}` })], { refresh: "tables" });
    expect(store.rows("x_orders")).toEqual([
      { x_id: 1n, x_name: "a" },
      { x_id: 2n, x_name: "b" },
    ]);
    const other = resource({
      name: "orders",
      schema: typed<Row>(),
      cursor: "name",
      naming: (name: string) => `x_${name}`,
      async *read() {
        yield first;
      },
    });
    expect((await failure(load([other]))).code).toBe("ALV_STATE_MISMATCH");
    await load([other], { refresh: "data" });
    await load([other]);
    expect(store.rows("x_orders")).toHaveLength(2);
  });

  test("leaves no cursor behind where there is none any more", async () => {
    const { load, state } = setUp();
    await load([orders(() => first, upsert)]);
    const plain = resource({
      name: "orders",
      primaryKey: "id",
      disposition: "merge",
      async *read() {
        yield first;
      },
    });
    await load([plain], { refresh: "state" });
    expect(state()?.streams["orders"]?.cursor).toBeNull();
  });

  test.for<[RunOptions, RegExp]>([
    [{ refresh: "all" as never }, /refresh is all; it must be "state", "data", "tables"/],
    [{ refresh: "data", limit: 5 }, /refresh is data; it must be left out together with limit/],
    [{ refresh: "data", since: 5 }, /left out together with limit, since and until/],
  ])("is checked: %o", async ([options, message]) => {
    const error = await failure(setUp().load([orders(() => first)], options));
    expect(error.code).toBe("ALV_CONFIG");
    expect(error.message).toMatch(message);
  });
});
