import type { Partition, Schema } from "@alluvium/core";
import { vectorOf, scalarReader, type Batch } from "@alluvium/core/columns";
import { describe, expect, test } from "vitest";
import { createSplitter } from "../../../src/lake/files/split.ts";

const schema: Schema = {
  fields: [
    { name: "id", type: { kind: "int64" }, nullable: false },
    { name: "country", type: { kind: "string" }, nullable: true },
    { name: "at", type: { kind: "timestamp", zone: "utc" }, nullable: true },
    { name: "born", type: { kind: "date" }, nullable: true },
    { name: "price", type: { kind: "decimal", precision: 20, scale: 2 }, nullable: true },
    { name: "ratio", type: { kind: "float64" }, nullable: true },
    { name: "wall", type: { kind: "timestamp", zone: "local" }, nullable: true },
    { name: "open", type: { kind: "boolean" }, nullable: true },
    { name: "big", type: { kind: "int64" }, nullable: true },
    { name: "blob", type: { kind: "binary" }, nullable: true },
  ],
};

function batch(rows: readonly Record<string, unknown>[], of: Schema = schema): Batch {
  return {
    schema: of,
    length: rows.length,
    columns: of.fields.map(({ name, type }) =>
      vectorOf(
        type,
        rows.map((row) => row[name] ?? null),
      ),
    ),
  };
}

/** Partition values of each part, and the ids in it. */
function parts(
  partitionBy: readonly Partition[],
  rows: readonly Record<string, unknown>[],
  of: Schema = schema,
) {
  return createSplitter("orders", partitionBy, of)
    .split(batch(rows, of))
    .map((part): Record<string, unknown> & { ids: number[] } => {
      const id = part.batch.schema.fields.findIndex(({ name }) => name === "id");
      const read = scalarReader(part.batch.columns[id]!);
      const values: Record<string, unknown> = part.partition;
      return { ...values, ids: Array.from({ length: part.batch.length }, (_, i) => Number(read(i))) };
    });
}

test("without partitions a batch stays as it is", () => {
  const whole = batch([{ id: 1n }]);
  const splitter = createSplitter("orders", [], schema);
  expect(splitter.split(whole)).toEqual([{ partition: {}, key: "", batch: whole }]);
  expect(splitter.split(batch([]))).toEqual([]);
});

test("each row is in one part, in order; the partition column is in none", () => {
  const rows = Array.from({ length: 1000 }, (_, i) => ({
    id: BigInt(i),
    country: ["de", "fr", null, ""][i % 4],
  }));
  const found = parts([{ column: "country" }], rows);
  expect(found.map((part) => [part["country"], part.ids.length])).toEqual(
    [
      ["de", 250],
      ["fr", 250],
      [null, 500],
    ].flatMap((each) => [each]),
  );
  expect(found[0]!.ids.slice(0, 3)).toEqual([0, 4, 8]);
  expect(found[2]!.ids.slice(0, 4)).toEqual([2, 3, 6, 7]);
  expect(
    createSplitter("orders", [{ column: "country" }], schema).schema.fields.map(({ name }) => name),
  ).toEqual(["id", "at", "born", "price", "ratio", "wall", "open", "big", "blob"]);
});

test("two columns make combinations", () => {
  const rows = [
    { id: 1n, country: "de", open: true },
    { id: 2n, country: "de", open: false },
    { id: 3n, country: "fr", open: true },
    { id: 4n, country: "de", open: true },
  ];
  expect(parts([{ column: "open" }, { column: "country" }], rows)).toEqual([
    { open: "true", country: "de", ids: [1, 4] },
    { open: "false", country: "de", ids: [2] },
    { open: "true", country: "fr", ids: [3] },
  ]);
});

