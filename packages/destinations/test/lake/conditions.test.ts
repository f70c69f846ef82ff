import type { Where } from "@alluvium/core";
import { expect, test } from "vitest";
import { textConditions } from "../../src/lake/conditions.ts";

const schema = {
  fields: [
    { name: "id", type: { kind: "int64" }, nullable: false },
    { name: "total", type: { kind: "decimal", precision: 18, scale: 2 }, nullable: true },
    { name: "at", type: { kind: "timestamp", zone: "utc" }, nullable: true },
    { name: "on", type: { kind: "date" }, nullable: true },
    { name: "name", type: { kind: "string" }, nullable: true },
  ],
} as const;
const texts = (where: Where) => textConditions("t", where, schema, [{ column: "at", transform: "day" }]);

test("values become canonical text of their column's type", () => {
  expect(
    texts([
      { column: "id", op: ">=", value: 9_007_199_254_740_993n },
      { column: "id", op: "in", value: [1, "2"] },
      { column: "total", op: "<", value: "19.9" },
      { column: "at", op: "<", value: new Date("2026-01-02T03:04:05.678Z") },
      { column: "at_day", op: "=", value: "2026-01-02" },
      { column: "on", op: "<=", value: new Date("2026-01-02T00:00:00Z") },
      { column: "name", op: "=", value: null },
    ]).map(({ value }) => value),
  ).toEqual([
    "9007199254740993",
    ["1", "2"],
    "19.90",
    "2026-01-02T03:04:05.678000Z",
    "2026-01-02",
    "2026-01-02",
    null,
  ]);
});

test.each([
  [{ column: "nope", op: "=", value: 1 }, /nope.*id, total/],
  [{ column: "id", op: "=", value: 1.5 }, /id \(int64\).*1\.5/],
  [{ column: "total", op: "=", value: "1.999" }, /total \(decimal\)/],
  [{ column: "on", op: "=", value: new Date("2026-01-02T03:00:00Z") }, /on \(date\)/],
  [{ column: "id", op: "<", value: null }, /id \(int64\).*null/],
  [{ column: "id", op: "in", value: 1 }, /give an array/],
] as const)("%o is refused by name", (condition, message) => {
  expect(() => texts([condition])).toThrow(message);
  expect(() => texts([condition])).toThrow(expect.objectContaining({ code: "ALV_CONFIG" }));
});
