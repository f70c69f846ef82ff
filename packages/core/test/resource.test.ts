import { describe, expect, test } from "vitest";
import * as z from "zod";
import { checkpoint } from "../src/checkpoint.ts";
import { pipeline } from "../src/pipeline.ts";
import { resource } from "../src/resource.ts";
import { source } from "../src/source.ts";
import type { AnyResource } from "../src/transform.ts";
import type { RunOptions } from "../src/run/definition.ts";
import { memoryDestination } from "../src/testing/memory-destination.ts";
import { typed } from "../src/typed.ts";

/** Loads resources into one memory store, run after run. */
function loader(): {
  readonly run: (resources: readonly AnyResource[], options?: RunOptions) => Promise<Record<string, number>>;
  readonly rows: (table: string) => Record<string, unknown>[];
} {
  const destination = memoryDestination();
  return {
    async run(resources, options) {
      const load = pipeline({
        name: "test",
        source: source("test", () => resources)() as never,
        destination: destination as never,
        loadIdColumn: false,
      });
      const report = await load.run({ retry: { attempts: 1 }, ...(options as object) });
      return Object.fromEntries(
        Object.entries(report.tables as Record<string, { rows: number }>).map(([name, { rows }]) => [
          name,
          rows,
        ]),
      );
    },
    rows: (table) => destination.store.rows(table) as Record<string, unknown>[],
  };
}

interface Order {
  id: number;
  at: Date;
  open: boolean;
}

const order = (id: number, at: number, open = true): Order => ({ id, at: new Date(at), open });

describe("a resource without schema", () => {
  test("takes single rows, arrays and empty arrays", async () => {
    const { run, rows } = loader();
    const items = resource({
      name: "items",
      async *read() {
        yield { id: 1, createdAt: new Date(0) };
        yield [
          { id: 2, createdAt: new Date(1) },
          { id: 3, createdAt: new Date(2) },
        ];
        yield [];
      },
    });
    expect(await run([items])).toEqual({ items: 3 });
    expect(rows("items")).toEqual([
      { id: 1n, created_at: new Date(0) },
      { id: 2n, created_at: new Date(1) },
      { id: 3n, created_at: new Date(2) },
    ]);
  });

  test("may be read by a plain generator, or be an iterable", async () => {
    const { run } = loader();
    const made = resource({
      name: "made",
      *read() {
        yield { id: 1 };
      },
    });
    const list = resource({ name: "list", read: () => [{ id: 1 }, { id: 2 }] });
    expect(await run([made, list])).toEqual({ made: 1, list: 2 });
  });

  test("says what read must return", async () => {
    const bad = resource({ name: "bad", read: (async () => [{ id: 1 }]) as never });
    await expect(loader().run([bad])).rejects.toThrow(/resource "bad": read returned Promise.*generator/);
    const values = resource({ name: "values", read: () => [1] as never });
    await expect(loader().run([values])).rejects.toThrow(/resource "values": row 1 is not an object: 1/);
  });

  test("replaces its table when asked", async () => {
    const { run, rows } = loader();
    let next = [{ id: 1 }, { id: 2 }];
    const items = resource({ name: "items", disposition: "replace", read: () => next });
    await run([items]);
    next = [{ id: 3 }];
    await run([items]);
    expect(rows("items")).toEqual([{ id: 3n }]);
  });
});

