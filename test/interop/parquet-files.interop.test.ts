import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rowsOf } from "@alluvium/core/columns";
import { parquet, type FileContent } from "@alluvium/sources/files";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spark, writeParquetFiles } from "./client.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "alluvium-parquet-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The rows of a file, with the kinds of its columns. */
async function read(
  path: string,
): Promise<{ rows: Record<string, unknown>[]; kinds: Record<string, string> }> {
  const bytes = readFileSync(path);
  const file: FileContent = {
    path,
    size: bytes.length,
    modified: new Date(0),
    tag: "1",
    compression: "none",
    async *read(offset = 0) {
      yield bytes.subarray(offset);
    },
    range: (start, end) => Promise.resolve(bytes.subarray(start, end)),
  };
  const decoder = parquet().decoder({
    signal: new AbortController().signal,
    schema: { fields: [] },
    batchBytes: 1 << 16,
  });
  const rows: Record<string, unknown>[] = [];
  let kinds: Record<string, string> = {};
  for await (const item of decoder.read(file)) {
    if (!("batch" in item)) throw new Error("a row was refused");
    kinds = Object.fromEntries(item.batch.schema.fields.map(({ name, type }) => [name, type.kind]));
    rows.push(...(rowsOf(item.batch, { timestamps: "micros" }) as Record<string, unknown>[]));
  }
  return { rows, kinds };
}

const start = 1_577_836_800_000_000n;
const some = (i: number, value: unknown): unknown => (i % 7 === 0 ? null : value);
const digits = (value: number, scale: number): string => value.toFixed(scale).replace(/^-(0\.0+)$/, "$1");

/** Some microseconds after 01:02:03, without zeros at the end. */
const clock = (micros: number): string =>
  `01:02:03.${String(micros).padStart(6, "0")}`.replace(/0+$/, "").replace(/\.$/, "");

/** The values of row i, as `parquet_files.py` writes them. */
const expected: Readonly<Record<string, (i: number) => unknown>> = {
  i8: (i) => some(i, (i % 100) - 50),
  u8: (i) => i % 256,
  u16: (i) => i,
  u32: (i) => 2n ** 32n - 1n - BigInt(i),
  u64: (i) => String(2n ** 64n - 1n - BigInt(i)),
  f16: (i) => i / 8,
  f32: (i) => i / 4,
  f64: (i) => i / 3,
  d4: (i) => digits(i / 4, 2),
  d8: (i) => digits(-i / 4, 2),
  d16: (i) => some(i, `${BigInt(i) * 10n ** 20n}.0000000000`),
  t32: (i) => clock(1000 * (i % 1000)),
  t64: clock,
  ts_ms: (i) => start + 1000n * BigInt(i % 1000),
  ts_us: (i) => some(i, -315_619_200_000_000n + BigInt(i)),
  ts_ns: (i) => start + BigInt(i),
  day: (i) => new Date(1_577_836_800_000 + 86_400_000 * i).toISOString().slice(0, 10),
  s: (i) => some(i, `text ${i}`),
  b: (i) => Uint8Array.of(i & 255),
  fx: (i) => Uint8Array.of(i & 255, 0, 1),
  few: (i) => `k${i % 5}`,
  list: (i) => some(i, [i, null].slice(0, i % 3)),
  lists: (i) => [["a"], []].slice(0, i % 3),
  st: (i) => some(i, { x: BigInt(i), y: i % 2 === 1 ? null : "y" }),
  m: (i) =>
    new Map(
      (
        [
          ["a", BigInt(i)],
          ["b", null],
        ] as const
      ).slice(0, i % 3),
    ),
  bo: (i) => some(i, i % 2 === 0),
};

describe("files that other implementations write are read with the same values", () => {
  it("pyarrow, in every layout", async () => {
    const names = await writeParquetFiles(folder);
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) {
      const { rows, kinds } = await read(join(folder, `${name}.parquet`));
      expect(kinds).toMatchObject({
        u64: "decimal",
        f16: "float32",
        d16: "decimal",
        few: "string",
        m: "map",
      });
      for (const [column, value] of Object.entries(expected))
        expect([name, column, rows.map((row) => row[column])]).toEqual([
          name,
          column,
          Array.from({ length: 2000 }, (_, i) => value(i)),
        ]);
      expect(rows.map((row) => row["tns"])).toEqual(rows.map((row) => row["t64"]));
    }
  });

  it.each([
    ["lz4", "false", "TIMESTAMP_MICROS"],
    ["lz4_raw", "false", "TIMESTAMP_MILLIS"],
    ["snappy", "true", "INT96"],
    ["zstd", "true", "TIMESTAMP_MICROS"],
  ])("Spark with %s, legacy %s, %s", async (codec, legacy, times) => {
    const to = join(folder, `spark-${codec}`);
    await spark(
      `set spark.sql.parquet.writeLegacyFormat=${legacy}`,
      `set spark.sql.parquet.outputTimestampType=${times}`,
      `INSERT OVERWRITE DIRECTORY '${to}' USING parquet OPTIONS (compression '${codec}')
       SELECT id, CAST(id AS DECIMAL(9, 2)) AS d9, CAST(id AS DECIMAL(38, 3)) AS d38, concat('t', id % 3) AS few,
         array(id, NULL) AS list, map(concat('k', id), id) AS m, named_struct('a', id, 'b', 'x') AS st,
         TIMESTAMP '2020-01-01 00:00:00' + make_interval(0, 0, 0, 0, 0, 0, id) AS at, DATE '2020-01-01' AS day,
         CAST(concat('b', id) AS BINARY) AS raw
       FROM range(0, 1000, 1, 1)`,
      "set spark.sql.parquet.writeLegacyFormat=false",
      "set spark.sql.parquet.outputTimestampType=INT96",
      "SELECT 1",
    );
    const files = globSync("*.parquet", { cwd: to });
    const rows = (await Promise.all(files.map((file) => read(join(to, file))))).flatMap((file) => file.rows);
    expect(rows).toEqual(
      Array.from({ length: 1000 }, (_, i) => ({
        id: BigInt(i),
        d9: `${i}.00`,
        d38: `${i}.000`,
        few: `t${i % 3}`,
        list: [BigInt(i), null],
        m: new Map([[`k${i}`, BigInt(i)]]),
        st: { a: BigInt(i), b: "x" },
        at: start + 1_000_000n * BigInt(i),
        day: "2020-01-01",
        raw: new Uint8Array(Buffer.from(`b${i}`)),
      })),
    );
  });
});
