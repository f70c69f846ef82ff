import { describe, expect, test } from "vitest";
import { accepted, check, located, notNull, pipeline, resource, source, type Pipeline } from "@alluvium/core";
import { memoryDestination } from "@alluvium/core/testing";
import { z } from "zod";

type Memory = ReturnType<typeof memoryDestination>;

/** A pipeline of one resource, with whatever rows are given at the time. */
function shop(
  memory: Memory,
  rows: readonly unknown[],
  more: object = {},
  derive = (items: unknown): unknown => items,
): Pipeline {
  const items = resource({ name: "items", contract: "quarantine", read: () => [rows], ...more } as never);
  return pipeline({
    name: "p",
    source: source("s", () => [derive(items)] as never)() as never,
    destination: memory as never,
  }) as never;
}

const rowsIn = (memory: Memory, table = "items"): readonly object[] =>
  memory.store.rows(table).map((row) => {
    const { _alv_load_id: load, ...rest } = row;
    void load;
    return rest;
  });

const events = (memory: Memory): readonly unknown[] =>
  memory.store.rows("items__quarantine").map(({ event }) => event);

const schema = z.object({ id: z.int(), email: z.email() });
const people = [
  { id: 1, email: "a@example.com" },
  { id: 2, email: "nobody" },
  located({ id: 3, email: "b@example" }, { file: "people.csv", line: 40 }),
];

describe("rows that were refused when they were read", () => {
  test("wait, are mended, and are in the table once", async () => {
    const memory = memoryDestination();
    const load = shop(memory, people, { schema });
    await load.run();
    const waiting = await load.quarantine({ resource: "items" });
    expect(waiting).toMatchObject([
      { table: "items", stage: "read", reason: "ALV_ROW_INVALID", rule: "schema", row: people[1] },
      { row: people[2], position: { row: 3, file: "people.csv", line: 40 } },
    ]);
    expect(waiting[0]!.recordedAt).toBeInstanceOf(Date);
    expect(await load.quarantine({ resource: "items", limit: 1 })).toEqual([waiting[0]]);
    const fix = (row: Record<string, unknown>): object => ({ ...row, email: "c@example.com" });
    const first = await load.replay({ resource: "items", ids: [waiting[1]!.id], fix });
    expect(first).toMatchObject({ replayed: 1, dropped: 0, refused: 0, remaining: 0 });
    expect(await load.quarantine({ resource: "items" })).toEqual([waiting[0]]);
    expect(await load.replay({ resource: "items", fix })).toMatchObject({ replayed: 1 });
    const again = await load.replay({ resource: "items", fix });
    expect(again).toMatchObject({ loadId: undefined, replayed: 0 });
    expect(await load.replay({ resource: "items", ids: [waiting[1]!.id], fix })).toMatchObject({
      replayed: 0,
    });
    expect(rowsIn(memory)).toEqual([
      { id: 1n, email: "a@example.com" },
      { id: 3n, email: "c@example.com" },
      { id: 2n, email: "c@example.com" },
    ]);
    expect(events(memory)).toEqual(["refused", "refused", "replayed", "replayed"]);
  });

  test("stay with the new reason where they are refused again, and go where fix gives them up", async () => {
    const memory = memoryDestination();
    const load = shop(memory, people, { schema });
    await load.run();
    const [a, b] = await load.quarantine({ resource: "items" });
    const report = await load.replay({
      resource: "items",
      fix: (row) => (row["id"] === 2 ? { ...row, id: "two", email: "d@example.com" } : undefined),
    });
    expect(report).toMatchObject({ replayed: 0, dropped: 1, refused: 1 });
    const [left, ...others] = await load.quarantine({ resource: "items" });
    expect(others).toEqual([]);
    expect(left).toMatchObject({
      id: a!.id,
      row: people[1],
      message: expect.stringContaining("two") as string,
    });
    expect(left!.loadId).not.toBe(b!.loadId);
    expect(events(memory)).toEqual(["refused", "refused", "refused", "dropped"]);
    await load.replay({ resource: "items", fix: (row) => ({ ...row, email: "d@example.com" }) });
    expect(rowsIn(memory)).toHaveLength(2);
  });

  test("keep what JSON does not tell", async () => {
    const memory = memoryDestination();
    const row = {
      id: "bad",
      at: new Date(86_400_000),
      big: 2n ** 60n,
      bytes: Uint8Array.of(1, 2),
      map: new Map([["k", new Set([1])]]),
      nan: NaN,
      "a/b~": { none: undefined },
    };
    const load = shop(memory, [row], {
      schema: z.looseObject({ id: z.int() }),
      contract: { types: "quarantine" },
    });
    await load.run();
    const [found] = await load.quarantine({ resource: "items" });
    expect(found!.row).toEqual(row);
    await load.replay({ resource: "items", fix: (given) => ({ ...given, id: 1, map: null, "a/b~": 1 }) });
    expect(rowsIn(memory)).toMatchObject([{ id: 1n, big: 2n ** 60n, nan: NaN }]);
  });

  test("go through the transforms, whatever these make of them", async () => {
    const memory = memoryDestination();
    const pieces = (items: unknown): unknown =>
      (items as { filter(keep: (row: { id: number }) => boolean): { flatMap(make: unknown): unknown } })
        .filter(({ id }) => id !== 3)
        .flatMap(({ id, email }: (typeof people)[number]) => [
          { id, part: 1, email },
          { id, part: 2, email },
        ]);
    const load = shop(memory, people, { schema }, pieces);
    await load.run();
    const fix = (row: Record<string, unknown>): object => ({ ...row, email: "c@example.com" });
    expect(await load.replay({ resource: "items", fix })).toMatchObject({ replayed: 2 });
    expect(rowsIn(memory).map((row) => Object.values(row))).toEqual([
      [1n, 1n, "a@example.com"],
      [1n, 2n, "a@example.com"],
      [2n, 1n, "c@example.com"],
      [2n, 2n, "c@example.com"],
    ]);
  });
});