describe("a schema", () => {
  const schema = z.object({
    id: z.number(),
    tags: z.array(z.object({ name: z.string() })),
    on: z.coerce.date(),
  });
  test("makes rows of what is yielded", async () => {
    const { run, rows } = loader();
    const items = resource({
      name: "items",
      schema,
      async *read() {
        yield [{ id: 1, tags: [{ name: "a" }], on: "2024-01-01T00:00:00Z", junk: true }];
      },
    });
    await run([items]);
    expect(rows("items")).toEqual([{ id: 1, tags: [{ name: "a" }], on: new Date("2024-01-01") }]);
  });

  test("refuses rows by resource, number, place and value", async () => {
    const items = resource({
      name: "items",
      schema,
      async *read() {
        yield [{ id: 1, tags: [], on: 0 }];
        yield { id: 2, tags: [{ name: "a" }, { name: 17 }], on: 0 };
      },
    });
    await expect(loader().run([items])).rejects.toMatchObject({
      code: "ALV_ROW_INVALID",
      resource: "items",
      message: expect.stringMatching(
        /resource "items": row 2 is refused by its schema: tags\[1\]\.name is 17 \(.*string.*\)/,
      ),
    });
  });

  test("may check asynchronously, and may be left out", async () => {
    const { run } = loader();
    const slow = z.object({ id: z.number().refine(async (id) => id > 0) });
    const items = resource({ name: "items", schema: slow, read: () => [{ id: 1 }, { id: -1 }] });
    await expect(run([items])).rejects.toThrow(/row 2.*id is -1/);
    const loose = resource({
      name: "loose",
      schema: z.object({ id: z.number() }),
      validate: false,
      read: () => [{ id: "x" }],
    });
    await expect(run([loose])).rejects.toMatchObject({ code: "ALV_ROW_INVALID" });
  });
});

describe("options that cannot be", () => {
  const read = (): object[] => [];
  test.each([
    [{ name: "x", read: 1 }, /read is 1; it must be a function/],
    [{ name: "x", read, disposition: "upsert" }, /disposition is "upsert"; it must be "append"/],
    [
      { name: "x", read, disposition: "merge" },
      /primaryKey is undefined; it must be given for a resource that merges/,
    ],
    [{ name: "x", read, primaryKey: ["a", "a"] }, /must be columns, each once/],
    [{ name: "x", read, cursor: "id" }, /cursor is "id"; it must be left out unless there is a schema/],
    [{ name: "x", read, schema: typed(), cursor: { column: "id", nulls: "x" } }, /cursor.nulls is "x"/],
    [
      { name: "x", read, schema: typed(), cursor: { column: "id", order: "descending" } },
      /cursor.order is "descending"/,
    ],
    [{ name: "x", read, primarykey: "id" }, /there is no option primarykey/],
    [{ name: "", read }, /a resource needs a name/],
    [{ name: "x", read, naming: "camel" }, /naming is "camel"/],
    [{ name: "x", read, contract: "open" }, /contract is "open"/],
    [{ name: "x", read, schema: {} }, /schema is \{\}; it must be a Standard Schema/],
    [
      { name: "x", read, disposition: { replace: { where: {} } } },
      /the condition is \{\}; it must be one on at least one column/,
    ],
  ])("%o", (options, message) => {
    expect(() => resource(options as never)).toThrow(message);
    expect(() => resource(options as never)).toThrow(expect.objectContaining({ code: "ALV_CONFIG" }));
  });

  test("two of one name", () => {
    const one = resource({ name: "x", read });
    expect(() => source("s", () => [one, one])()).toThrow(/two resources called "x".*as\(\)/);
    const other = resource({ name: "x", read }).as("y");
    expect(() => source("s", () => [one, other])()).toThrow(/derived from two that are called "x"/);
  });

  test("column types, when the source is built", () => {
    const one = resource({ name: "x", read, columns: { id: { type: "decimal", precision: 50 } } as never });
    expect(() => source("s", () => [one])()).toThrow(/column "id": decimal\(50,0\) is not possible/);
  });

  test("a destination that cannot run them", () => {
    const { runner: _, ...rest } = memoryDestination();
    const build = () => pipeline({ name: "p", source: source("s", () => [])(), destination: rest as never });
    expect(build).toThrow(/destination memory brings nothing that carries out runs.*@alluvium\/core\/run/);
    expect(build).toThrow(expect.objectContaining({ code: "ALV_CONFIG" }));
  });

  test("names in only", async () => {
    const one = resource({ name: "x", read });
    await expect(loader().run([one], { only: ["y"] })).rejects.toThrow(
      /only names y, but source "test" has x/,
    );
  });
});

