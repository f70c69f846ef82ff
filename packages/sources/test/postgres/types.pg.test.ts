import { describe, expect, test } from "vitest";
import type { ColumnType } from "@alluvium/core";
import { postgres } from "@alluvium/sources/postgres";
import { readAll, sourceContext, streamOf, useDatabase, type ReadResult } from "./database.ts";

const db = useDatabase("types");

async function read(
  options: Partial<Parameters<typeof postgres>[0]> = {},
  table: string = "t",
): Promise<ReadResult & { readonly schema: ReadResult["batches"][number]["schema"] }> {
  const source = postgres({ url: db.url, tables: [table], ...(options as object) });
  await using session = await source.open(sourceContext());
  const stream = streamOf(session, table);
  const result = await readAll(stream);
  return { ...result, schema: stream.tables[0]!.schema };
}

/**
 * How the server itself spells the stored form of a value, by kind of column: the expected side of each comparison is computed by the
 * server, never by this code.
 */
const stored: Partial<Record<ColumnType["kind"], (value: string) => string>> = {
  boolean: (v) => `${v}::text`,
  date: (v) => `(${v} - date '1970-01-01')::text`,
  time: (v) => `(extract(epoch from ${v}) * 1000000)::bigint::text`,
  timestamp: (v) =>
    `((${v}::date - date '1970-01-01')::numeric * 86400000000 + (extract(epoch from ${v}::time) * 1000000)::bigint)::text`,
  uuid: (v) => `replace(${v}::text, '-', '')`,
  binary: (v) => `encode(${v}, 'hex')`,
};

function spell(value: unknown): string | null {
  if (value === null) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return String(value as string | number | bigint | boolean);
}

interface TypeCase {
  /** The column's type, as SQL. */
  readonly sql: string;
  /** What it becomes. */
  readonly type: ColumnType;
  /** Constants, without quotes and cast. */
  readonly values: readonly string[];
  /** The server's spelling of what is stored, where it is not that of the kind. */
  readonly expected?: (value: string) => string;
}