describe("values as text", () => {
  test.each([
    ["big", 9_007_199_254_740_993n, "9007199254740993"],
    ["country", "a/b=c", "a/b=c"],
    ["at", "2024-02-29T04:05:06.789012Z", "2024-02-29T04:05:06.789012Z"],
    ["wall", "2024-02-29T04:05:06.5", "2024-02-29 04:05:06.500000"],
    ["born", "1969-12-31", "1969-12-31"],
    ["price", "-0.10", "-0.10"],
    ["ratio", 1, "1.0"],
    ["ratio", -0, "-0.0"],
    ["ratio", 1e300, "1e+300"],
    ["ratio", Number.NaN, "NaN"],
    ["open", false, "false"],
  ])("%s %s is %s", (column, value, text) => {
    const [part] = parts([{ column }], [{ id: 1n, [column]: value }]);
    expect(part).toMatchObject({ [column]: text });
  });
});

test("-0, 0 and NaN are partitions of their own", () => {
  const rows = [0, -0, Number.NaN, Number.NaN, 0].map((ratio, i) => ({ id: BigInt(i), ratio }));
  expect(parts([{ column: "ratio" }], rows).map((part) => [part["ratio"], part.ids])).toEqual([
    ["0.0", [0, 4]],
    ["-0.0", [1]],
    ["NaN", [2, 3]],
  ]);
});

describe("derived columns", () => {
  const by = (column: string, ...transforms: readonly ("year" | "month" | "day" | "hour")[]) =>
    transforms.map((transform) => ({ column, transform }));

  test.each([
    ["2024-02-29T23:59:59.999999Z", "2024", "2", "2024-02-29", "23"],
    ["1969-12-31T23:59:59.999999Z", "1969", "12", "1969-12-31", "23"],
    ["1970-01-01T00:00:00Z", "1970", "1", "1970-01-01", "0"],
    ["-000001-06-15T07:00:00.000001Z", "-1", "6", "-000001-06-15", "7"],
    ["+290000-12-31T00:00:00Z", "290000", "12", "+290000-12-31", "0"],
  ])("of %s", (at, year, month, day, hour) => {
    const [part] = parts(by("at", "year", "month", "day", "hour"), [{ id: 1n, at }]);
    expect(part).toEqual({ at_year: year, at_month: month, at_day: day, at_hour: hour, ids: [1] });
  });

  test("of dates, of nulls, under another name; the source stays in the file", () => {
    const partitionBy = [{ column: "born", transform: "month", name: "m" }] as const;
    const rows = [{ id: 1n, born: "1900-03-01" }, { id: 2n }, { id: 3n, born: "2000-03-31" }];
    expect(parts(partitionBy, rows)).toEqual([
      { m: "3", ids: [1, 3] },
      { m: null, ids: [2] },
    ]);
    const names = createSplitter("orders", partitionBy, schema).schema.fields.map(({ name }) => name);
    expect(names).toContain("born");
    expect(names).not.toContain("m");
  });
});

describe("what cannot be", () => {
  const refused = (partitionBy: readonly Partition[], of: Schema = schema) => {
    try {
      createSplitter("orders", partitionBy, of);
    } catch (error) {
      return error;
    }
    return undefined;
  };

  test.each([
    ["an unknown column", [{ column: "nope" }], /no column nope.*id, country/],
    ["binary", [{ column: "blob" }], /binary/],
    ["the hour of a date", [{ column: "born", transform: "hour" }], /date has no hour/],
    ["the day of a text", [{ column: "country", transform: "day" }], /string has no day/],
    ["a derived name that is taken", [{ column: "at", transform: "day", name: "Country" }], /exists/],
    ["a column twice", [{ column: "country" }, { column: "country" }], /twice/],
  ] as const)("%s", (_, partitionBy, message) => {
    expect(refused(partitionBy)).toMatchObject({
      code: "ALV_CONFIG",
      message: expect.stringMatching(message) as string,
    });
  });

  test("every column", () => {
    expect(refused([{ column: "id" }], { fields: [schema.fields[0]!] })).toMatchObject({
      code: "ALV_CONFIG",
    });
  });

  test("an empty text in a column without nulls", () => {
    const strict: Schema = {
      fields: schema.fields.map((field) => ({ ...field, nullable: false })).slice(0, 2),
    };
    expect(() => parts([{ column: "country" }], [{ id: 1n, country: "" }], strict)).toThrow(
      expect.objectContaining({ code: "ALV_VALUE_UNREPRESENTABLE" }),
    );
  });
});