describe("rows that were refused when they were written", () => {
  const first = { id: 1, size: 10, at: new Date(0), note: "x", blob: Uint8Array.of(7) };
  const rows = [
    { ...first, id: 2, size: 2.5 },
    { ...first, id: 3, colour: "red" },
  ];
  async function standing(more: object = {}): Promise<Memory> {
    const memory = memoryDestination();
    await shop(memory, [first], more).run();
    await shop(memory, rows, more).run();
    return memory;
  }

  test("wait in user form, and are written as fix mends them", async () => {
    const memory = await standing();
    const load = shop(memory, []);
    const waiting = await load.quarantine({ resource: "items" });
    expect(waiting).toMatchObject([
      { stage: "write", reason: "ALV_ROW_INVALID", column: "size", row: { size: 2.5, at: new Date(0) } },
      { reason: "ALV_SCHEMA_CONFLICT", column: "colour", row: { blob: Uint8Array.of(7), colour: "red" } },
    ]);
    const report = await load.replay({
      resource: "items",
      fix({ colour, ...row }) {
        void colour;
        return { ...row, size: Math.round(Number(row["size"])) };
      },
    });
    expect(report).toMatchObject({ replayed: 2 });
    expect(rowsIn(memory).slice(1)).toMatchObject([
      { id: 2n, size: 3n, at: new Date(0) },
      { id: 3n, size: 10n, note: "x" },
    ]);
  });

  test("are written as they are once the contract takes them", async () => {
    const memory = await standing();
    const load = shop(memory, []);
    expect(await load.replay({ resource: "items" })).toMatchObject({ replayed: 0, refused: 2 });
    const report = await load.replay({ resource: "items", contract: { columns: "evolve" } });
    expect(report).toMatchObject({ replayed: 1, refused: 1 });
    expect(rowsIn(memory)).toContainEqual(expect.objectContaining({ id: 3n, colour: "red" }));
    expect(await load.replay({ resource: "items", contract: "discardRow" })).toMatchObject({ dropped: 1 });
    expect(await load.quarantine({ resource: "items" })).toEqual([]);
  });

  test("take their rows of child tables along", async () => {
    const memory = memoryDestination();
    const nested = { nesting: "tables" };
    await shop(memory, [{ id: 1, lines: [{ sku: "a", count: 1 }] }], nested).run();
    await shop(
      memory,
      [
        {
          id: 2,
          lines: [
            { sku: "b", count: 1.5 },
            { sku: "c", count: 2 },
          ],
        },
      ],
      nested,
    ).run();
    const load = shop(memory, [], nested);
    const [row] = await load.quarantine({ resource: "items" });
    expect(row!.row).toEqual({
      id: 2n,
      lines: [
        { sku: "b", count: 1.5 },
        { sku: "c", count: 2 },
      ],
    });
    const fix = (given: Record<string, unknown>): object => {
      (given["lines"] as { count: number }[])[0]!.count = 1;
      return given;
    };
    expect(await load.replay({ resource: "items", fix })).toMatchObject({ replayed: 1 });
    expect(rowsIn(memory, "items__lines").map((line) => (line as { sku: string }).sku)).toEqual([
      "a",
      "b",
      "c",
    ]);
  });
});

