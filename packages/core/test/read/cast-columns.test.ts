import { describe, expect, test } from "vitest";
import { castVectorBy } from "../../src/columns/cast.ts";
import { explicitConverter } from "../../src/columns/convert.ts";
import { userReader } from "../../src/columns/rows.ts";
import { vectorOf } from "../../src/columns/values.ts";
import { resource } from "../../src/resource.ts";
import { source } from "../../src/source.ts";
import type { ColumnType } from "../../src/schema/types.ts";
import { typed } from "../../src/typed.ts";
import { asDictionary } from "../columns/arbitrary.ts";
import { readAll, streamsOf } from "../reading.ts";

const string: ColumnType = { kind: "string" };
const int64: ColumnType = { kind: "int64" };
const float64: ColumnType = { kind: "float64" };
const date: ColumnType = { kind: "date" };
const utc: ColumnType = { kind: "timestamp", zone: "utc" };
const local: ColumnType = { kind: "timestamp", zone: "local" };
const decimal = (precision: number, scale: number): ColumnType => ({ kind: "decimal", precision, scale });
const list = (type: ColumnType): ColumnType => ({
  kind: "list",
  element: { name: "element", type, nullable: true },
});

describe("a value becomes another type's where that is exact", () => {
  test.each<[ColumnType, unknown[], ColumnType, unknown[]]>([
    [string, ["12", null, "-7"], int64, [12n, null, -7n]],
    [string, ["19.99", "5"], decimal(18, 2), ["19.99", "5.00"]],
    [string, ["0.1", "1e3", "-2.50", "NaN", "0"], float64, [0.1, 1000, -2.5, NaN, 0]],
    [string, ["0.1"], { kind: "float32" }, [Math.fround(0.1)]],
    [string, ["2024-02-29T04:05:06+02:00"], utc, [new Date("2024-02-29T02:05:06Z")]],
    [string, ["2024-02-29"], date, ["2024-02-29"]],
    [string, ["true", "false"], { kind: "boolean" }, [true, false]],
    [string, ["0aff"], { kind: "binary" }, [Uint8Array.of(10, 255)]],
    [float64, [19.99, null, 5, -0.1], decimal(18, 2), ["19.99", null, "5.00", "-0.10"]],
    [decimal(5, 2), ["19.99", "0.10"], float64, [19.99, 0.1]],
    [int64, [5n], decimal(18, 2), ["5.00"]],
    [
      utc,
      [new Date("2024-02-29T00:00:00Z"), new Date("1969-12-31T00:00:00Z")],
      date,
      ["2024-02-29", "1969-12-31"],
    ],
    [date, ["2024-02-29"], local, [new Date("2024-02-29T00:00:00Z")]],
    [int64, [5n], string, ["5"]],
    [string, ["{}"], { kind: "json" }, ["{}"]],
    [list(string), [["1", null], []], list(int64), [[1n, null], []]],
  ])("%j %s to %j", (from, values, to, expected) => {
    for (const vector of [vectorOf(from, values), asDictionary(from, values)]) {
      const read = userReader(castVectorBy(vector, to, "x", explicitConverter));
      expect(values.map((_, i) => read(i))).toEqual(expected);
    }
  });

  test.each<[ColumnType, unknown, ColumnType]>([
    [string, "", int64],
    [string, " 1", int64],
    [string, "1.5", int64],
    [string, "9223372036854775808", int64],
    [string, "1.005", decimal(18, 2)],
    [string, "12345678901234567890", float64],
    [string, "0.1000000000000000055", float64],
    [string, "29/02/2024", date],
    [string, "2024-02-30", date],
    [string, "Feb 29 2024", utc],
    [string, "yes", { kind: "boolean" }],
    [float64, 0.005, decimal(18, 2)],
    [float64, NaN, decimal(18, 2)],
    [decimal(38, 0), "12345678901234567891", float64],
    [utc, new Date("2024-02-29T00:00:00.001Z"), date],
    [utc, new Date(0), local],
    [int64, 1n, utc],
    [{ kind: "boolean" }, true, int64],
    [list(int64), [1n], int64],
  ])("%j %s is no %j", (from, value, to) => {
    expect(() => castVectorBy(vectorOf(from, [value]), to, "x", explicitConverter)).toThrow(
      /column "x": .* has no exact form as/,
    );
  });
});

interface Item {
  id: number;
  total: string | null;
  at: string;
}
const items = resource({
  name: "items",
  schema: typed<Item>(),
  primaryKey: "id",
  disposition: "merge",
  read: () => [
    [
      { id: 1, total: "19.99", at: "2024-02-29T00:00:00Z" },
      { id: 2, total: null, at: "2024-03-01T00:00:00Z" },
    ],
  ],
});

test("cast stays in columns, and rows after it have the new values", async () => {
  const seen: unknown[] = [];
  const cast = items.cast({ total: { type: "decimal", precision: 9, scale: 3 }, at: { type: "timestamp" } });
  const tables = await readAll(
    cast.as("columns"),
    cast
      .map((row) => {
        seen.push(row);
        return { id: row.id, year: row.at.getUTCFullYear() };
      })
      .as("rows", { primaryKey: "id" }),
  );
  expect(tables["columns"]).toEqual([
    { id: 1n, total: "19.990", at: new Date("2024-02-29T00:00:00Z") },
    { id: 2n, total: null, at: new Date("2024-03-01T00:00:00Z") },
  ]);
  // The user's values where they were not cast.
  expect(seen[0]).toEqual({ id: 1, total: "19.990", at: new Date("2024-02-29T00:00:00Z") });
  expect(tables["rows"]?.[1]).toEqual({ id: 2n, year: 2024n });
});

test("what does not fit names row value, column and type", async () => {
  await expect(readAll(items.cast({ total: { type: "int64" } }).as("bad"))).rejects.toMatchObject({
    code: "ALV_ROW_INVALID",
    resource: "bad",
    message: expect.stringMatching(/column "total": string \(19.99 in row 1 of its batch\) .* int64/),
  });
  await expect(
    readAll(items.cast({ total: { type: "decimal", precision: 9, scale: 2, nullable: false } }).as("bad")),
  ).rejects.toMatchObject({
    code: "ALV_ROW_INVALID",
    message: expect.stringMatching(/column "total" is not null, and row 2/),
  });
});

test("a type that is none is refused when planned, and known columns have the new types before rows come", async () => {
  const wrong = items.cast({ total: { type: "decimal", precision: 40 } });
  expect(() => source("s", () => [wrong])()).toThrow(/decimal\(40,0\) is not possible/);
  const hinted = resource({
    name: "hinted",
    columns: { a: { type: "string" }, b: { type: "int32" } },
    *read() {
      yield { a: "1", b: 1 };
    },
  });
  const [stream] = await streamsOf([
    hinted.rename({ a: "c" }).cast({ c: { type: "int64", nullable: false } }),
  ]);
  expect(stream!.tables[0]!.schema.fields).toEqual([
    { name: "c", type: int64, nullable: false },
    { name: "b", type: { kind: "int32" }, nullable: true },
  ]);
});

test("keys that a filter deletes are cast as their rows are", async () => {
  const tables = await readAll(
    items
      .filter((row) => row.id !== 2)
      .rename({ id: "key" })
      .cast({ key: { type: "string" } })
      .rename({ key: "last" })
      .as("t"),
  );
  expect(tables["t"]).toMatchObject([
    { last: "1", total: "19.99", op: "insert" },
    { last: "2", total: null, op: "delete" },
  ]);
});
