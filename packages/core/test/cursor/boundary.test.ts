import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createAppender } from "../../src/columns/append.ts";
import type { Batch } from "../../src/columns/batch.ts";
import { rowsOf } from "../../src/columns/rows.ts";
import { openBoundary, type BoundaryOptions } from "../../src/cursor/boundary.ts";
import { columnCursorCodec, type ColumnCursor } from "../../src/cursor/column-cursor.ts";
import { poison } from "../columns/poison.ts";

type Row = { readonly id: number; readonly at: unknown };

function batchOf(rows: readonly object[]): Batch {
  const appender = createAppender();
  for (const row of rows) appender.append(row);
  return appender.finish();
}

/** Reads rows in batches of `size`; gives the ids taken and the cursor, by way of its stored form. */
function read(
  rows: readonly object[],
  since: ColumnCursor | undefined,
  options: Partial<BoundaryOptions> = {},
  size = 3,
): { ids: number[]; cursor: ColumnCursor | undefined; deferred: number; more: boolean } {
  const boundary = openBoundary({ column: "at", mode: "append", since, ...options });
  const ids: number[] = [];
  for (let i = 0; i < rows.length; i += size)
    for (const row of rowsOf<Row>(boundary.take(batchOf(rows.slice(i, i + size))))) ids.push(Number(row.id));
  const cursor = boundary.cursor({ end: true });
  const codec = columnCursorCodec;
  const stored = cursor && codec.decode(JSON.parse(JSON.stringify(codec.encode(cursor))), codec.version);
  expect(stored).toEqual(cursor);
  return { ids, cursor: stored, deferred: boundary.deferred, more: boundary.more };
}