describe("a late row", () => {
  const merging = (more: object): object => ({
    primaryKey: "id",
    schema: z.object({ id: z.int(), at: z.int(), name: z.string() }),
    ...more,
  });
  const ordered = merging({ disposition: { merge: "upsert", orderBy: "at" } });
  const late = { id: 1, at: 5, name: 7 };
  const fix = (row: Record<string, unknown>): object => ({ ...row, name: String(row["name"]) });

  test("never takes the place of a newer one", async () => {
    for (const [newer, name] of [
      [{ id: 1, at: 9, name: "new" }, "new"],
      [{ id: 1, at: 2, name: "old" }, "7"],
    ] as const) {
      const memory = memoryDestination();
      await shop(memory, [newer, late], ordered).run();
      const load = shop(memory, [], ordered);
      expect(await load.replay({ resource: "items", fix })).toMatchObject({ replayed: 1 });
      expect(rowsIn(memory)).toMatchObject([{ id: 1n, name }]);
    }
  });

  test("is added by insertOnly where its key is not there", async () => {
    const insertOnly = merging({ disposition: { merge: "insertOnly" } });
    const memory = memoryDestination();
    const rows = [{ id: 1, at: 1, name: "a" }, late, { ...late, id: 2 }];
    await shop(memory, rows, insertOnly).run();
    await shop(memory, [], insertOnly).replay({ resource: "items", fix });
    expect(rowsIn(memory)).toMatchObject([
      { id: 1n, name: "a" },
      { id: 2n, name: "7" },
    ]);
  });

  test("is refused where it could: merges without an order, and tables that are replaced", async () => {
    for (const disposition of ["merge", { merge: "deleteInsert" }, "replace"] as const) {
      const memory = memoryDestination();
      const more = merging({ disposition });
      await shop(memory, [{ id: 1, at: 1, name: "a" }, late], more).run();
      await expect(shop(memory, [], more).replay({ resource: "items", fix })).rejects.toMatchObject({
        code: "ALV_UNSUPPORTED",
        resource: "items",
      });
      expect(rowsIn(memory)).toHaveLength(1);
    }
  });

  test("moves no cursor", async () => {
    const memory = memoryDestination();
    const more = merging({ disposition: "append", cursor: "at" });
    await shop(memory, [late, { id: 2, at: 8, name: "b" }], more).run();
    const [waiting] = await shop(memory, [], more).quarantine({ resource: "items" });
    expect(waiting).toMatchObject({ key: { id: 1 }, position: { row: 1, cursor: { at: 5 } } });
    const before = (await shop(memory, [], more).state())!.streams;
    await shop(memory, [], more).replay({ resource: "items", fix });
    const state = (await shop(memory, [], more).state())!;
    expect(state.streams).toEqual(before);
    expect(state.tables["items"]!.schema.fields).toHaveLength(4);
    await shop(memory, [late, { id: 3, at: 9, name: "c" }], more).run();
    expect(rowsIn(memory).map((row) => (row as { id: bigint }).id)).toEqual([2n, 1n, 3n]);
  });
});

test("cells that did not change stay as they are", async () => {
  const memory = memoryDestination();
  const more = { disposition: { merge: "upsert", orderBy: "at" }, primaryKey: "id", partial: true };
  await shop(memory, [{ id: 1, at: 1, size: 1, note: "x" }], more).run();
  await shop(memory, [{ id: 1, at: 2, size: 1.5 }], more).run();
  const load = shop(memory, [], more);
  const [row] = await load.quarantine({ resource: "items" });
  expect(row).toMatchObject({ row: { id: 1n, at: 2n, size: 1.5 }, key: { id: 1 } });
  expect(await load.replay({ resource: "items", fix: (given) => ({ ...given, size: 2 }) })).toMatchObject({
    replayed: 1,
  });
  expect(rowsIn(memory)).toEqual([{ id: 1n, at: 2n, size: 2n, note: "x" }]);
});

