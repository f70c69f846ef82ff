import type { ColumnType, Partition, Schema } from "@alluvium/core";
import { vectorOf, type Batch } from "@alluvium/core/columns";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TextCondition } from "../../../src/lake/contract.ts";
import { columnStatistics, type LeafBounds } from "../../../src/lake/files/bounds.ts";
import { openWindow } from "../../../src/lake/files/window.ts";

const schema: Schema = {
  fields: [
    { name: "n", type: { kind: "int64" }, nullable: true },
    { name: "t", type: { kind: "string" }, nullable: true },
    { name: "f", type: { kind: "float64" }, nullable: true },
    { name: "at", type: { kind: "timestamp", zone: "utc" }, nullable: true },
    { name: "region", type: { kind: "string" }, nullable: true },
  ],
};
const partitionBy: readonly Partition[] = [{ column: "region" }, { column: "at", transform: "day" }];

const facts = (columns: Record<string, { nulls?: number; min?: string; max?: string }>, rows = 10) => ({
  rows,
  partition: {},
  columns: Object.entries(columns).map(([name, { nulls = 0, ...bounds }]) => ({
    path: [name],
    nulls,
    ...bounds,
  })),
});
const cover = (
  conditions: readonly TextCondition[],
  file: Parameters<ReturnType<typeof openWindow>["coverage"]>[0],
) => openWindow(conditions, schema, partitionBy).coverage(file);

describe("statistics decide", () => {
  const bounds = { n: { min: "10", max: "20" } };
  test.each([
    ["=", "9", "none"],
    ["=", "10", "some"],
    ["=", "21", "none"],
    ["<", "10", "none"],
    ["<", "11", "some"],
    ["<", "21", "all"],
    ["<=", "9", "none"],
    ["<=", "20", "all"],
    [">", "20", "none"],
    [">", "9", "all"],
    [">=", "20", "some"],
    [">=", "21", "none"],
    [">=", "10", "all"],
  ] as const)("n %s %s over 10…20 is %s", (op, value, covered) => {
    expect(cover([{ column: "n", op, value }], facts(bounds))).toBe(covered);
  });

  test.each([
    ["one value", { n: { min: "7", max: "7" } }, [{ column: "n", op: "=", value: "7" }], "all"],
    [
      "one value with nulls",
      { n: { nulls: 1, min: "7", max: "7" } },
      [{ column: "n", op: "=", value: "7" }],
      "some",
    ],
    ["in", { n: { min: "7", max: "7" } }, [{ column: "n", op: "in", value: ["6", "7"] }], "all"],
    [
      "in, none of them",
      { n: { min: "7", max: "9" } },
      [{ column: "n", op: "in", value: ["6", "10"] }],
      "none",
    ],
    ["in nothing", { n: { min: "7", max: "9" } }, [{ column: "n", op: "in", value: [] }], "none"],
    ["only nulls", { n: { nulls: 10 } }, [{ column: "n", op: ">=", value: "0" }], "none"],
    ["= null over only nulls", { n: { nulls: 10 } }, [{ column: "n", op: "=", value: null }], "all"],
    [
      "= null over some",
      { n: { nulls: 1, min: "1", max: "2" } },
      [{ column: "n", op: "=", value: null }],
      "some",
    ],
    ["= null over none", { n: { min: "1", max: "2" } }, [{ column: "n", op: "=", value: null }], "none"],
    ["no statistics", {}, [{ column: "n", op: "=", value: "1" }], "some"],
    ["no bounds", { f: { nulls: 0 } }, [{ column: "f", op: ">", value: "5" }], "some"],
    [
      "both conditions",
      { n: { min: "1", max: "2" }, t: { min: "a", max: "b" } },
      [
        { column: "n", op: "<", value: "5" },
        { column: "t", op: ">", value: "b" },
      ],
      "none",
    ],
    [
      "text by bytes",
      { t: { min: "\u{ff61}", max: "\u{1f600}" } },
      [{ column: "t", op: "<=", value: "\u{1f600}" }],
      "all",
    ],
    ["numbers as numbers", { n: { min: "9", max: "10" } }, [{ column: "n", op: "<", value: "100" }], "all"],
    ["no conditions", {}, [], "all"],
  ] as const)("%s", (_, columns, conditions, covered) => {
    expect(cover(conditions, facts(columns))).toBe(covered);
  });
});

test("partition values decide, derived ones too", () => {
  const file = { rows: 5, partition: { region: "eu", at_day: "2024-05-01" }, columns: [] };
  expect(cover([{ column: "region", op: "=", value: "eu" }], file)).toBe("all");
  expect(cover([{ column: "region", op: ">", value: "eu" }], file)).toBe("none");
  expect(cover([{ column: "at_day", op: ">=", value: "2024-05-01" }], file)).toBe("all");
  expect(cover([{ column: "at_day", op: "<", value: "2024-05-01" }], file)).toBe("none");
  const nulls = { rows: 5, partition: { region: null }, columns: [] };
  expect(cover([{ column: "region", op: "<", value: "x" }], nulls)).toBe("none");
  expect(cover([{ column: "region", op: "=", value: null }], nulls)).toBe("all");
});

