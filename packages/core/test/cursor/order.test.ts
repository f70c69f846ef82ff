import fc from "fast-check";
import { expect, test } from "vitest";
import { createAppender } from "../../src/columns/append.ts";
import type { Vector } from "../../src/columns/vector.ts";
import { comparePoints, orderOf, pointOfText } from "../../src/cursor/order.ts";
import { pointBelow } from "../../src/cursor/shift.ts";
import type { ColumnHint } from "../../src/schema/hints.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);

function columnOf(values: readonly unknown[], hint: ColumnHint): Vector {
  const appender = createAppender({ columns: { at: hint } });
  for (const at of values) appender.append({ at });
  return appender.finish().columns[0]!;
}

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const near = fc.bigInt({ min: -3n, max: 3n });
const cases: readonly [string, ColumnHint, fc.Arbitrary<unknown>, (a: never, b: never) => number][] = [
  ["int64", { type: "int64" }, fc.oneof(int64, near), (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0)],
  ["int32", { type: "int32" }, fc.integer(), (a: number, b: number) => a - b],
  [
    "float64",
    { type: "float64" },
    fc.double({ noNaN: true }),
    (a: number, b: number) => (a < b ? -1 : a > b ? 1 : 0),
  ],
  [
    "decimal of 128 bits",
    { type: "decimal", precision: 38, scale: 3 },
    fc.integer(),
    (a: number, b: number) => a - b,
  ],
  [
    "string",
    { type: "string" },
    fc.string({ unit: "grapheme", maxLength: 4 }),
    (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b)),
  ],
];

test.each(cases)(
  "rows of %s are ordered as their values, and against points of their text",
  (_, hint, arbitrary, compare) => {
    fc.assert(
      fc.property(fc.array(arbitrary, { minLength: 2, maxLength: 12 }), (values) => {
        const order = orderOf(columnOf(values, hint), "at");
        for (let a = 0; a < values.length; a++)
          for (let b = 0; b < values.length; b++) {
            const expected = Math.sign(compare(values[a] as never, values[b] as never));
            expect(Math.sign(order.compareRows(a, b))).toBe(expected);
            const stored = order.pointAt(b);
            const point = pointOfText(stored.kind, stored.text)!;
            expect(Math.sign(order.comparerTo(point)(a))).toBe(expected);
            expect(Math.sign(comparePoints(order.pointAt(a), point))).toBe(expected);
          }
      }),
      { seed, numRuns: 100 },
    );
  },
);

test("NaN has no place", () => {
  const order = orderOf(columnOf([1.5, Number.NaN], { type: "float64" }), "at");
  expect(() => order.compareRows(0, 1)).toThrow(/column "at" is the cursor and holds NaN/);
});

test("types without order are refused", () => {
  expect(() => orderOf(columnOf([true], { type: "boolean" }), "at")).toThrow(
    /column "at" is of type boolean/,
  );
});

test.each([
  ["timestamp", "2024-03-01T00:00:00.000001Z", { days: 1, minutes: 5 }, "2024-02-28T23:55:00.000001Z"],
  ["timestamp", "2024-03-01T00:00:00.000000", { hours: 1 }, "2024-02-29T23:00:00.000000"],
  ["date", "2024-03-01", { hours: 25 }, "2024-02-28"],
  ["int64", "9007199254740993", 1n, "9007199254740992"],
  ["int64", "10", 2.5, "7"],
  ["float64", "10.5", 2, "8.5"],
  ["decimal", "10.50", 1, "9.50"],
] as const)("%s %s less %o", (kind, text, lag, expected) => {
  expect(pointBelow(pointOfText(kind, text)!, lag, "at").text).toBe(expected);
});

test("a lag must fit its column", () => {
  expect(() => pointBelow(pointOfText("int64", "5")!, { minutes: 5 }, "at")).toThrow(/give a number/);
  expect(() => pointBelow(pointOfText("date", "2024-01-01")!, 5, "at")).toThrow(/give a time span/);
  expect(() => pointBelow(pointOfText("string", "a")!, 5, "at")).toThrow(/Leave lag out/);
  expect(() => pointBelow(pointOfText("date", "2024-01-01")!, { minutes: -5 }, "at")).toThrow(
    /not a time span/,
  );
});
