import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { compareScalars, scalarAt, type Scalar } from "../../src/columns/scalar.ts";
import { formatScalar, parseScalar } from "../../src/columns/text.ts";
import { vectorOf } from "../../src/columns/values.ts";
import type { ColumnType } from "../../src/schema/types.ts";
import { scalarType, valueOf } from "./arbitrary.ts";

// Properties take a while on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 });

const decimal = (precision: number, scale: number): ColumnType => ({ kind: "decimal", precision, scale });
const utc: ColumnType = { kind: "timestamp", zone: "utc" };
const local: ColumnType = { kind: "timestamp", zone: "local" };

test("text reads back to the same value", () => {
  const values = scalarType.chain((type) => valueOf(type).map((value) => ({ type, value })));
  fc.assert(
    fc.property(values, ({ type, value }) => {
      if (value === null) return;
      const scalar = scalarAt(vectorOf(type, [value]), 0)!;
      const back = parseScalar(type, formatScalar(type, scalar))!;
      expect(back).toEqual(scalar);
    }),
    { numRuns: 500 },
  );
});

test("days and times agree with Date over its whole range", () => {
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true }), (date) => {
      const micros = BigInt(date.getTime()) * 1000n;
      const iso = date.toISOString().replace(/(\.\d{3})Z$/, "$1000Z");
      expect(formatScalar(utc, micros)).toBe(iso);
      expect(parseScalar(utc, iso)).toBe(micros);
    }),
    { numRuns: 500 },
  );
});

describe("canonical text", () => {
  const cases: readonly (readonly [ColumnType, Scalar, string])[] = [
    [{ kind: "boolean" }, true, "true"],
    [{ kind: "int64" }, -(2n ** 63n), "-9223372036854775808"],
    [decimal(3, 2), -5n, "-0.05"],
    [decimal(38, 38), 10n ** 38n - 1n, `0.${"9".repeat(38)}`],
    [decimal(5, 0), 42n, "42"],
    [{ kind: "float64" }, 0.1, "0.1"],
    [{ kind: "float64" }, -0, "-0"],
    [{ kind: "float64" }, -Infinity, "-Infinity"],
    [{ kind: "float64" }, NaN, "NaN"],
    [{ kind: "float32" }, Math.fround(0.1), "0.1"],
    [{ kind: "float32" }, Math.fround(16777217), "16777216"],
    [{ kind: "date" }, 0, "1970-01-01"],
    [{ kind: "date" }, 11016, "2000-02-29"],
    [{ kind: "date" }, -719528, "0000-01-01"],
    [{ kind: "date" }, -719529, "-000001-12-31"],
    [{ kind: "date" }, 2932897, "+010000-01-01"],
    [{ kind: "date" }, 2147483647, "+5881580-07-11"],
    [{ kind: "date" }, -2147483648, "-5877641-06-23"],
    [{ kind: "time" }, 0n, "00:00:00"],
    [{ kind: "time" }, 86_400_000_000n, "24:00:00"],
    [{ kind: "time" }, 100_000n, "00:00:00.1"],
    [{ kind: "time" }, 36_610_000_001n, "10:10:10.000001"],
    [utc, -1n, "1969-12-31T23:59:59.999999Z"],
    [local, 1n, "1970-01-01T00:00:00.000001"],
    [utc, 2n ** 63n - 1n, "+294247-01-10T04:00:54.775807Z"],
    [utc, -(2n ** 63n), "-290308-12-21T19:59:05.224192Z"],
    [{ kind: "binary" }, Uint8Array.of(0, 255), "00ff"],
    [{ kind: "json" }, '{"a": 1.0}', '{"a": 1.0}'],
  ];
  test.each(cases)("%j %s", (type, value, text) => {
    expect(formatScalar(type, value)).toBe(text);
    expect(parseScalar(type, text)).toEqual(value);
  });
});

describe("other text that means the same", () => {
  const cases: readonly (readonly [ColumnType, string, Scalar])[] = [
    [{ kind: "int32" }, "+007", 7],
    [decimal(18, 2), "1e2", 10_000n],
    [decimal(18, 2), ".5", 50n],
    [decimal(18, 2), "-1.500", -150n],
    [decimal(18, 2), "1500e-3", 150n],
    [decimal(18, 2), "0.00000", 0n],
    [utc, "2024-02-29", 1_709_164_800_000_000n],
    [utc, "2024-02-29 01:00+01", 1_709_164_800_000_000n],
    [utc, "2024-02-29T00:00:00,5-00:30", 1_709_166_600_500_000n],
    [utc, "2024-02-29T00:00:00.123456000z", 1_709_164_800_123_456n],
    [{ kind: "time" }, "04:05", 14_700_000_000n],
    [{ kind: "uuid" }, "00000000000000000000000000000001", new Uint8Array(16).fill(1, 15)],
  ];
  test.each(cases)("%j %s", (type, text, value) => {
    expect(parseScalar(type, text)).toEqual(value);
  });
});

describe("text that is not of the type", () => {
  const cases: readonly (readonly [ColumnType, string])[] = [
    [{ kind: "boolean" }, "yes"],
    [{ kind: "int8" }, "128"],
    [{ kind: "int64" }, "9223372036854775808"],
    [{ kind: "int64" }, "1.0"],
    [{ kind: "int64" }, "0x10"],
    [{ kind: "int64" }, ""],
    [decimal(4, 2), "100"],
    [decimal(4, 2), "0.001"],
    [decimal(4, 2), "1e99999"],
    [decimal(4, 2), "."],
    [decimal(4, 2), "NaN"],
    [{ kind: "float64" }, ""],
    [{ kind: "float32" }, "1e300"],
    [{ kind: "date" }, "2023-02-29"],
    [{ kind: "date" }, "2024-13-01"],
    [{ kind: "date" }, "2024-02-29T00:00:00"],
    [{ kind: "date" }, "+9999999-01-01"],
    [{ kind: "time" }, "24:00:00.000001"],
    [{ kind: "time" }, "12:60"],
    [{ kind: "time" }, "00:00:00.0000001"],
    [utc, "2024-02-29T00:00:00.1234567Z"],
    [utc, "2024-02-29T23:59:60Z"],
    [utc, "29.02.2024"],
    [utc, "+300000-01-01T00:00:00Z"],
    [local, "2024-02-29T00:00:00Z"],
    [{ kind: "uuid" }, "0000-0000"],
    [{ kind: "binary" }, "abc"],
    [{ kind: "json" }, "{a:1}"],
  ];
  test.each(cases)("%j %j", (type, text) => {
    expect(parseScalar(type, text)).toBeUndefined();
  });
});

test("order: numbers by value with NaN last, text by its bytes", () => {
  const sorted = (...values: Scalar[]): Scalar[] => values.toSorted(compareScalars);
  expect(sorted(NaN, 1, -Infinity, 0)).toEqual([-Infinity, 0, 1, NaN]);
  expect(compareScalars(NaN, NaN)).toBe(0);
  expect(sorted(2n, -1n)).toEqual([-1n, 2n]);
  expect(sorted(true, false)).toEqual([false, true]);
  // UTF-16 would have U+FF5E after the emoji.
  expect(sorted("😀", "～", "a")).toEqual(["a", "～", "😀"]);
  expect(sorted(Uint8Array.of(200), Uint8Array.of(1, 2))).toEqual([Uint8Array.of(1, 2), Uint8Array.of(200)]);
});