describe("an append", () => {
  test("takes each row at the boundary once, by number", () => {
    const first = read(
      [
        { id: 1, at: 10 },
        { id: 2, at: 11 },
        { id: 2, at: 11 },
      ],
      undefined,
    );
    expect(first.ids).toEqual([1, 2, 2]);
    expect(first.cursor).toMatchObject({ kind: "int64", value: "11" });
    const second = read(
      [
        { id: 9, at: 9 },
        { id: 2, at: 11 },
        { id: 3, at: 11 },
        { id: 2, at: 11 },
        { id: 2, at: 11 },
      ],
      first.cursor,
    );
    expect(second.ids).toEqual([3, 2]);
    expect(
      read(
        [
          { id: 3, at: 11 },
          { id: 2, at: 11 },
        ],
        second.cursor,
      ).ids,
    ).toEqual([]);
  });

  test("finds a row again after the table has got more columns", () => {
    const first = read([{ id: 1, at: 5 }], undefined);
    const second = read(
      [
        { id: 1, at: 5, extra: "x" },
        { id: 2, at: 5, extra: "y" },
      ],
      first.cursor,
    );
    expect(second.ids).toEqual([2]);
    expect(
      read(
        [
          { id: 1, at: 5, extra: "x" },
          { id: 2, at: 5, extra: "y" },
        ],
        second.cursor,
      ).ids,
    ).toEqual([]);
  });

  test("any sequence of reads of a growing table takes every row once", () => {
    const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
    const value = fc.oneof(
      fc.integer({ min: 0, max: 6 }).map((n) => ({ kind: "date", n })),
      fc.integer({ min: 0, max: 6 }).map((n) => ({ kind: "date", n })),
    );
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 60 }),
        fc.array(fc.nat({ max: 8 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        (values, steps, size, limit, shuffled) => {
          // Rows become visible in the order of their values, some at a time; equal values may be torn apart.
          const all = values
            .map(({ n }) => n)
            .sort((a, b) => a - b)
            .map((n, i) => ({ id: i % 4 === 3 ? 3 : i, at: new Date(n) }));
          const taken: number[] = [];
          let since: ColumnCursor | undefined;
          let visible = 0;
          const readOnce = (): void => {
            for (;;) {
              const rows = all.slice(0, visible);
              if (shuffled) rows.reverse();
              const result = read(rows, since, { limit }, size);
              taken.push(...result.ids);
              since = result.cursor;
              if (!result.more) return;
            }
          };
          for (const step of [...steps, all.length]) {
            visible = Math.min(all.length, visible + step);
            readOnce();
          }
          // One more value closes the last one.
          all.push({ id: 1000, at: new Date(1000) });
          visible = all.length;
          readOnce();
          expect(taken.toSorted((a, b) => a - b)).toEqual(all.map(({ id }) => id).toSorted((a, b) => a - b));
        },
      ),
      { seed, numRuns: 300 },
    );
  });

  test("leaves the rest of a crowded value for when it is closed", () => {
    const crowd = Array.from({ length: 8 }, (_, id) => ({ id, at: "a" }));
    const first = read(crowd, undefined, { limit: 5 });
    expect(first).toMatchObject({ ids: [0, 1, 2, 3, 4], deferred: 3, more: false });
    const waiting = read(crowd, first.cursor, { limit: 5 });
    expect(waiting).toMatchObject({ ids: [], deferred: 3, more: false });
    const closing = read([...crowd, { id: 8, at: "b" }], waiting.cursor, { limit: 5 });
    expect(closing).toMatchObject({ ids: [], more: true });
    const closed = read([...crowd, { id: 8, at: "b" }], closing.cursor, { limit: 5 });
    expect(closed).toMatchObject({ ids: [5, 6, 7, 8], deferred: 0 });
  });

  test("offers no point to resume from amid a closed value that is too crowded to count", () => {
    const crowd = Array.from({ length: 6 }, (_, id) => ({ id, at: 1 }));
    const rows = [...crowd, { id: 6, at: 2 }];
    const { cursor: since } = read(rows, undefined, { limit: 2 });
    expect(since).toMatchObject({ value: "1", closedBelow: "2" });
    const boundary = openBoundary({ column: "at", mode: "append", since, limit: 2 });
    boundary.take(batchOf(crowd));
    expect(boundary.cursor()).toBeUndefined();
    expect(boundary.cursor({ end: true })).toEqual({ kind: "int64", value: "2", boundary: [] });
    boundary.take(batchOf(rows.slice(6)));
    expect(boundary.cursor()).toMatchObject({ kind: "int64", value: "2" });
  });

  test("compares text by its bytes", () => {
    // In UTF-16 units the astral character sorts before U+FF5A, in bytes after it.
    const first = read([{ id: 1, at: "\u{1F600}" }], undefined);
    expect(read([{ id: 2, at: "\u{FF5A}" }], first.cursor).ids).toEqual([]);
    expect(read([{ id: 3, at: "\u{1F601}" }], first.cursor).ids).toEqual([3]);
  });

  test("goes on when a number column turns from integers to fractions", () => {
    const first = read([{ id: 1, at: 3 }], undefined);
    const second = read(
      [
        { id: 1, at: 2.5 },
        { id: 1, at: 3 },
        { id: 2, at: 3.5 },
      ],
      first.cursor,
    );
    expect(second.ids).toEqual([2]);
    expect(
      read(
        [
          { id: 3, at: 3 },
          { id: 4, at: 4 },
        ],
        second.cursor,
        {},
        1,
      ).ids,
    ).toEqual([4]);
  });

  test("refuses values of another family than before", () => {
    const { cursor } = read([{ id: 1, at: 3 }], undefined);
    expect(() => read([{ id: 1, at: "x" }], cursor)).toThrow(/no common order/);
  });
});

