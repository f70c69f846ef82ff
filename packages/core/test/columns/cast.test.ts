import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { castVector } from "../../src/columns/cast.ts";
import { userReader } from "../../src/columns/rows.ts";
import { sliceVector } from "../../src/columns/slice.ts";
import { vectorOf } from "../../src/columns/values.ts";
import type { Vector } from "../../src/columns/vector.ts";
import type { ColumnType, Field } from "../../src/schema/types.ts";
import { widenTypes } from "../../src/schema/widen.ts";
import { asDictionary, column, columnType, valueOf } from "./arbitrary.ts";
import { outcomeOf } from "./outcome.ts";

// Properties take a while on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 });

const read = (vector: Vector): unknown[] =>
  Array.from({ length: vector.length }, (_, row) => userReader(vector)(row));
const field = (name: string, type: ColumnType, nullable = true): Field => ({ name, type, nullable });
const decimal = (precision: number, scale: number): ColumnType => ({ kind: "decimal", precision, scale });
const list = (type: ColumnType, nullable = true): ColumnType => ({
  kind: "list",
  element: field("element", type, nullable),
});
const struct = (...fields: Field[]): ColumnType => ({ kind: "struct", fields });
const local: ColumnType = { kind: "timestamp", zone: "local" };

function castValues(from: ColumnType, values: unknown[], to: ColumnType): unknown[] {
  return read(castVector(vectorOf(from, values), to));
}

describe("exact", () => {
  test.each<[ColumnType, unknown[], ColumnType, unknown[]]>([
    [{ kind: "int8" }, [1, null, -1], { kind: "int64" }, [1n, null, -1n]],
    [{ kind: "int64" }, [1n, -128n], { kind: "int8" }, [1, -128]],
    [{ kind: "int64" }, [2n ** 53n, -7n], { kind: "float64" }, [2 ** 53, -7]],
    [{ kind: "int32" }, [12, null], decimal(4, 2), ["12.00", null]],
    [{ kind: "int64" }, [-(2n ** 63n)], decimal(38, 10), ["-9223372036854775808.0000000000"]],
    [{ kind: "float32" }, [0.5, NaN], { kind: "float64" }, [0.5, NaN]],
    [{ kind: "float64" }, [0.5, NaN, -0], { kind: "float32" }, [0.5, NaN, -0]],
    [{ kind: "float64" }, [3, -3], { kind: "int16" }, [3, -3]],
    [{ kind: "float64" }, [3, null, -40], decimal(4, 2), ["3.00", null, "-40.00"]],
    [decimal(5, 2), ["1.50", "-0.05"], decimal(20, 4), ["1.5000", "-0.0500"]],
    [decimal(20, 4), ["1.5000"], decimal(3, 1), ["1.5"]],
    [decimal(5, 2), ["7.00"], { kind: "int8" }, [7]],
    [
      { kind: "date" },
      ["2024-02-29", "-000001-12-31"],
      local,
      [new Date("2024-02-29T00:00:00Z"), new Date("-000001-12-31T00:00:00Z")],
    ],
    [
      { kind: "uuid" },
      ["00000000-0000-0000-0000-00000000000a"],
      { kind: "string" },
      ["00000000-0000-0000-0000-00000000000a"],
    ],
    [decimal(5, 2), ["1.50"], { kind: "string" }, ["1.50"]],
    [{ kind: "time" }, ["04:05:06.7"], { kind: "string" }, ["04:05:06.7"]],
    [{ kind: "json" }, [{ a: 1 }, "x"], { kind: "string" }, ['{"a":1}', '"x"']],
    [{ kind: "binary" }, [Uint8Array.of(255)], { kind: "string" }, ["ff"]],
    [{ kind: "string" }, ["x"], { kind: "json" }, ["x"]],
    [{ kind: "int64" }, [2n ** 60n], { kind: "json" }, [2n ** 60n]],
    [
      list(struct(field("a", { kind: "date" }))),
      [[{ a: "2024-01-01" }, null], []],
      { kind: "json" },
      [[{ a: "2024-01-01" }, null], []],
    ],
    [{ kind: "float64" }, [NaN, 1.5], { kind: "json" }, ["NaN", 1.5]],
    [
      {
        kind: "map",
        key: field("key", { kind: "int64" }, false),
        value: field("value", { kind: "boolean" }),
      },
      [new Map([[1n, true]])],
      { kind: "json" },
      [{ "1": true }],
    ],
    [{ kind: "null" }, [null, null], list({ kind: "string" }), [null, null]],
    [{ kind: "string" }, [null], { kind: "int8" }, [null]],
    [list({ kind: "int8" }), [[1], null, []], list({ kind: "int64" }), [[1n], null, []]],
    [list({ kind: "null" }), [[null], []], list({ kind: "int64" }), [[null], []]],
    [
      struct(field("a", { kind: "int8" })),
      [{ a: 1 }, null],
      struct(field("b", { kind: "string" }), field("a", { kind: "int16" })),
      [{ b: null, a: 1 }, null],
    ],
    [
      struct(field("a", { kind: "int8" }), field("gone", { kind: "null" })),
      [{ a: 1 }],
      struct(field("a", { kind: "int8" })),
      [{ a: 1 }],
    ],
  ])("%j %s to %j", (from, values, to, expected) => {
    expect(castValues(from, values, to)).toEqual(expected);
    expect(read(castVector(asDictionary(from, values), to))).toEqual(expected);
    const vector = vectorOf(from, [...values, ...values]);
    expect(read(castVector(sliceVector(vector, values.length), to))).toEqual(expected);
  });
});

