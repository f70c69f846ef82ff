import type { ColumnType } from "@alluvium/core";

/**
 * How the server itself spells the stored form of a value, by kind of column: the expected side of each comparison is computed by the
 * server, never by this code.
 */
export const storedForms: Partial<Record<ColumnType["kind"], (value: string) => string>> = {
  boolean: (v) => `${v}::text`,
  date: (v) => `(${v} - date '1970-01-01')::text`,
  time: (v) => `(extract(epoch from ${v}) * 1000000)::bigint::text`,
  timestamp: (v) =>
    `((${v}::date - date '1970-01-01')::numeric * 86400000000 + (extract(epoch from ${v}::time) * 1000000)::bigint)::text`,
  uuid: (v) => `replace(${v}::text, '-', '')`,
  binary: (v) => `encode(${v}, 'hex')`,
};

/** A stored value as text, to compare with the server's spelling of it. */
export function spell(value: unknown): string | null {
  if (value === null) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return String(value as string | number | bigint | boolean);
}

/** A column type of PostgreSQL with values at its edges. */
export interface TypeCase {
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
/** Every built-in type, some of extensions, an enum and a domain. `casesPrelude` makes what they need. */
export const typeCases: readonly TypeCase[] = [
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

/** Types and extensions that the cases use. */
export const casesPrelude = `
  create extension citext; create extension hstore;
  create type mood as enum ('sad', 'it''s ok'); create domain price as numeric(10,2) check (value >= 0)`;

/** Statements that make table `t`: a column per case (`c0`, `c1` …), a row per value, the last one of nulls. */
export function casesTable(): string[] {
  const length = Math.max(...typeCases.map(({ values }) => values.length)) + 1;
  const columns = typeCases.map(({ sql }, i) => `c${i} ${sql}`);
  const rows = Array.from({ length }, (_, row) => {
    const values = typeCases.map(({ sql, values: list }) =>
      row < list.length ? `'${list[row]!.replaceAll("'", "''")}'::${sql}` : "null",
    );
    return `insert into t values (${row}, ${values.join(", ")})`;
  });
  return [`create table t (row_number int primary key, ${columns.join(", ")})`, ...rows];
}

/** Settings that are pinned when a source reads: the server's own text is to be taken under them. */
export const pinnedSettings =
  "set timezone to 'UTC'; set intervalstyle to postgres; set lc_monetary to 'C'; set extra_float_digits to 3";
