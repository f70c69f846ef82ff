import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { AlluviumError, type ColumnType } from "@alluvium/core";
import { constantVector, formatScalar, takeVector, vectorOf, type Vector } from "@alluvium/core/columns";
import { createConnector } from "../../src/postgres/connect.ts";
import { encodeCopy } from "../../src/postgres/copy/encode.ts";
import type { PgConnection } from "../../src/postgres/connection.ts";
import { checkOptions } from "../../src/postgres/options.ts";
import { typeName } from "../../src/postgres/types.ts";
import { useDatabase } from "./database.ts";

const db = useDatabase("copy");

async function open(): Promise<PgConnection> {
  const connection = await createConnector(checkOptions({ url: db.url })).open(new AbortController().signal);
  onTestFinished(() => connection[Symbol.asyncDispose]());
  return connection;
}

/** Stores a vector, and reads it back as the server's text. */
async function roundTrip(vector: Vector, json: "json" | "jsonb" = "jsonb"): Promise<(string | null)[]> {
  const connection = await open();
  await connection.query(
    `create temp table t (at int generated always as identity, v ${typeName(vector.type, json)})`,
  );
  const rows = await connection.copy("copy pg_temp.t (v) from stdin (format binary)", (take) =>
    encodeCopy([{ name: "v", vector }], vector.length, { table: "t", json }, take),
  );
  expect(rows).toBe(vector.length);
  const { rows: found } = await connection.query("select v::text from pg_temp.t order by at");
  return found.map(({ v }) => v!);
}

const cases: readonly (readonly [ColumnType, readonly unknown[], readonly (string | null)[]])[] = [
  [{ kind: "boolean" }, [true, null, false], ["true", null, "false"]],
  [{ kind: "int16" }, [-32768, 32767, 0, null], ["-32768", "32767", "0", null]],
  [{ kind: "int32" }, [-2147483648, 2147483647], ["-2147483648", "2147483647"]],
  [
    { kind: "int64" },
    [-9223372036854775808n, 9223372036854775807n, -1n, 4294967296n],
    ["-9223372036854775808", "9223372036854775807", "-1", "4294967296"],
  ],
  [
    { kind: "float32" },
    [Number.NaN, Infinity, -Infinity, -0, 1.5, 3.4028234663852886e38, 1.401298464324817e-45],
    ["NaN", "Infinity", "-Infinity", "-0", "1.5", "3.4028235e+38", "1e-45"],
  ],
  [
    { kind: "float64" },
    [Number.NaN, Infinity, -Infinity, -0, 0.1, Number.MAX_VALUE, 5e-324],
    ["NaN", "Infinity", "-Infinity", "-0", "0.1", "1.7976931348623157e+308", "5e-324"],
  ],
  [
    { kind: "string" },
    ["", "a", "ä€🦀", "x".repeat(200_000), null],
    ["", "a", "ä€🦀", "x".repeat(200_000), null],
  ],
  [{ kind: "binary" }, [Uint8Array.of(0, 255, 1), new Uint8Array(0)], ["\\x00ff01", "\\x"]],
  [
    { kind: "date" },
    ["1970-01-01", "2000-01-01", "1999-12-31", "0001-01-01", "9999-12-31", "0000-12-31"],
    ["1970-01-01", "2000-01-01", "1999-12-31", "0001-01-01", "9999-12-31", "0001-12-31 BC"],
  ],
  [
    { kind: "time" },
    ["00:00:00", "23:59:59.999999", "24:00:00"],
    ["00:00:00", "23:59:59.999999", "24:00:00"],
  ],
  [
    { kind: "timestamp", zone: "utc" },
    [
      0n,
      946_684_800_000_000n,
      946_684_799_999_999n,
      -1n,
      -210_866_803_200_000_000n,
      9_223_372_036_854_775_807n,
    ],
    [
      "1970-01-01 00:00:00+00",
      "2000-01-01 00:00:00+00",
      "1999-12-31 23:59:59.999999+00",
      "1969-12-31 23:59:59.999999+00",
      "4714-11-24 00:00:00+00 BC",
      "294247-01-10 04:00:54.775807+00",
    ],
  ],
  [
    { kind: "timestamp", zone: "local" },
    [1n, 4_294_967_295_999_999n],
    ["1970-01-01 00:00:00.000001", "2106-02-07 06:28:15.999999"],
  ],
  [{ kind: "uuid" }, ["00112233-4455-6677-8899-aabbccddeeff"], ["00112233-4455-6677-8899-aabbccddeeff"]],
  [
    { kind: "decimal", precision: 38, scale: 10 },
    [
      "9999999999999999999999999999.9999999999",
      "-0.0000000001",
      "0",
      "10000",
      "-12345678901234567890.5",
      null,
    ],
    [
      "9999999999999999999999999999.9999999999",
      "-0.0000000001",
      "0.0000000000",
      "10000.0000000000",
      "-12345678901234567890.5000000000",
      null,
    ],
  ],
  [{ kind: "decimal", precision: 38, scale: 38 }, [`0.${"9".repeat(38)}`], [`0.${"9".repeat(38)}`]],
  [
    { kind: "decimal", precision: 38, scale: 0 },
    ["9".repeat(38), `-${"9".repeat(38)}`],
    ["9".repeat(38), `-${"9".repeat(38)}`],
  ],
  [{ kind: "json" }, [{ a: [1, "x", null] }, "text", null], ['{"a": [1, "x", null]}', '"text"', null]],
  [
    { kind: "list", element: { name: "element", type: { kind: "int64" }, nullable: true } },
    [[1n, null, -1n], [], null, [9n]],
    ["{1,NULL,-1}", "{}", null, "{9}"],
  ],
  [
    { kind: "list", element: { name: "element", type: { kind: "string" }, nullable: true } },
    [["a,b", '"', "", "NULL"], [null]],
    ['{"a,b","\\"","","NULL"}', "{NULL}"],
  ],
  [
    { kind: "list", element: { name: "element", type: { kind: "json" }, nullable: true } },
    [[{ a: 1 }, 2]],
    ['{"{\\"a\\": 1}",2}'],
  ],
];