describe("rows without a value", () => {
  const rows = [
    { id: 1, at: null },
    { id: 2, at: 1 },
    { id: 3, at: null },
  ];
  test("are an error unless the cursor says otherwise", () => {
    expect(() => read(rows, undefined, { resource: "orders" })).toThrow(
      /resource "orders": row 1: the cursor column "at" is null.*nulls: "include"/,
    );
    expect(read(rows, undefined, { nulls: "exclude" }).ids).toEqual([2]);
  });
  test("are taken once each when included", () => {
    const first = read(rows, undefined, { nulls: "include" });
    expect(first.ids).toEqual([1, 2, 3]);
    expect(read([...rows, { id: 4, at: null }], first.cursor, { nulls: "include" }).ids).toEqual([4]);
    const only = read([{ id: 1, at: null }], undefined, { nulls: "include" });
    expect(
      read(
        [
          { id: 1, at: null },
          { id: 2, at: 7 },
        ],
        only.cursor,
        { nulls: "include" },
      ).ids,
    ).toEqual([2]);
  });
  test("are taken every time by a merge", () => {
    const first = read(rows, undefined, { nulls: "include", mode: "merge" });
    expect(read(rows, first.cursor, { nulls: "include", mode: "merge" }).ids).toEqual([1, 2, 3]);
  });
});

test("a merge never filters, and keeps no hashes", () => {
  const first = read([{ id: 1, at: 5 }], undefined, { mode: "merge" });
  expect(first.cursor).toEqual({ kind: "int64", value: "5", boundary: [] });
  expect(
    read(
      [
        { id: 1, at: 5 },
        { id: 0, at: 4 },
      ],
      first.cursor,
      { mode: "merge" },
    ).ids,
  ).toEqual([1, 0]);
});

describe("a declared order", () => {
  const options = { order: "ascending", resource: "orders" } as const;
  test("is checked within and across batches", () => {
    const rows = [1, 2, 2, 3, 2].map((at, id) => ({ id, at }));
    for (const size of [1, 2, 5])
      expect(() => read(rows, undefined, options, size)).toThrow(
        /resource "orders": row 5: the cursor column "at" steps back from 3 to 2/,
      );
    expect(read(rows.slice(0, 4), undefined, options).ids).toEqual([0, 1, 2, 3]);
  });
  test("gives a cursor at every batch from which exactly the rest is read", () => {
    const rows = [1, 1, 2, 2, 2, 3].map((at, id) => ({ id, at: new Date(at) }));
    for (let cut = 1; cut < rows.length; cut++) {
      const boundary = openBoundary({ column: "at", mode: "append", ...options });
      boundary.take(batchOf(rows.slice(0, cut)));
      expect(read(rows, boundary.cursor(), options).ids).toEqual(rows.slice(cut).map(({ id }) => id));
    }
  });
});

test("timestamps keep their microseconds", () => {
  const appender = createAppender({ columns: { at: { type: "timestamp" } } });
  appender.append({ id: 1, at: "2024-01-01T00:00:00.000123Z" });
  const boundary = openBoundary({ column: "at", mode: "append" });
  boundary.take(appender.finish());
  const cursor = boundary.cursor();
  expect(cursor?.value).toBe("2024-01-01T00:00:00.000123Z");
  appender.append({ id: 2, at: "2024-01-01T00:00:00.000122Z" });
  appender.append({ id: 3, at: "2024-01-01T00:00:00.000124Z" });
  const next = openBoundary({ column: "at", mode: "append", since: cursor });
  expect(rowsOf<Row>(next.take(appender.finish())).map(({ id }) => Number(id))).toEqual([3]);
});

test("the greatest uuid stays what it was when its batch's memory is used again", () => {
  const text = (n: number): string => `0198c000-0000-7000-8000-00000000000${n}`;
  const batch = (...ns: number[]): Batch => {
    const appender = createAppender({ columns: { at: { type: "uuid" } } });
    for (const n of ns) appender.append({ at: text(n) });
    return appender.finish();
  };
  const boundary = openBoundary({ column: "at", mode: "merge" });
  const first = batch(3, 5);
  boundary.select(first);
  poison(first.columns[0]!);
  boundary.select(batch(4));
  expect(boundary.cursor({ end: true })?.value).toBe(text(5));
  boundary.select(batch(7));
  expect(boundary.cursor({ end: true })?.value).toBe(text(7));
});
