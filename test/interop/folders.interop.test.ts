import { join } from "node:path";
import { expect, test } from "vitest";
import type { Field } from "@alluvium/core";
import { digestWith, readWith, type Engine, type Place } from "./client.ts";
import { expectRows } from "./compare.ts";
import { digestOf } from "./digest.ts";
import { column, decimal, instant, listOf, mapOf, structOf, wallClock, type Row } from "./expected.ts";
import { loadParquet, temporaryFolder } from "./lake.ts";

const among: readonly Engine[] = ["pyarrow", "duckdb", "spark"];
const at = (lake: string, table: string): Place => ({ path: join(lake, table), format: "parquet" });
const key = column("id", "int32", false);

async function expectFolder(
  place: Place,
  fields: readonly Field[],
  rows: readonly Row[],
  engines: readonly Engine[] = among,
): Promise<void> {
  for (const engine of engines) {
    const read = await readWith(engine, place);
    expect([engine, [...read.names].sort()]).toEqual([engine, fields.map(({ name }) => name).sort()]);
    expectRows(read, { fields, rows });
  }
}

const fields = [
  key,
  column("flag", "boolean"),
  column("tiny", "int8"),
  column("long", "int64"),
  column("single", "float32"),
  column("double", "float64"),
  column("money", decimal(9, 2)),
  column("mid", decimal(18, 18)),
  column("wide", decimal(38, 10)),
  column("text", "string"),
  column("bytes", "binary"),
  column("day", "date"),
  column("at", instant),
  column("wall", wallClock),
  column("tags", listOf("string")),
  column("person", structOf(column("name", "string"), column("address", structOf(column("zip", "int32"))))),
  column("lines", listOf(structOf(column("sku", "string"), column("qty", listOf("int32"))))),
  column("counts", mapOf("string", listOf("int64"))),
];
const rows: readonly Row[] = [
  {
    id: 0,
    flag: true,
    tiny: -128,
    long: -(2n ** 63n),
    single: Number.NaN,
    double: -0,
    money: "-9999999.99",
    mid: "0.999999999999999999",
    wide: "-9999999999999999999999999999.9999999999",
    text: "😀 ünï\u0000",
    bytes: new Uint8Array([0, 255]),
    day: "0001-01-01",
    at: -62_135_596_799_999_999n,
    wall: 253_402_300_799_999_999n,
    tags: ["a", null, ""],
    person: { name: null, address: { zip: 1 } },
    lines: [{ sku: "s", qty: [1, null] }, null, { sku: null, qty: [] }],
    counts: new Map<string, unknown>([
      ["k", [1n, null]],
      ["n", null],
      ["e", []],
    ]),
  },
  { id: 1 },
  {
    id: 2,
    flag: false,
    tiny: 127,
    long: 2n ** 63n - 1n,
    single: -Infinity,
    double: 5e-324,
    money: "0.01",
    mid: "-0.000000000000000001",
    wide: "0.0000000001",
    text: "",
    bytes: new Uint8Array(),
    day: "9999-12-31",
    at: -1n,
    wall: -12_220_156_800_000_001n,
    tags: [],
    person: { name: "x", address: null },
    lines: [],
    counts: new Map(),
  },
];

test.for(["zstd", "snappy", "gzip", "none"] as const)(
  "folders of every type, compressed by %s",
  async (compression) => {
    const lake = temporaryFolder();
    const all = Array.from({ length: 300 }, (_, i) => ({ ...rows[i % 3]!, id: i }));
    await loadParquet(lake, { types: { fields, rows: all } }, { compression });
    await expectFolder(
      at(lake, "types"),
      fields,
      all,
      compression === "zstd" ? among : ["pyarrow", "duckdb"],
    );
  },
);

test("uuid, JSON and time have types of their own where Parquet has them", async () => {
  const lake = temporaryFolder();
  const special = [key, column("ident", "uuid"), column("doc", "json"), column("clock", "time")];
  const written = [
    { id: 0, ident: "00000000-0000-4000-8000-0000000000ff", doc: { a: [1, null] }, clock: "24:00:00" },
    { id: 1 },
  ];
  await loadParquet(lake, { special: { fields: special, rows: written } });
  const stored = written.map((row) => ({
    ...row,
    doc: row.doc === undefined ? null : JSON.stringify(row.doc),
  }));
  await expectFolder(at(lake, "special"), special, stored, ["pyarrow", "duckdb"]);
  // Spark knows no UUID in Parquet.
  await expect(readWith("spark", at(lake, "special"))).rejects.toThrow("UUID");
});

test("partitions and columns that came later", async () => {
  const lake = temporaryFolder();
  const texts = [
    "plain",
    "with space",
    "100%",
    "a/b",
    "k=v",
    "ünï 😀",
    "..",
    "a?b#c&d+e",
    "quote'\"",
    "back\\slash",
    null,
  ];
  const first = [key, column("country", "string"), column("at", instant)];
  const rowAt = (id: number): Row => ({
    id,
    country: texts[id % texts.length],
    at: BigInt(id) * 30_000_000_000n,
  });
  const partitionBy = [{ column: "country" }, { column: "at", transform: "day" as const }];
  const one: Row[] = Array.from({ length: 30 }, (_, i) => rowAt(i));
  await loadParquet(lake, { parted: { fields: first, rows: one, partitionBy } });
  const grown = [...first, column("more", structOf(column("x", decimal(10, 2)), column("y", "string")))];
  const two: Row[] = Array.from({ length: 10 }, (_, i) => ({
    ...rowAt(30 + i),
    more: i % 2 === 0 ? null : { x: `${i}.5`, y: null },
  }));
  await loadParquet(lake, { parted: { fields: grown, rows: two, partitionBy } });
  const stored = [...one, ...two].map((row) => ({
    ...row,
    at_day: new Date(Number(row["at"]) / 1000).toISOString().slice(0, 10),
  }));
  await expectFolder(at(lake, "parted"), [...grown, column("at_day", "date")], stored, ["duckdb", "spark"]);
  // Names of folders are text to pyarrow unless it is told otherwise.
  await expectFolder(at(lake, "parted"), [...grown, column("at_day", "string")], stored, ["pyarrow"]);
});

test("many rows in several files and row groups", async () => {
  const lake = temporaryFolder();
  const many = [
    column("id", "int64", false),
    column("text", "string"),
    column("word", "string"),
    column("total", decimal(15, 2)),
    column("at", instant),
  ];
  const all = Array.from({ length: 120_000 }, (_, i) => ({
    id: BigInt(i),
    text: i % 13 === 0 ? null : `text ${(i * 2_654_435_761) % 2 ** 32} ${(i * 40_503) % 65_521}`,
    word: ["alpha", "beta", null, ""][i % 4],
    total: `${i - 60_000}.${String(i % 100).padStart(2, "0")}`,
    at: BigInt(i) * 1_000_003n,
  }));
  await loadParquet(
    lake,
    { big: { fields: many, rows: all, batchRows: 5_000 } },
    { budget: 3 * 1024 * 1024, targetFileBytes: 1024 * 1024 },
  );
  const wanted = { rows: all.length, columns: digestOf(many, all, "id") };
  for (const engine of among)
    expect([engine, await digestWith(engine, at(lake, "big"), "id")]).toEqual([engine, wanted]);
});