describe("a cursor", () => {
  test("gives since in the form of the column, and loads what is new once", async () => {
    const { run, rows } = loader();
    const seen: unknown[] = [];
    let all = [order(1, 1000), order(2, 2000), order(3, 2000)];
    const orders = resource({
      name: "orders",
      schema: typed<Order>(),
      cursor: "at",
      async *read({ since }) {
        seen.push(since);
        yield all.filter(({ at }) => since === undefined || at >= since);
      },
    });
    expect(await run([orders])).toEqual({ orders: 3 });
    expect(await run([orders])).toEqual({ orders: 0 });
    all = [...all, order(4, 2000), order(5, 3000)];
    expect(await run([orders])).toEqual({ orders: 2 });
    expect(seen).toEqual([undefined, new Date(2000), new Date(2000)]);
    expect(rows("orders").map(({ id }) => id)).toEqual([1n, 2n, 3n, 4n, 5n]);
  });

  test.each([
    ["number", [{ at: 1 }, { at: 5 }], 5],
    ["bigint", [{ at: 1n }, { at: 5n }], 5n],
    ["fraction", [{ at: 1 }, { at: 2.5 }], 2.5],
    ["text", [{ at: "b" }, { at: "a" }], "b"],
  ])("of a %s comes back as one", async (_, list, expected) => {
    const { run } = loader();
    let seen: unknown;
    const items = resource({
      name: "items",
      schema: typed<{ at: number }>(),
      cursor: "at",
      async *read({ since }) {
        seen = since;
        yield list;
      },
    });
    await run([items]);
    expect(await run([items])).toEqual({ items: 0 });
    expect(seen).toEqual(expected);
  });

  test("rounds since down to milliseconds, and compares in microseconds", async () => {
    const { run, rows } = loader();
    const times = ["2024-01-01T00:00:00.000100Z", "2024-01-01T00:00:00.000900Z"];
    let seen: unknown;
    const items = resource({
      name: "items",
      schema: typed<{ id: number; at: Date }>(),
      columns: { at: { type: "timestamp" } },
      cursor: "at",
      async *read({ since }) {
        seen = since;
        yield times.map((at, id) => ({ id, at }));
      },
    });
    await run([items]);
    times.push("2024-01-01T00:00:00.000950Z", "2024-01-01T00:00:00.000800Z");
    expect(await run([items])).toEqual({ items: 1 });
    // The rows gave text, so since is text too.
    expect(seen).toBe("2024-01-01T00:00:00.000900Z");
    expect(rows("items").map(({ id }) => id)).toEqual([0n, 1n, 2n]);
  });

  test("starts at initial, and keeps behind by lag", async () => {
    const { run, rows } = loader();
    const seen: unknown[] = [];
    const all = [5, 10, 20, 30, 31, 40].map((at) => order(at, at * 1000));
    const orders = resource({
      name: "orders",
      schema: typed<Order>(),
      cursor: { column: "at", initial: new Date(10_000), lag: { seconds: 10 } },
      async *read({ since }) {
        seen.push(since);
        yield all;
      },
    });
    expect(await run([orders])).toEqual({ orders: 2 });
    expect(rows("orders").map(({ id }) => id)).toEqual([10n, 20n]);
    // One that was late, and one that moves the bound.
    all.push(order(35, 35_000), order(45, 45_000));
    expect(await run([orders])).toEqual({ orders: 2 });
    expect(rows("orders").map(({ id }) => id)).toEqual([10n, 20n, 30n, 31n]);
    expect(seen).toEqual([new Date(10_000), new Date(30_000)]);
  });

  test("holds rows back by lag whatever their order", async () => {
    for (const turn of [1, -1]) {
      const { run, rows } = loader();
      const all = Array.from({ length: 50 }, (_, i) => order(i, i * 1000)).sort(
        (a, b) => turn * (a.id - b.id),
      );
      const orders = resource({
        name: "orders",
        schema: typed<Order>(),
        cursor: { column: "at", lag: { seconds: 10 } },
        *read() {
          for (let i = 0; i < all.length; i += 7) {
            yield all.slice(i, i + 7);
            yield checkpoint(i);
          }
        },
      });
      await run([orders]);
      const ids = rows("orders")
        .map(({ id }) => Number(id))
        .toSorted((a, b) => a - b);
      expect(ids).toEqual(Array.from({ length: 39 }, (_, i) => i));
    }
  });

  test("in ascending order is checked", async () => {
    const orders = resource({
      name: "orders",
      schema: typed<Order>(),
      cursor: { column: "at", order: "ascending" },
      read: () => [order(1, 2), order(2, 1)],
    });
    await expect(loader().run([orders])).rejects.toMatchObject({
      code: "ALV_CURSOR_ORDER",
      resource: "orders",
    });
  });

  test("goes on from a checkpoint inside a read, newest first", async () => {
    const { run, rows } = loader();
    const all = Array.from({ length: 40 }, (_, i) => order(i, i * 1000));
    const given: unknown[] = [];
    let fails = true;
    const orders = resource({
      name: "orders",
      schema: typed<Order>(),
      cursor: "at",
      async *read({ position, since }) {
        given.push({ position, since });
        for (let page = Number(position ?? 0); page < 4; page++) {
          yield all.toReversed().slice(page * 10, page * 10 + 10);
          yield checkpoint(page + 1);
          if (fails && page === 1) throw new Error("down");
        }
      },
    });
    await expect(run([orders], { commitInterval: 0 })).rejects.toThrow(/down/);
    expect(rows("orders")).toHaveLength(20);
    fails = false;
    expect(await run([orders])).toEqual({ orders: 20 });
    expect(given[1]).toEqual({ position: 2, since: undefined });
    expect(
      rows("orders")
        .map(({ id }) => Number(id))
        .toSorted((a, b) => a - b),
    ).toEqual(all.map(({ id }) => id));
    // The greatest value was seen before the cut, and counts.
    expect(await run([orders])).toEqual({ orders: 0 });
    expect(given[2]).toEqual({ position: undefined, since: new Date(39_000) });
  });
});

