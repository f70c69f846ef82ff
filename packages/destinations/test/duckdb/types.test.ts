import type { ColumnType, Field, TablePlan } from "@alluvium/core";
import { rowsOf } from "@alluvium/core/columns";
import { batchOf, suiteContext } from "@alluvium/core/testing";
import { duckdb } from "@alluvium/destinations/duckdb";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, test } from "vitest";

/** A column: what its values are, and how DuckDB itself writes them as text. */
interface Case {
  readonly name: string;
  readonly type: ColumnType;
  readonly native: string;
  readonly values: readonly (readonly [value: unknown, text: string])[];
}

const field = (name: string, type: ColumnType): Field => ({ name, type, nullable: true });
const decimal = (precision: number, scale: number): ColumnType => ({ kind: "decimal", precision, scale });
const nines = "9".repeat(36);

const cases: readonly Case[] = [
  {
    name: "boolean",
    type: { kind: "boolean" },
    native: "BOOLEAN",
    values: [
      [true, "true"],
      [false, "false"],
    ],
  },
  {
    name: "int8",
    type: { kind: "int8" },
    native: "TINYINT",
    values: [
      [-128, "-128"],
      [127, "127"],
    ],
  },
  {
    name: "int16",
    type: { kind: "int16" },
    native: "SMALLINT",
    values: [
      [-32768, "-32768"],
      [32767, "32767"],
    ],
  },
  {
    name: "int32",
    type: { kind: "int32" },
    native: "INTEGER",
    values: [
      [-2147483648, "-2147483648"],
      [2147483647, "2147483647"],
    ],
  },
  {
    name: "int64",
    type: { kind: "int64" },
    native: "BIGINT",
    values: [
      [-9223372036854775808n, "-9223372036854775808"],
      [9223372036854775807n, "9223372036854775807"],
    ],
  },
  {
    name: "float32",
    type: { kind: "float32" },
    native: "FLOAT",
    values: [
      [1.5, "1.5"],
      [Number.NaN, "nan"],
      [-Infinity, "-inf"],
    ],
  },
  {
    name: "float64",
    type: { kind: "float64" },
    native: "DOUBLE",
    values: [
      [0.1, "0.1"],
      [-0, "-0.0"],
      [5e-324, "5e-324"],
      [Number.NaN, "nan"],
      [Infinity, "inf"],
    ],
  },
  {
    name: "small_decimal",
    type: decimal(18, 4),
    native: "DECIMAL(18,4)",
    values: [
      ["-99999999999999.9999", "-99999999999999.9999"],
      ["0.0001", "0.0001"],
    ],
  },
  {
    name: "large_decimal",
    type: decimal(38, 2),
    native: "DECIMAL(38,2)",
    values: [
      [`${nines}.99`, `${nines}.99`],
      [`-${nines}.99`, `-${nines}.99`],
    ],
  },
  {
    name: "string",
    type: { kind: "string" },
    native: "VARCHAR",
    values: [
      ["", ""],
      ["a\u0000b", "a\u0000b"],
      ["\u{1F980} ü 'quoted'", "\u{1F980} ü 'quoted'"],
    ],
  },
  {
    name: "binary",
    type: { kind: "binary" },
    native: "BLOB",
    values: [
      [new Uint8Array([0, 255, 65]), "\\x00\\xFFA"],
      [new Uint8Array(), ""],
    ],
  },
  {
    name: "date",
    type: { kind: "date" },
    native: "DATE",
    values: [
      ["0001-01-01", "0001-01-01"],
      ["1969-12-31", "1969-12-31"],
      ["9999-12-31", "9999-12-31"],
    ],
  },
  {
    name: "time",
    type: { kind: "time" },
    native: "TIME",
    values: [
      ["00:00:00", "00:00:00"],
      ["23:59:59.999999", "23:59:59.999999"],
    ],
  },
  {
    name: "instant",
    type: { kind: "timestamp", zone: "utc" },
    native: "TIMESTAMP WITH TIME ZONE",
    values: [
      [-1n, "1969-12-31 23:59:59.999999+00"],
      [1_767_225_600_123_456n, "2026-01-01 00:00:00.123456+00"],
    ],
  },
  {
    name: "moment",
    type: { kind: "timestamp", zone: "local" },
    native: "TIMESTAMP",
    values: [
      [-1n, "1969-12-31 23:59:59.999999"],
      [253_402_300_799_999_999n, "9999-12-31 23:59:59.999999"],
    ],
  },
  {
    name: "uuid",
    type: { kind: "uuid" },
    native: "UUID",
    values: [
      ["00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"],
      ["ffffffff-ffff-4fff-bfff-ffffffffffff", "ffffffff-ffff-4fff-bfff-ffffffffffff"],
    ],
  },
  {
    name: "json",
    type: { kind: "json" },
    native: "JSON",
    values: [
      [{ a: [1, null, 9007199254740993n] }, '{"a":[1,null,9007199254740993]}'],
      ["text", '"text"'],
    ],
  },
  {
    name: "list",
    type: { kind: "list", element: field("element", { kind: "int64" }) },
    native: "BIGINT[]",
    values: [
      [[1n, null, 3n], "[1, NULL, 3]"],
      [[], "[]"],
    ],
  },
  {
    name: "lists",
    type: {
      kind: "list",
      element: field("element", { kind: "list", element: field("element", decimal(5, 2)) }),
    },
    native: "DECIMAL(5,2)[][]",
    values: [[[["1.50"], [], null], "[[1.50], [], NULL]"]],
  },
  {
    name: "struct",
    type: {
      kind: "struct",
      fields: [field('odd "name"', { kind: "string" }), field("at", { kind: "timestamp", zone: "utc" })],
    },
    native: 'STRUCT("odd ""name""" VARCHAR, "at" TIMESTAMP WITH TIME ZONE)',
    values: [[{ 'odd "name"': "x", at: new Date(0) }, "{'odd \"name\"': x, 'at': '1970-01-01 00:00:00+00'}"]],
  },
  {
    name: "map",
    type: {
      kind: "map",
      key: { name: "key", type: { kind: "string" }, nullable: false },
      value: field("value", { kind: "int32" }),
    },
    native: "MAP(VARCHAR, INTEGER)",
    values: [
      [
        new Map([
          ["a", 1],
          ["b", null],
        ]),
        "{a=1, b=NULL}",
      ],
      [new Map(), "{}"],
    ],
  },
];