test("rows are forgotten, also those that were replayed or dropped", async () => {
  const memory = memoryDestination();
  const many = Array.from({ length: 1200 }, (_, i) => ({
    id: i,
    email: i % 2 === 0 ? "no" : "a@example.com",
  }));
  const load = shop(memory, many, { schema });
  await load.run();
  const [, second, third] = await load.quarantine({ resource: "items" });
  const fix = (row: Record<string, unknown>): object => ({ ...row, email: "b@example.com" });
  await load.replay({ resource: "items", ids: [second!.id], fix });
  await load.replay({ resource: "items", ids: [third!.id], fix: () => undefined });
  const isGone = (row: Readonly<Record<string, unknown>>): boolean => Number(row["id"]) > 1;
  expect(await load.forget({ resource: "items", match: isGone })).toBe(599);
  expect(memory.store.rows("items__quarantine")).toMatchObject([
    { event: "refused", row: '{"id":0,"email":"no"}' },
  ]);
  expect(rowsIn(memory)).toHaveLength(601);
  expect(await load.forget({ resource: "items", match: isGone })).toBe(0);
  await load.run();
  expect(await load.quarantine({ resource: "items" })).toHaveLength(601);
});

test("what cannot be asked for is refused", async () => {
  const memory = memoryDestination();
  const load = shop(memory, people, { schema });
  await expect(load.quarantine({ resource: "items" })).rejects.toMatchObject({ code: "ALV_CONFIG" });
  await load.run();
  await expect(load.quarantine({ resource: "orders" })).rejects.toThrow(/"orders".*items/);
  await expect(load.replay({ resource: "items", fix: () => 7 as never })).rejects.toThrow(/fix returned 7/);
  await expect(load.replay({ resource: "items", limit: 0 })).rejects.toMatchObject({ code: "ALV_CONFIG" });
  const fix = (row: Record<string, unknown>): object => ({ ...row, email: "c@example.com" });
  expect(await load.replay({ resource: "items", limit: 1, fix })).toMatchObject({
    replayed: 1,
    remaining: 1,
  });
  const stop = AbortSignal.abort(new Error("enough"));
  await expect(load.replay({ resource: "items", signal: stop })).rejects.toThrow("enough");
});

describe("checks of rows", () => {
  const rows = [
    { id: 1, status: "open", total: 5 },
    { id: 2, status: "odd", total: 5 },
    { id: 3, status: "open", total: -5 },
  ];
  const checks = [
    accepted("status", ["open", "paid"], { severity: "quarantine" }),
    check("positive", (row: { total: number | bigint }) => row.total > 0, { severity: "quarantine" }),
  ];

  test("hold for rows that are replayed, too", async () => {
    const memory = memoryDestination();
    const load = shop(memory, rows, { checks });
    await load.run();
    expect(rowsIn(memory)).toEqual([{ id: 1n, status: "open", total: 5n }]);
    expect(await load.replay({ resource: "items" })).toMatchObject({ replayed: 0, refused: 2 });
    expect(await load.quarantine({ resource: "items" })).toMatchObject([
      { reason: "ALV_CHECK_FAILED", rule: "accepted(status)" },
      { reason: "ALV_CHECK_FAILED", rule: "positive" },
    ]);
    const fix = (row: Record<string, unknown>): object => ({ ...row, status: "paid" });
    expect(await load.replay({ resource: "items", fix })).toMatchObject({ replayed: 1, refused: 1 });
    expect(rowsIn(memory)).toEqual([
      { id: 1n, status: "open", total: 5n },
      { id: 2n, status: "paid", total: 5n },
    ]);
    expect(memory.store.rows("_alv_checks").length).toBe(2);
  });

  test("of severity error stop a replay before its commit", async () => {
    const memory = memoryDestination();
    const first = shop(memory, rows, { checks });
    await first.run();
    const load = shop(memory, rows, { checks: [notNull("status")] });
    const fix = ({ id }: Record<string, unknown>): object => ({ id, status: null });
    await expect(load.replay({ resource: "items", fix })).rejects.toMatchObject({ code: "ALV_CHECK_FAILED" });
    expect(rowsIn(memory).length).toBe(1);
    expect(await load.quarantine({ resource: "items" })).toHaveLength(2);
  });
});
