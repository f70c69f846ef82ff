import { describe, expect, test } from "vitest";
import type { ColumnStatistics } from "../../src/lake/contract.ts";
import type { DeltaField, DeltaStruct, DeltaType } from "../../src/delta/types.ts";
import { statisticsText } from "../../src/delta/write/statistics.ts";

const field = (name: string, type: DeltaType): DeltaField => ({ name, type, nullable: true, metadata: {} });
const schemaOf = (...fields: DeltaField[]): DeltaStruct => ({ type: "struct", fields });

function bounds(type: DeltaType, min?: string, max?: string, nulls = 0): string {
  const column: ColumnStatistics = {
    path: ["c"],
    nulls,
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
  };
  const text = statisticsText({ rows: 10, columns: [column] }, schemaOf(field("c", type)), []);
  expect(() => JSON.parse(text) as unknown).not.toThrow();
  return /"minValues":(.*),"maxValues":(.*),"nullCount"/.exec(text)!.slice(1).join(" ");
}

describe("bounds", () => {
  test.each<[DeltaType, string, string, string]>([
    [
      "long",
      "-9223372036854775808",
      "9223372036854775807",
      '{"c":-9223372036854775808} {"c":9223372036854775807}',
    ],
    [
      "decimal(38,10)",
      "-12345678901234567890.0000000001",
      "0.10",
      '{"c":-12345678901234567890.0000000001} {"c":0.10}',
    ],
    ["double", "5", "1e+21", '{"c":5.0} {"c":1e+21}'],
    ["double", "0", "-0", '{"c":-0.0} {"c":0.0}'],
    ["float", "-Infinity", "Infinity", "{} {}"],
    ["date", "2024-02-29", "+012024-01-01", '{"c":"2024-02-29"} {}'],
    ["date", "0000-12-31", "9999-12-31", '{} {"c":"9999-12-31"}'],
    ["string", 'a"b', "zé", '{"c":"a\\"b"} {"c":"zé"}'],
    [
      "timestamp",
      "2024-01-01T00:00:00.123456Z",
      "2024-01-01T00:00:00.123456Z",
      '{"c":"2024-01-01T00:00:00.123Z"} {"c":"2024-01-01T00:00:00.124Z"}',
    ],
    [
      "timestamp_ntz",
      "2024-01-01T00:00:00.123000",
      "2024-12-31T23:59:59.999001",
      '{"c":"2024-01-01T00:00:00.123"} {"c":"2025-01-01T00:00:00.000"}',
    ],
    // Before 1970 cutting digits still goes down.
    [
      "timestamp",
      "1969-12-31T23:59:59.999999Z",
      "9999-12-31T23:59:59.999999Z",
      '{"c":"1969-12-31T23:59:59.999Z"} {}',
    ],
    [
      "timestamp",
      "-000001-01-01T00:00:00.000000Z",
      "2024-01-01T00:00:00.000000Z",
      '{} {"c":"2024-01-01T00:00:00.000Z"}',
    ],
    ["boolean", "false", "true", '{"c":false} {"c":true}'],
    ["binary", "00", "ff", "{} {}"],
  ])("%j %s %s", (type, min, max, expected) => {
    expect(bounds(type, min, max)).toBe(expected);
  });

  test("a column of nulls has none", () => {
    expect(bounds("long", "1", "2", 10)).toBe("{} {}");
  });
});

describe("which columns", () => {
  const columns = (...paths: string[][]): ColumnStatistics[] =>
    paths.map((path) => ({ path, nulls: 1, min: "1", max: "2" }));
  const nested = schemaOf(
    field("a", "long"),
    field("s", schemaOf(field("x", "long"), field("y", schemaOf(field("z", "long"))))),
    field("p", "string"),
  );

  test("members are nested as in the schema", () => {
    const text = statisticsText(
      { rows: 3, columns: columns(["a"], ["s", "x"], ["s", "y", "z"], ["gone"]) },
      nested,
      ["p"],
    );
    expect(JSON.parse(text)).toEqual({
      numRecords: 3,
      minValues: { a: 1, s: { x: 1, y: { z: 1 } } },
      maxValues: { a: 2, s: { x: 2, y: { z: 2 } } },
      nullCount: { a: 1, s: { x: 1, y: { z: 1 } } },
    });
  });

  test.each<[Record<string, string>, unknown]>([
    [{ "delta.dataSkippingNumIndexedCols": "2" }, { a: 1, s: { x: 1 } }],
    [{ "delta.dataSkippingNumIndexedCols": "0" }, {}],
    [{ "delta.dataSkippingNumIndexedCols": "-1" }, { a: 1, s: { x: 1, y: { z: 1 } } }],
    [{ "delta.dataSkippingStatsColumns": "s.y, `a`" }, { a: 1, s: { y: { z: 1 } } }],
  ])("%j", (configuration, nullCount) => {
    const text = statisticsText(
      { rows: 3, columns: columns(["a"], ["s", "x"], ["s", "y", "z"]) },
      nested,
      ["p"],
      configuration,
    );
    expect(JSON.parse(text)).toMatchObject({ nullCount });
    expect((JSON.parse(text) as { nullCount: unknown }).nullCount).toEqual(nullCount);
  });

  test("the first 32 leaves unless the table says otherwise", () => {
    const many = schemaOf(...Array.from({ length: 40 }, (_, i) => field(`c${i}`, "long")));
    const all = columns(...many.fields.map(({ name }) => [name]));
    const stats = JSON.parse(statisticsText({ rows: 3, columns: all }, many, ["c0"])) as {
      nullCount: object;
    };
    expect(Object.keys(stats.nullCount)).toEqual(many.fields.slice(1, 33).map(({ name }) => name));
  });
});