/** Every type with its extremes, nulls between them. */
test.for(cases)("$name as $native", async ({ name, type, native, values }) => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    await connection.run("set timezone = 'UTC'");
    const given = values.flatMap(([value]) => [value, null]);
    const batch = batchOf({ n: [{ kind: "int64" }, given.map((_, i) => BigInt(i))], [name]: [type, given] });
    await using session = await duckdb({ instance }).open(suiteContext());
    await session.recover();
    const loadId = "0198c0de-0000-7000-8000-000000000000";
    const plan: TablePlan = {
      table: "t",
      stream: "t",
      disposition: { kind: "append" },
      primaryKey: [],
      partitionBy: [],
      schema: batch.schema,
    };
    const load = await session.begin({ loadId, startedAt: new Date(), tables: [plan] });
    await load.write("t", batch);
    await load.mark("t", { seal: true, end: true });
    await load.commit({ incarnation: "0".repeat(32), sequence: 0, loadId, streams: {}, tables: {} });

    const read = await connection.runAndReadAll(`select "${name}"::varchar from t order by n`);
    expect(read.getRowsJS().map(([text]) => text)).toEqual(values.flatMap(([, text]) => [text, null]));
    const described = await connection.runAndReadAll(
      "select data_type from duckdb_columns() where table_name = 't'",
    );
    expect(described.getRowsJS().at(-1)).toEqual([native]);
    expect((await session.describe("t"))!.schema.fields[1]!.type, "as described").toEqual(
      batch.schema.fields[1]!.type,
    );

    const back = [];
    for await (const piece of session.scan!("t", { columns: ["n", name] }))
      back.push(...rowsOf(piece, { timestamps: "micros" }));
    back.sort((a, b) => Number((a as { n: bigint }).n - (b as { n: bigint }).n));
    expect(back).toEqual([...rowsOf(batch, { timestamps: "micros" })]);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
});