describe("positions without a cursor column", () => {
  test("are kept from run to run", async () => {
    const { run, rows } = loader();
    const log = [1, 2, 3];
    const entries = resource({
      name: "entries",
      async *read({ position }) {
        const from = Number(position ?? 0);
        yield log.slice(from).map((id) => ({ id }));
        yield checkpoint(log.length);
      },
    });
    await run([entries]);
    log.push(4, 5);
    expect(await run([entries])).toEqual({ entries: 2 });
    expect(rows("entries").map(({ id }) => id)).toEqual([1n, 2n, 3n, 4n, 5n]);
  });

  test("must come last", async () => {
    const entries = resource({
      name: "entries",
      async *read() {
        yield checkpoint(1);
        yield { id: 1 };
      },
    });
    await expect(loader().run([entries])).rejects.toThrow(/yielded 1 rows after its last checkpoint/);
  });
});

test("a backfill reads its window, and puts it in the place of what is there", async () => {
  const { run, rows } = loader();
  const all = Array.from({ length: 5 }, (_, i) => order(i, i * 1000));
  const seen: unknown[] = [];
  const orders = resource({
    name: "orders",
    schema: typed<Order>(),
    cursor: "at",
    disposition: { append: { replaceWhere: { at: { ">=": new Date(1000), "<": new Date(3000) } } } },
    *read({ since, until }) {
      seen.push({ since, until });
      yield all;
    },
  });
  await run([orders]);
  all[1] = order(11, 1000);
  all.push(order(5, 5000));
  await run([orders], { since: new Date(1000), until: new Date(3000) });
  expect(seen[1]).toEqual({ since: new Date(1000), until: new Date(3000) });
  const ids = (): number[] =>
    rows("orders")
      .map(({ id }) => Number(id))
      .toSorted((a, b) => a - b);
  expect(ids()).toEqual([0, 2, 3, 4, 11]);
  expect(await run([orders])).toEqual({ orders: 1 });
  expect(ids()).toEqual([0, 2, 3, 4, 5, 11]);
});

test("a sample takes about so many rows", async () => {
  let taken = 0;
  const numbers = resource({
    name: "numbers",
    *read() {
      for (let id = 0; id < 1_000_000; id++) {
        taken = id;
        yield { id };
      }
    },
  });
  const report = await pipeline({
    name: "test",
    source: source("s", () => [numbers, numbers.filter(({ id }) => id % 2 === 0).as("even")])(),
    destination: memoryDestination(),
  }).run({ limit: 5 });
  expect(report.tables.even.sample?.map(({ id }) => Number(id))).toEqual([0, 2, 4, 6, 8]);
  expect(report.tables.numbers.sample).toHaveLength(5);
  expect(taken).toBeLessThan(1000);
});