test.for(cases)("%j arrives exactly", async ([type, values, expected]) => {
  const vector = type.kind === "timestamp" ? timestamps(type, values as bigint[]) : vectorOf(type, values);
  expect(await roundTrip(vector)).toEqual(expected);
});

function timestamps(type: ColumnType, values: readonly bigint[]): Vector {
  return {
    type,
    layout: "fixed",
    length: values.length,
    nullCount: 0,
    validity: undefined,
    values: BigInt64Array.from(values),
  };
}

test("dictionaries, and rows past a null slot, are read by their codes", async () => {
  const names = takeVector(constantVector({ kind: "string" }, "load", 3), Int32Array.of(0, -1, 2));
  expect(await roundTrip(names)).toEqual(["load", null, "load"]);
});

test("json keeps the text to the letter where it is asked to", async () => {
  const text = '{"b": 1.10, "a":  1e2, "a": "\\u0000"}';
  const vector: Vector = {
    ...(vectorOf({ kind: "string" }, [text]) as Vector & { layout: "bytes" }),
    type: { kind: "json" },
  };
  expect(await roundTrip(vector, "json")).toEqual([text]);
});

test.for<readonly [string, Vector]>([
  ["NUL character", vectorOf({ kind: "string" }, ["fine", "a\0b"])],
  [
    "NUL character",
    {
      ...(vectorOf({ kind: "string" }, ["{}", '["\\\\\\u0000"]']) as Vector & { layout: "bytes" }),
      type: { kind: "json" },
    },
  ],
  ["date", vectorOf({ kind: "date" }, ["1970-01-01", "-004714-11-23"])],
  ["timestamp", timestamps({ kind: "timestamp", zone: "utc" }, [0n, -210_866_803_200_000_001n])],
])("what has no place is refused by column and row: %s", async ([what, vector]) => {
  const connection = await open();
  await connection.query(`create temp table t (v ${typeName(vector.type, "jsonb")})`);
  const copied = connection.copy("copy pg_temp.t (v) from stdin (format binary)", (take) =>
    encodeCopy([{ name: "v", vector }], vector.length, { table: "orders", json: "jsonb" }, take),
  );
  await expect(copied).rejects.toSatisfy(
    (error) =>
      AlluviumError.is(error) &&
      error.code === "ALV_VALUE_UNREPRESENTABLE" &&
      error.message.includes('table "orders", column "v"') &&
      error.message.includes(what) &&
      error.message.includes("row 2"),
  );
  // No row of it is there, and the connection goes on.
  expect((await connection.query("select * from pg_temp.t")).rows).toEqual([]);
});