describe("not exact", () => {
  test.each<[ColumnType, unknown[], ColumnType, RegExp]>([
    [
      { kind: "int16" },
      [1, 300],
      { kind: "int8" },
      /column "x": int16 \(300 in row 2 of its batch\) has no exact form as int8/,
    ],
    [{ kind: "int64" }, [2n ** 53n + 1n], { kind: "float64" }, /int64 \(9007199254740993 .*float64/],
    [{ kind: "int32" }, [100], decimal(4, 2), /int32.*decimal\(4,2\)/],
    [{ kind: "float64" }, [0.5], { kind: "int64" }, /float64 \(0.5/],
    [{ kind: "float64" }, [NaN], { kind: "int64" }, /NaN/],
    [{ kind: "float64" }, [0.1], { kind: "float32" }, /0.1/],
    [{ kind: "float64" }, [0.5], decimal(4, 2), /float64 \(0.5.*decimal/],
    [{ kind: "float64" }, [123], decimal(4, 2), /float64 \(123 .*decimal/],
    [decimal(5, 2), ["1.55"], decimal(5, 1), /1.55/],
    [decimal(5, 2), ["1.50"], { kind: "int64" }, /1.50/],
    [decimal(5, 2), ["1.50"], { kind: "float64" }, /decimal\(5,2\).*float64/],
    [{ kind: "date" }, ["2024-01-01"], { kind: "timestamp", zone: "utc" }, /date.*timestamp\(utc\)/],
    [{ kind: "string" }, ["1"], { kind: "int64" }, /string.*int64/],
    [list({ kind: "int8" }), [[1]], { kind: "string" }, /list<int8>.*string/],
    [list({ kind: "int16" }), [[1, 300]], list({ kind: "int8" }), /column "x\[\]": int16 \(300/],
    [
      struct(field("a", { kind: "int8" })),
      [{ a: 1 }],
      struct(field("b", { kind: "int8" })),
      /has no member "a"/,
    ],
    [list({ kind: "int8" }), [[1, null]], list({ kind: "int8" }, false), /column "x\[\]": null in row 2/],
    [
      struct(field("a", { kind: "int8" })),
      [null, { a: null }],
      struct(field("a", { kind: "int8" }, false)),
      /column "x\.a": null in row 2/,
    ],
  ])("%j %s to %j", (from, values, to, message) => {
    expect(() => castVector(vectorOf(from, values), to, "x")).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^ALV_(SCHEMA_CONFLICT|ROW_INVALID)$/),
        message: expect.stringMatching(message),
      }),
    );
  });

  test("values of a dictionary that no row has need not fit", () => {
    const vector = { ...asDictionary({ kind: "int16" }, [1, 300]), length: 1, codes: Int32Array.of(1) };
    expect(read(castVector(vector, { kind: "int8" }))).toEqual([1]);
  });
});

test("where nothing is to do the vector is the same", () => {
  fc.assert(
    fc.property(column, ({ type, values }) => {
      const vector = vectorOf(type, values);
      expect(castVector(vector, structuredClone(type))).toBe(vector);
    }),
  );
});

test("casting into a wider type keeps every value, or says so", () => {
  const pairs = fc
    .tuple(columnType, columnType)
    .map(([a, b]) => ({ type: a, wide: widenTypes(a, b) }))
    .filter(({ wide }) => wide !== undefined)
    .chain(({ type, wide }) =>
      fc.record({
        type: fc.constant(type),
        wide: fc.constant(wide!),
        values: fc.array(valueOf(type), { maxLength: 8 }),
      }),
    );
  fc.assert(
    fc.property(pairs, ({ type, wide, values }) => {
      let cast: Vector | undefined;
      const outcome = outcomeOf(() => {
        cast = castVector(vectorOf(type, values), wide);
      });
      expect(["done", "ALV_SCHEMA_CONFLICT"]).toContain(outcome);
      expect(cast?.type ?? wide).toEqual(wide);
      // But for members that were added and days that became times, the way back gives the same values: nothing was rounded.
      const isReversible = cast !== undefined && !/"(struct|date)"/.test(JSON.stringify(type));
      expect(isReversible ? read(castVector(cast!, type)) : values).toEqual(values);
    }),
    { numRuns: 200 },
  );
});