test("refuses columns and values that the table cannot have", () => {
  for (const condition of [
    { column: "nope", op: "=", value: "1" },
    { column: "n", op: "=", value: "1.5" },
    { column: "at_day", op: "=", value: "yesterday" },
  ] as const)
    expect(() => openWindow([condition], schema, partitionBy)).toThrow(
      expect.objectContaining({ code: "ALV_CONFIG" }),
    );
});

// The truth is the row matcher, which is checked by hand here.
const row = (values: Record<string, unknown>): Batch => ({
  schema,
  length: 1,
  columns: schema.fields.map(({ name, type }) => vectorOf(type, [values[name] ?? null])),
});

test.each([
  [{ n: 5n }, { column: "n", op: "<", value: "6" }, true],
  [{ n: 5n }, { column: "n", op: "<", value: "5" }, false],
  [{ n: null }, { column: "n", op: "<", value: "5" }, false],
  [{ n: null }, { column: "n", op: ">=", value: "5" }, false],
  [{ n: null }, { column: "n", op: "=", value: null }, true],
  [{ n: 5n }, { column: "n", op: "=", value: null }, false],
  [{ f: Number.NaN }, { column: "f", op: "=", value: "NaN" }, true],
  [{ f: Number.NaN }, { column: "f", op: ">", value: "Infinity" }, true],
  [{ f: -0 }, { column: "f", op: "=", value: "0" }, true],
  [{ t: "b" }, { column: "t", op: "in", value: ["a", "b"] }, true],
  [{ at: "2024-05-01T23:59:59.999999Z" }, { column: "at_day", op: "=", value: "2024-05-01" }, true],
  [{ at: "2024-05-02T00:00:00Z" }, { column: "at_day", op: "=", value: "2024-05-01" }, false],
] as const)("row %o, %o: %s", (values, condition, inside) => {
  expect(openWindow([condition as TextCondition], schema, partitionBy).rows(row(values))(0)).toBe(inside);
});

test("what statistics say of a file is true of each of its rows", () => {
  const types: Record<string, [ColumnType, fc.Arbitrary<unknown>, (value: unknown) => string]> = {
    n: [{ kind: "int64" }, fc.bigInt({ min: -3n, max: 3n }), String],
    t: [
      { kind: "string" },
      fc
        .array(fc.constantFrom("a", "b", "\u{10ffff}", "\ue000", "a".repeat(31)), { maxLength: 3 })
        .map((parts) => parts.join("")),
      (value) => value as string,
    ],
    f: [
      { kind: "float64" },
      fc.constantFrom(-0, 0, 1, -1, Number.NaN, Infinity),
      (value) => (Object.is(value, -0) ? "-0" : String(value)),
    ],
  };
  const column = fc.constantFrom("n", "t", "f");
  const scenario = column.chain((name) => {
    const [, value, text] = types[name]!;
    const condition = fc.oneof(
      fc.record({
        column: fc.constant(name),
        op: fc.constantFrom("=", "<", "<=", ">", ">="),
        value: value.map(text),
      }),
      fc.record({
        column: fc.constant(name),
        op: fc.constant("in"),
        value: fc.array(value.map(text), { maxLength: 3 }),
      }),
      fc.constant({ column: name, op: "=", value: null }),
    ) as fc.Arbitrary<TextCondition>;
    return fc.record({
      name: fc.constant(name),
      values: fc.array(fc.option(value, { nil: null, freq: 4 }), { minLength: 1, maxLength: 4 }),
      conditions: fc.array(condition, { maxLength: 2 }),
    });
  });
  const seen = new Set<string>();
  fc.assert(
    fc.property(scenario, ({ name, values, conditions }) => {
      const [type] = types[name]!;
      const batch: Batch = {
        schema: { fields: [{ name, type, nullable: true }] },
        length: values.length,
        columns: [vectorOf(type, values)],
      };
      const window = openWindow(conditions, schema, []);
      const inside = window.rows(batch);
      const matched = values.filter((_, i) => inside(i)).length;
      const covered = window.coverage({
        rows: values.length,
        partition: {},
        columns: columnStatistics([summary(name, type, values)], batch.schema, values.length),
      });
      seen.add(covered);
      expect(matched === 0 || covered !== "none").toBe(true);
      expect(matched === values.length || covered !== "all").toBe(true);
    }),
    { numRuns: 2000 },
  );
  expect([...seen].sort()).toEqual(["all", "none", "some"]);
});

/** Statistics as an encoder makes them. */
function summary(name: string, type: ColumnType, values: readonly unknown[]): LeafBounds {
  const present = values.filter((value) => value !== null);
  const nulls = values.length - present.length;
  const base = { path: [name], type, nulls };
  if (type.kind === "string") {
    const sorted = present.map((value) => Buffer.from(value as string)).sort((a, b) => Buffer.compare(a, b));
    return { ...base, ...(sorted.length > 0 && { min: sorted[0]!, max: sorted.at(-1)! }) };
  }
  const numbers = present as (number | bigint)[];
  const real = numbers.filter((value) => !Number.isNaN(value)).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return {
    ...base,
    sawNaN: real.length < numbers.length,
    ...(real.length > 0 && { min: real[0]!, max: real.at(-1)! }),
  };
}