test("an escaped backslash before u0000 is no NUL character", async () => {
  const vector: Vector = {
    ...(vectorOf({ kind: "string" }, ['["\\\\u0000"]']) as Vector & { layout: "bytes" }),
    type: { kind: "json" },
  };
  expect(await roundTrip(vector)).toEqual(['["\\\\u0000"]']);
});

test("random decimals of every precision and scale arrive exactly", { timeout: 60_000 }, async () => {
  const connection = await open();
  const types = fc
    .integer({ min: 1, max: 38 })
    .chain((precision) =>
      fc.record({ precision: fc.constant(precision), scale: fc.integer({ min: 0, max: precision }) }),
    );
  const property = fc.asyncProperty(
    types.chain(({ precision, scale }) =>
      fc.tuple(
        fc.constant({ kind: "decimal", precision, scale } as const),
        fc.array(
          fc.oneof(
            fc.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n }),
            fc
              .bigInt({ min: -20_000n, max: 20_000n })
              .filter((value) => String(value).replace("-", "").length <= precision),
            fc.integer({ min: 0, max: precision - 1 }).map((zeros) => 10n ** BigInt(zeros)),
          ),
          { minLength: 1, maxLength: 50 },
        ),
      ),
    ),
    async ([type, values]) => {
      const texts = values.map((value) => formatScalar(type, value));
      const vector = vectorOf(type, texts);
      await connection.query(
        `drop table if exists pg_temp.t; create temp table t (at int generated always as identity, v ${typeName(type, "jsonb")})`,
      );
      await connection.copy("copy pg_temp.t (v) from stdin (format binary)", (take) =>
        encodeCopy([{ name: "v", vector }], vector.length, { table: "t", json: "jsonb" }, take),
      );
      // As the server computes it, not only as it prints it: a digit group out of place would print right and compare wrong.
      const { rows } = await connection.query(
        `select v::text, v = v::text::numeric as same from pg_temp.t order by at`,
      );
      expect(rows.map(({ v }) => v)).toEqual(texts);
      expect(rows.every(({ same }) => same === "t")).toBe(true);
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

test("many rows of any width go in bounded pieces", async () => {
  const connection = await open();
  const length = 40_000;
  const texts = Array.from({ length }, (_, i) => (i % 4001 === 0 ? "y".repeat(70_000) : `row ${i}`));
  const columns = [
    {
      name: "id",
      vector: vectorOf(
        { kind: "int64" },
        texts.map((_, i) => BigInt(i)),
      ),
    },
    { name: "v", vector: vectorOf({ kind: "string" }, texts) },
  ];
  await connection.query("create temp table t (id int8, v text)");
  const taken: Uint8Array[] = [];
  await connection.copy("copy pg_temp.t (id, v) from stdin (format binary)", (take) =>
    encodeCopy(columns, length, { table: "t", json: "jsonb" }, () => {
      const memory = take();
      if (!taken.some(({ buffer }) => buffer === memory.buffer)) taken.push(memory);
      return memory;
    }),
  );
  expect(taken.length).toBeLessThanOrEqual(6);
  const { rows } = await connection.query(
    "select count(*)::text as n, sum(id)::text as ids, sum(length(v))::text as letters from pg_temp.t",
  );
  expect(rows[0]).toEqual({
    n: String(length),
    ids: String((length * (length - 1)) / 2),
    letters: String(texts.reduce((sum, text) => sum + text.length, 0)),
  });
});

test("an abort in the middle of a COPY leaves no row, and the connection in order", async () => {
  const connection = await open();
  await connection.query("create temp table t (v text)");
  const stop = new AbortController();
  const reason = new Error("enough");
  const vector = vectorOf(
    { kind: "string" },
    Array.from({ length: 5000 }, () => "z".repeat(1000)),
  );
  let messages = 0;
  const copied = connection.copy(
    "copy pg_temp.t (v) from stdin (format binary)",
    function* (take) {
      for (const message of encodeCopy(
        [{ name: "v", vector }],
        vector.length,
        { table: "t", json: "jsonb" },
        take,
      )) {
        if (++messages === 20) stop.abort(reason);
        yield message;
      }
    },
    { signal: stop.signal },
  );
  await expect(copied).rejects.toBe(reason);
  expect((await connection.query("select count(*)::text as n from pg_temp.t")).rows).toEqual([{ n: "0" }]);
});