const text: ColumnType = { kind: "string" };
const cases: readonly TypeCase[] = [
  { sql: "boolean", type: { kind: "boolean" }, values: ["true", "false"] },
  { sql: "smallint", type: { kind: "int16" }, values: ["-32768", "32767", "0", "-1"] },
  { sql: "integer", type: { kind: "int32" }, values: ["-2147483648", "2147483647", "0", "-1"] },
  {
    sql: "bigint",
    type: { kind: "int64" },
    values: [
      "-9223372036854775808",
      "9223372036854775807",
      "0",
      "-1",
      "9007199254740993",
      "4294967295",
      "-4294967296",
    ],
  },
  { sql: "oid", type: { kind: "int64" }, values: ["0", "4294967295", "2147483648"] },
  {
    sql: "real",
    type: { kind: "float32" },
    values: ["NaN", "Infinity", "-Infinity", "3.4028235e38", "1e-45", "0.5"],
    expected: (v) => `(${v}::float8)::text`,
  },
  {
    sql: "double precision",
    type: { kind: "float64" },
    values: ["NaN", "Infinity", "-Infinity", "0.1", "123456.789", "0.30000000000000004"],
  },
  {
    sql: "numeric(15,2)",
    type: { kind: "decimal", precision: 15, scale: 2 },
    values: [
      "9999999999999.99",
      "-9999999999999.99",
      "0",
      "0.01",
      "-0.01",
      "10000",
      "100000000.5",
      "12345.60",
    ],
    expected: (v) => `(${v} * 100)::numeric(20,0)::text`,
  },
  {
    sql: "numeric(18,0)",
    type: { kind: "decimal", precision: 18, scale: 0 },
    values: ["999999999999999999", "-999999999999999999", "0", "10000", "100000000000000000", "-1"],
  },
  {
    sql: "numeric(18,18)",
    type: { kind: "decimal", precision: 18, scale: 18 },
    values: ["0.999999999999999999", "-0.000000000000000001", "0.1"],
    expected: (v) => `(${v} * 1000000000000000000)::numeric(20,0)::text`,
  },
  {
    sql: "numeric(38,10)",
    type: { kind: "decimal", precision: 38, scale: 10 },
    values: [
      "9999999999999999999999999999.9999999999",
      "-9999999999999999999999999999.9999999999",
      "12345678901234567890.0123456789",
      "-12345678901234567890.0000000001",
      "0.0000000001",
      "1e-10",
      "0",
    ],
    expected: (v) => `(${v} * 10000000000)::numeric(40,0)::text`,
  },
  {
    sql: "numeric(20,15)",
    type: { kind: "decimal", precision: 20, scale: 15 },
    values: ["0.123456789012345", "-99999.999999999999999"],
    expected: (v) => `(${v} * 1000000000000000)::numeric(40,0)::text`,
  },
  {
    sql: "numeric(5,-2)",
    type: { kind: "decimal", precision: 7, scale: 0 },
    values: ["9999900", "-1234500", "0", "100"],
  },
  {
    sql: "numeric(2,5)",
    type: { kind: "decimal", precision: 5, scale: 5 },
    values: ["0.00099", "-0.00001"],
    expected: (v) => `(${v} * 100000)::numeric(10,0)::text`,
  },
  {
    sql: "numeric",
    type: text,
    values: ["NaN", "Infinity", "-Infinity", "12345678901234567890.123456789012345678", "1e-20", "1.10"],
  },
  { sql: "numeric(39,0)", type: text, values: ["999999999999999999999999999999999999999", "0"] },
  { sql: "money", type: text, values: ["-92233720368547758.08", "1234.5"] },
  {
    sql: "text",
    type: text,
    values: ["", "a", "naïve 🙂 \\ ' \" \n\t", "x".repeat(200), "abc", "abcd", "abcde"],
  },
  { sql: "varchar(10)", type: text, values: ["trail   ", ""] },
  { sql: "char(5)", type: text, values: ["a", "abcde", ""], expected: (v) => `rpad(${v}, 5)` },
  { sql: "char(1)", type: text, values: ["A", "é"] },
  { sql: '"char"', type: text, values: ["c", ""] },
  { sql: "name", type: text, values: ["a_name"] },
  { sql: "citext", type: text, values: ["MixedCase"] },
  { sql: "bytea", type: { kind: "binary" }, values: ["\\x", "\\x00ff10"] },
  {
    sql: "date",
    type: { kind: "date" },
    values: ["4713-01-01 BC", "0001-01-01", "1969-12-31", "2000-02-29", "5874897-12-31"],
  },
  { sql: "time", type: { kind: "time" }, values: ["00:00", "24:00", "23:59:59.999999"] },
  { sql: "timetz", type: text, values: ["24:00+15:59", "00:00-12"] },
  {
    sql: "timestamp",
    type: { kind: "timestamp", zone: "local" },
    values: [
      "4713-01-01 00:00 BC",
      "1999-12-31 23:59:59.999999",
      "12024-05-06 07:08:09.123456",
      "294247-01-10 04:00:54.775807",
    ],
  },
  {
    sql: "timestamptz",
    type: { kind: "timestamp", zone: "utc" },
    values: [
      "4713-01-01 00:00+00 BC",
      "2024-06-01 12:00+05:30",
      "1970-01-01 00:00+00",
      "1969-12-31 23:59:59.999999+00",
    ],
  },
  { sql: "interval", type: text, values: ["1 year -2 mons 3 days -04:05:06.789", "0", "178000000 years"] },
  {
    sql: "uuid",
    type: { kind: "uuid" },
    values: ["00000000-0000-0000-0000-000000000000", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"],
  },
  { sql: "json", type: { kind: "json" }, values: ['{"b": 1.10,  "a":[1e400]}', "null", '"x"'] },
  {
    sql: "jsonb",
    type: { kind: "json" },
    values: ['{"b": 1.10,  "a":[12345678901234567890.10]}', "1", "null", '"é"'],
  },
  { sql: "xml", type: text, values: ["<a>é</a>"] },
  { sql: "inet", type: text, values: ["::1", "10.0.0.0/8"] },
  { sql: "cidr", type: text, values: ["10.0.0.0/8"] },
  { sql: "macaddr", type: text, values: ["08:00:2b:01:02:03"] },
  { sql: "macaddr8", type: text, values: ["08:00:2b:01:02:03:04:05"] },
  { sql: "bit(4)", type: text, values: ["1010"] },
  { sql: "varbit", type: text, values: ["10101", ""] },
  { sql: "point", type: text, values: ["(1.5,-2)"] },
  { sql: "polygon", type: text, values: ["((0,0),(1,0.1),(1,1))"] },
  { sql: "tsvector", type: text, values: ["a fat cat"] },
  { sql: "pg_lsn", type: text, values: ["16/B374D848"] },
  { sql: "xid8", type: text, values: ["18446744073709551615"] },
  { sql: "regclass", type: text, values: ["pg_class"] },
  { sql: "int4range", type: text, values: ["[1,5)", "empty", "(,)"] },
  { sql: "tstzmultirange", type: text, values: ["{[2024-01-01 00:00+00,2024-01-02 00:00+00)}"] },
  { sql: "hstore", type: text, values: ['"a"=>"1", "b"=>NULL'] },
  { sql: "int2vector", type: text, values: ["1 2 3"] },
  { sql: "mood", type: text, values: ["sad", "it's ok"] },
  {
    sql: "price",
    type: { kind: "decimal", precision: 10, scale: 2 },
    values: ["12345678.90"],
    expected: (v) => `(${v} * 100)::numeric(20,0)::text`,
  },
];

test("every type, with its extremes and null, is what the server says it is", async () => {
  await db.run(`
    create extension citext; create extension hstore;
    create type mood as enum ('sad', 'it''s ok'); create domain price as numeric(10,2) check (value >= 0)`);
  const length = Math.max(...cases.map(({ values }) => values.length)) + 1;
  const columns = cases.map(({ sql }, i) => `c${i} ${sql}`);
  await db.run(`create table t (row_number int primary key, ${columns.join(", ")})`);
  for (let row = 0; row < length; row++) {
    const values = cases.map(({ sql, values: list }) =>
      row < list.length ? `'${list[row]!.replaceAll("'", "''")}'::${sql}` : "null",
    );
    await db.run(`insert into t values (${row}, ${values.join(", ")})`);
  }
  const { rows, schema } = await read();
  expect(rows).toHaveLength(length);

  // The server's own text, under the settings that are pinned.
  await db.run(
    `set timezone to 'UTC'; set intervalstyle to postgres; set lc_monetary to 'C'; set extra_float_digits to 3`,
  );
  for (const [i, { sql, type, values, expected }] of cases.entries()) {
    const column = `c${i}`;
    expect(schema.fields.find(({ name }) => name === column)?.type, sql).toEqual(type);
    const spelled = expected ?? stored[type.kind] ?? ((v: string) => `${v}::text`);
    const wanted = await db.run(`select ${spelled(column)} as v from t order by row_number`);
    const got = rows
      .toSorted((a, b) => Number(a["row_number"]) - Number(b["row_number"]))
      .map((row) => spell(row[column]));
    expect(got, `${sql}: ${values.join(" | ")}`).toEqual(wanted.map(({ v }) => v));
  }
});

describe("values that a column cannot hold", () => {
  const specials: readonly (readonly [type: string, value: string])[] = [
    ["numeric(10,2)", "NaN"],
    ["date", "infinity"],
    ["date", "-infinity"],
    ["timestamp", "infinity"],
    ["timestamptz", "-infinity"],
    ["timestamp", "294276-12-31 23:59:59.999999"],
  ];
  test.each(specials)("%s %s: an error that names column and remedy, null, or text", async (type, value) => {
    await db.run(`drop table if exists s; create table s (x ${type}); insert into s values ('${value}')`);
    await expect(read({}, "s")).rejects.toMatchObject({
      code: "ALV_VALUE_UNREPRESENTABLE",
      message: expect.stringMatching(/s, column "x".*Remedy: special/) as string,
    });
    expect((await read({ special: "null" }, "s")).rows).toEqual([{ x: null }]);
    const [{ x }] = (await db.run("select x::text from s")) as [{ x: string }];
    expect((await read({ special: "text" }, "s")).rows).toEqual([{ x }]);
  });

  test("a bare numeric with a chosen precision is exact, or says which value does not fit", async () => {
    await db.run(
      `drop table if exists s; create table s (x numeric); insert into s values (12.5), (-0.01), (0), (99999999.99), (120.500)`,
    );
    const chosen = { numeric: { precision: 10, scale: 2 } } as const;
    const { rows, schema } = await read(chosen, "s");
    expect(schema.fields[0]!.type).toEqual({ kind: "decimal", precision: 10, scale: 2 });
    expect(rows.map(({ x }) => x)).toEqual([1250n, -1n, 0n, 9999999999n, 12050n]);
    for (const value of ["0.001", "100000000", "1e20", "Infinity"]) {
      await db.run(`truncate s; insert into s values ('${value}')`);
      await expect(read(chosen, "s")).rejects.toThrow(/column "x": .*has no form as decimal\(10, 2\)/);
    }
  });
});

describe("nested types", () => {
  test("arrays are lists, with nulls and empty ones; of types without a binary form of ours, by their text", async () => {
    await db.run(`drop table if exists a; create table a (i int[], n numeric(6,2)[], s text[], v interval[], m mood[], j jsonb[], d price[], c char(3)[]);
      insert into a values
        ('{1,null,-3}', '{1.5,null}', '{"a,b",null,""}', '{"1 day",null}', '{sad,null}', array['{"a": 1.10}'::jsonb, null], '{1.25}', '{a,bcd}'),
        ('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'), (null, null, null, null, null, null, null, null)`);
    const { rows, schema } = await read({}, "a");
    expect(
      schema.fields.map(({ type }) => (type.kind === "list" ? type.element.type.kind : type.kind)),
    ).toEqual(["int32", "decimal", "string", "string", "string", "json", "decimal", "string"]);
    expect(rows[0]).toEqual({
      i: [1, null, -3],
      n: [150n, null],
      s: ["a,b", null, ""],
      v: ["1 day", null],
      m: ["sad", null],
      j: ['{"a": 1.10}', null],
      d: [125n],
      c: ["a  ", "bcd"],
    });
    expect(Object.values(rows[1]!)).toEqual(Array.from({ length: 8 }, () => []));
    expect(Object.values(rows[2]!)).toEqual(Array.from({ length: 8 }, () => null));
  });

  test.each(["{{1,2},{3,4}}", "[2:3]={1,2}"])(
    "the array %s is no list: an error, or its text",
    async (value) => {
      await db.run(
        `drop table if exists a; create table a (i int[]); insert into a values ('{1}'), ('${value}')`,
      );
      await expect(read({}, "a")).rejects.toThrow(
        /column "i": an array .* is no list. Remedy: arrays: "text"/,
      );
      expect((await read({ arrays: "text" }, "a")).rows).toEqual([{ i: "{1}" }, { i: value }]);
    },
  );

  test("composites are structs, nested, without dropped attributes; null differs from all members null", async () => {
    await db.run(`drop table if exists a;
      create type inner_c as (x int, gone int, "Weird ""name""" text);
      create type outer_c as (a inner_c, t timestamptz, span interval, list int[]);
      create domain outer_d as outer_c;
      create table a (id int primary key, i inner_c, o outer_c, many inner_c[], spans outer_c[], d outer_d)`);
    await db.run(`alter type inner_c drop attribute gone`);
    await db.run(`insert into a values
      (1, row(1, 'é'), row(row(2, null), '1970-01-01 00:00:00.000001+00', '1 mon', '{1}'), array[row(3, 'x')::inner_c, null], null, row(row(7, 'q'), null, '1 day', null)),
      (2, null, null, null, null, null), (3, row(null, null), row(null, null, null, null), '{}', array[row(null, null, '2 days', null)::outer_c], null)`);
    const { rows, schema } = await read({}, "a");
    const weird = 'Weird "name"';
    expect(rows.toSorted((x, y) => Number(x["id"]) - Number(y["id"]))).toEqual([
      {
        id: 1,
        i: { x: 1, [weird]: "é" },
        o: { a: { x: 2, [weird]: null }, t: 1n, span: "1 mon", list: [1] },
        many: [{ x: 3, [weird]: "x" }, null],
        spans: null,
        d: { a: { x: 7, [weird]: "q" }, t: null, span: "1 day", list: null },
      },
      { id: 2, i: null, o: null, many: null, spans: null, d: null },
      {
        id: 3,
        i: { x: null, [weird]: null },
        o: { a: null, t: null, span: null, list: null },
        many: [],
        spans: '{"(,,\\"2 days\\",)"}',
        d: null,
      },
    ]);
    expect(schema.fields.map(({ type }) => type.kind)).toEqual([
      "int32",
      "struct",
      "struct",
      "list",
      "string",
      "struct",
    ]);
  });
});

test("texts of a database that checks no encoding are refused where they are not UTF-8", async () => {
  const name = "alluvium_ascii";
  await db.run(`drop database if exists ${name} with (force)`);
  await db.run(`create database ${name} encoding sql_ascii template template0 lc_collate 'C' lc_ctype 'C'`);
  const url = db.url.replace("alluvium_types", name);
  const setup = new (await import("pg")).default.Client({ connectionString: url });
  await setup.connect();
  try {
    await setup.query(`create table good (x text); insert into good values ('ok')`);
    await setup.query(
      `create table bad (x text); insert into bad select convert_from('\\xff61'::bytea, 'SQL_ASCII')`,
    );
    const source = postgres({ url });
    await using session = await source.open(sourceContext());
    expect((await readAll(streamOf(session, "good"))).rows).toEqual([{ x: "ok" }]);
    await expect(readAll(streamOf(session, "bad"))).rejects.toThrow(
      /bad: invalid byte sequence .*Remedy: .*convert_to/,
    );
  } finally {
    await setup.end();
    await db.run(`drop database ${name} with (force)`);
  }
});
