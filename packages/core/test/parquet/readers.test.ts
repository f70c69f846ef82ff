import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { vectorOf, type Batch } from "../../src/columns/index.ts";
import type { ColumnType, Schema } from "../../src/schema/types.ts";
import type { Compression } from "../../src/parquet/index.ts";
import { decode, encode } from "./values.ts";

let folder: string;
let duck: DuckDBConnection;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "alluvium-parquet-"));
  const instance = await DuckDBInstance.create(":memory:");
  duck = await instance.connect();
  await duck.run(
    "SET autoinstall_known_extensions = false; SET autoload_known_extensions = false; SET TimeZone = 'UTC'",
  );
});
afterAll(() => {
  duck.closeSync();
  rmSync(folder, { recursive: true, force: true });
});

async function query(sql: string): Promise<Record<string, unknown>[]> {
  return (await duck.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[];
}

/** One column per type; each with values that other implementations print in a known way. */
const columns: Readonly<
  Record<string, readonly [ColumnType, (row: number) => unknown, (row: number) => unknown]>
> = {
  flag: [{ kind: "boolean" }, (i) => i % 3 === 0, (i) => i % 3 === 0],
  tiny: [{ kind: "int8" }, (i) => (i % 256) - 128, (i) => (i % 256) - 128],
  small: [{ kind: "int16" }, (i) => (i % 999) - 500, (i) => (i % 999) - 500],
  whole: [{ kind: "int32" }, (i) => (i * 40_503) | 0, (i) => (i * 40_503) | 0],
  wide: [
    { kind: "int64" },
    (i) => BigInt(i) * 1_234_567_891_011n,
    (i) => String(BigInt(i) * 1_234_567_891_011n),
  ],
  real: [{ kind: "float32" }, (i) => i / 4, (i) => i / 4],
  double: [{ kind: "float64" }, (i) => i / 3, (i) => i / 3],
  money: [
    { kind: "decimal", precision: 9, scale: 2 },
    (i) => (i / 100).toFixed(2),
    (i) => (i / 100).toFixed(2),
  ],
  large: [
    { kind: "decimal", precision: 18, scale: 3 },
    (i) => `-${i + 1}123456.001`,
    (i) => `-${i + 1}123456.001`,
  ],
  huge: [
    { kind: "decimal", precision: 38, scale: 1 },
    (i) => `-${i + 1}1234567890123456789012345.5`,
    (i) => `-${i + 1}1234567890123456789012345.5`,
  ],
  text: [{ kind: "string" }, (i) => `größe ${i}`, (i) => `größe ${i}`],
  status: [{ kind: "string" }, (i) => `state ${i % 5}`, (i) => `state ${i % 5}`],
  day: [
    { kind: "date" },
    (i) => new Date(864e5 * i).toISOString().slice(0, 10),
    (i) => new Date(864e5 * i).toISOString().slice(0, 10),
  ],
  clock: [{ kind: "time" }, (i) => `0${i % 10}:30:00.25`, (i) => `0${i % 10}:30:00.25`],
  instant: [
    { kind: "timestamp", zone: "utc" },
    (i) => BigInt(i) * 1_000_000n,
    (i) => `${new Date(1000 * i).toISOString().slice(0, 19).replace("T", " ")}+00`,
  ],
  wall: [
    { kind: "timestamp", zone: "local" },
    (i) => BigInt(i) * 1_000_000n,
    (i) => new Date(1000 * i).toISOString().slice(0, 19).replace("T", " "),
  ],
  key: [
    { kind: "uuid" },
    (i) => `00000000-0000-4000-8000-${i.toString(16).padStart(12, "0")}`,
    (i) => `00000000-0000-4000-8000-${i.toString(16).padStart(12, "0")}`,
  ],
  doc: [{ kind: "json" }, (i) => ({ n: i }), (i) => `{"n":${i}}`],
  tags: [
    { kind: "list", element: { name: "element", nullable: true, type: { kind: "int32" } } },
    (i) => (i % 4 === 0 ? [] : [i, null, i + 1]),
    (i) => (i % 4 === 0 ? [] : [i, null, i + 1]),
  ],
  point: [
    {
      kind: "struct",
      fields: [
        { name: "x", nullable: true, type: { kind: "string" } },
        { name: "y", nullable: false, type: { kind: "int32" } },
      ],
    },
    (i) => ({ x: i % 2 === 0 ? null : `x${i}`, y: i }),
    (i) => ({ x: i % 2 === 0 ? null : `x${i}`, y: i }),
  ],
  map: [
    {
      kind: "map",
      key: { name: "key", nullable: false, type: { kind: "string" } },
      value: {
        name: "value",
        nullable: true,
        type: { kind: "list", element: { name: "element", nullable: true, type: { kind: "int32" } } },
      },
    },
    (i) =>
      new Map<string, unknown>([
        ["a", [1, i]],
        [`b${i}`, null],
      ]),
    (i) => [
      { key: "a", value: [1, i] },
      { key: `b${i}`, value: null },
    ],
  ],
};

const schema: Schema = {
  fields: Object.entries(columns).map(([name, [type]]) => ({ name, type, nullable: true })),
};

const isNull = (row: number): boolean => row % 7 === 3;

function* batches(rows: number): Generator<Batch> {
  for (let start = 0; start < rows; start += 333) {
    const length = Math.min(333, rows - start);
    yield {
      schema,
      length,
      columns: Object.values(columns).map(([type, value]) =>
        vectorOf(
          type,
          Array.from({ length }, (_, i) => (isNull(start + i) ? null : value(start + i))),
        ),
      ),
    };
  }
}

const settings: readonly [string, Compression, object][] = [
  ["zstd", "zstd", {}],
  ["snappy, checksums", "snappy", { pageChecksums: true }],
  ["gzip, no dictionary", "gzip", { dictionary: false }],
  ["none, no delta", "none", { delta: false }],
  [
    "zstd, plain only, small pages and groups",
    "zstd",
    { dictionary: false, delta: false, pageValues: 40, rowGroupRows: 250 },
  ],
];

describe.each(settings)("a file written with %s", { timeout: 60_000 }, (label, compression, options) => {
  const rows = 1500;

  it("is read by DuckDB with the same values", async () => {
    const { bytes } = await encode(schema, batches(rows), { compression, ...options });
    const path = join(folder, `${label.replaceAll(/\W+/g, "-")}.parquet`);
    writeFileSync(path, bytes);
    const found = await query(`SELECT * FROM read_parquet('${path}')`);
    expect(found).toHaveLength(rows);
    for (const [name, [, , printed]] of Object.entries(columns))
      expect(found.map((row) => row[name])).toEqual(
        Array.from({ length: rows }, (_, i) => (isNull(i) ? null : printed(i))),
      );
  });

  it("is read by hyparquet", async () => {
    const { bytes } = await encode(schema, batches(rows), { compression, ...options });
    const file = new Uint8Array(bytes).buffer;
    const found = await parquetReadObjects({ file, compressors });
    expect(found).toHaveLength(rows);
    for (const name of ["wide", "text", "status", "double"])
      expect(found.map((row) => row[name])).toEqual(
        Array.from({ length: rows }, (_, i) => (isNull(i) ? null : columns[name]![1](i))),
      );
  });
});

it("has the statistics that DuckDB finds in the data", { timeout: 60_000 }, async () => {
  const { bytes } = await encode(schema, batches(1500), { rowGroupRows: 400 });
  const path = join(folder, "statistics.parquet");
  writeFileSync(path, bytes);
  const chunks = await query(
    `SELECT path_in_schema, row_group_id, stats_null_count, stats_min_value, stats_max_value FROM parquet_metadata('${path}')`,
  );
  expect(new Set(chunks.map((chunk) => chunk["row_group_id"])).size).toBe(4);
  for (const name of ["tiny", "whole", "wide", "money", "large", "huge", "text", "day", "instant", "double"])
    for (const chunk of chunks.filter(({ path_in_schema }) => path_in_schema === name)) {
      const start = 400 * Number(chunk["row_group_id"]);
      const [real] = await query(
        `SELECT count(*) - count(v) AS nulls, min(v)::VARCHAR AS low, max(v)::VARCHAR AS high FROM
           (SELECT "${name}" AS v FROM read_parquet('${path}', file_row_number = true) WHERE file_row_number BETWEEN ${start} AND ${start + 399})`,
      );
      expect([name, String(chunk["stats_null_count"])]).toEqual([name, real!["nulls"]]);
      // The two zeros are equal; the lower bound is the negative one.
      expect([
        name,
        String(chunk["stats_min_value"]).replace(/^-0.0$/, "0.0"),
        chunk["stats_max_value"],
      ]).toEqual([name, real!["low"], real!["high"]]);
    }
});

it("answers DuckDB's filters by statistics without losing rows", { timeout: 60_000 }, async () => {
  const { bytes } = await encode(schema, batches(1500), { rowGroupRows: 100 });
  const path = join(folder, "filter.parquet");
  writeFileSync(path, bytes);
  const [found] = await query(
    `SELECT count(*) FILTER (large = -8123456.001) AS a FROM read_parquet('${path}') WHERE large = -8123456.001`,
  );
  const [text] = await query(`SELECT count(*) AS n FROM read_parquet('${path}') WHERE text = 'größe 999'`);
  expect([found!["a"], text!["n"]]).toEqual(["1", "1"]);
});

// DuckDB takes seconds for brotli on a busy machine.
describe("files that DuckDB writes", { timeout: 60_000 }, () => {
  const select = `SELECT i::BIGINT AS id, CASE WHEN i % 5 = 0 THEN NULL ELSE (i * 7919) % 100000 END::INTEGER AS n,
    i::SMALLINT % 100 AS s, (i % 200)::UTINYINT AS u8, (i * 9)::USMALLINT AS u16, (i * 850000)::UINTEGER AS u32, (i + 18446744073709540000::HUGEINT)::UBIGINT AS u64,
    i / 3 AS d, i % 2 = 0 AS b, 'text ' || i AS t, 'few ' || (i % 4) AS few,
    (i / 100)::DECIMAL(9, 2) AS d9, (i * 1000003)::DECIMAL(18, 0) AS d18, (i * 1000003)::DECIMAL(38, 5) AS d38,
    DATE '2020-01-01' + i::INTEGER AS day, TIMESTAMP '2020-01-01 00:00:00' + to_microseconds(i) AS ts, TIMESTAMPTZ '2020-01-01 00:00:00+00' + to_microseconds(i) AS tz,
    TIMESTAMP_NS '2020-01-01 00:00:00.000001' AS ns, ('00000000-0000-4000-8000-' || lpad(i::VARCHAR, 12, '0'))::UUID AS id2, ('x' || i)::BLOB AS raw,
    CASE WHEN i % 3 = 0 THEN NULL WHEN i % 3 = 1 THEN [] ELSE [i, NULL] END AS list, {a: i, b: 'm' || i} AS st, MAP {'k' || i: [i]} AS m
    FROM range(5000) t(i)`;
  it.each([
    ["snappy", "V1", ""],
    ["zstd", "V1", ", ROW_GROUP_SIZE 2048"],
    ["gzip", "V1", ""],
    ["uncompressed", "V2", ""],
    ["zstd", "V2", ""],
    ["snappy", "V2", ", DICTIONARY_SIZE_LIMIT 1"],
    ["brotli", "V1", ""],
    ["lz4_raw", "V1", ""],
    ["lz4_raw", "V2", ""],
  ])("with %s, %s%s are read with the same values", async (codec, version, more) => {
    const path = join(folder, `duck-${codec}-${version}${more.length}.parquet`);
    await duck.run(
      `COPY (${select}) TO '${path}' (FORMAT parquet, COMPRESSION ${codec}, PARQUET_VERSION ${version}${more})`,
    );
    const { columns: read, schema: found } = await decode(readFileSync(path));
    const kinds = Object.fromEntries(found.fields.map(({ name, type }) => [name, type.kind]));
    expect(kinds).toMatchObject({
      u8: "int16",
      u16: "int32",
      u32: "int64",
      u64: "decimal",
      ts: "timestamp",
      day: "date",
      id2: "uuid",
      list: "list",
      st: "struct",
      m: "map",
      d38: "decimal",
      raw: "binary",
    });
    const rows = Array.from({ length: 5000 }, (_, i) => i);
    const start = 1_577_836_800_000_000n;
    const expected: Record<string, (i: number) => unknown> = {
      id: (i) => BigInt(i),
      n: (i) => (i % 5 === 0 ? null : (i * 7919) % 100_000),
      u8: (i) => i % 200,
      u16: (i) => i * 9,
      u32: (i) => BigInt(i) * 850_000n,
      u64: (i) => BigInt(i) + 18_446_744_073_709_540_000n,
      d: (i) => i / 3,
      b: (i) => i % 2 === 0,
      t: (i) => `text ${i}`,
      few: (i) => `few ${i % 4}`,
      d9: (i) => BigInt(i),
      d18: (i) => BigInt(i) * 1_000_003n,
      d38: (i) => BigInt(i) * 100_000_300_000n,
      day: (i) => 18_262 + i,
      ts: (i) => start + BigInt(i),
      tz: (i) => start + BigInt(i),
      ns: () => start + 1n,
      id2: (i) => `0000000000004000800${String(i).padStart(13, "0")}`,
      raw: (i) => Buffer.from(`x${i}`).toString("hex"),
      list: (i) => (i % 3 === 0 ? null : i % 3 === 1 ? [] : [BigInt(i), null]),
      st: (i) => [BigInt(i), `m${i}`],
      m: (i) => [[`k${i}`, [BigInt(i)]]],
    };
    for (const [name, value] of Object.entries(expected))
      expect([name, read[name]]).toEqual([name, rows.map(value)]);
  });
});
