import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AlluviumError, type Json } from "@alluvium/core";
import { vectorOf } from "@alluvium/core/columns";
import { createParquetEncoder } from "@alluvium/core/parquet";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parquet } from "../../../src/files/parquet/index.ts";
import type { FileContent, FileFormat, FileItem } from "../../../src/files/format.ts";
import { contentOf } from "../content-of.ts";
import { decoderOf, gathered, itemsOf as decodeItems } from "../decoded.ts";

let folder: string;
let duck: DuckDBConnection;
let count = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "alluvium-files-parquet-"));
  duck = await (await DuckDBInstance.create(":memory:")).connect();
  await duck.run(
    "SET autoinstall_known_extensions = false; SET autoload_known_extensions = false; SET TimeZone = 'UTC'",
  );
});
afterAll(() => {
  duck.closeSync();
  rmSync(folder, { recursive: true, force: true });
});

/** The bytes of a file that DuckDB writes. */
async function written(select: string, options = ""): Promise<Uint8Array> {
  const path = join(folder, `${count++}.parquet`);
  await duck.run(`COPY (${select}) TO '${path}' (FORMAT parquet${options})`);
  return readFileSync(path);
}

/** All items of a file, by a new decoder. */
async function itemsOf(
  format: FileFormat,
  file: FileContent,
  { since, ...options }: Parameters<typeof decoderOf>[1] & { readonly since?: Json | undefined } = {},
): Promise<FileItem[]> {
  return decodeItems(decoderOf(format, options), file, since);
}

function rowsIn(items: readonly FileItem[]): readonly Record<string, unknown>[] {
  return gathered(items).rows;
}

async function failureOf(work: Promise<unknown>): Promise<AlluviumError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!AlluviumError.is(error)) throw new Error("no error of ours", { cause: error });
  return error;
}

describe("parquet()", () => {
  const many = "SELECT i::INTEGER AS id, 'name ' || (i % 7) AS name, i * 2 AS twice FROM range(10000) t(i)";

  it.each(["zstd", "snappy", "gzip", "uncompressed", "lz4_raw", "brotli"])(
    "reads files of another writer, compressed by %s",
    async (codec) => {
      const bytes = await written(many, `, COMPRESSION ${codec}, ROW_GROUP_SIZE 4096`);
      const rows = rowsIn(await itemsOf(parquet(), contentOf(bytes)));
      expect(rows).toEqual(
        Array.from({ length: 10_000 }, (_, i) => ({ id: i, name: `name ${i % 7}`, twice: BigInt(2 * i) })),
      );
    },
  );

  it("goes on after the position of any item, and says where rows stood", async () => {
    const bytes = await written(many, ", ROW_GROUP_SIZE 4096");
    const file = contentOf(bytes);
    const items = await itemsOf(parquet(), file, { batchBytes: 20_000 });
    expect(items.length).toBeGreaterThan(9);
    const all = rowsIn(items);
    expect(all).toHaveLength(10_000);
    let before = 0;
    for (const [i, item] of items.entries()) {
      if (!("batch" in item)) throw new Error("a row was refused");
      expect(item.locate(0)).toEqual({ row: before + 1 });
      before += item.batch.length;
      if (i % 5 !== 0 && i < items.length - 2) continue;
      const rest = await itemsOf(parquet(), file, { batchBytes: 30_000, since: item.position });
      expect(rowsIn(rest)).toEqual(all.slice(before));
      const places = rest.slice(0, 1).map((first) => "batch" in first && first.locate(0));
      expect(places).toEqual(before === 10_000 ? [] : [{ row: before + 1 }]);
    }
  });

  it("fetches no bytes of columns that are not wanted", async () => {
    const bytes = await written(
      "SELECT i AS id, md5(i::VARCHAR) AS wide, i % 3 AS few FROM range(200000) t(i)",
      ", COMPRESSION uncompressed",
    );
    const file = contentOf(bytes);
    let fetched = 0;
    const counted = {
      ...file,
      range: (start: number, end: number) => {
        fetched += end - start;
        return file.range(start, end);
      },
    };
    const rows = rowsIn(await itemsOf(parquet({ columns: ["few", "gone"] }), counted));
    expect(rows).toHaveLength(200_000);
    expect(rows[4]).toEqual({ few: 1n });
    expect(fetched).toBeLessThan(bytes.length / 10);
    const missing = await failureOf(itemsOf(parquet({ columns: ["gone", "away"] }), file));
    expect([missing.code, missing.message]).toEqual([
      "ALV_SOURCE_NOT_FOUND",
      "file has none of the columns gone, away; it has id, wide, few",
    ]);
  });

  it("gives columns the types that are given, where values have that form", async () => {
    const bytes = await written("SELECT 7::INTEGER AS id, 'x' AS name, 1.5::DOUBLE AS rate");
    const [item] = await itemsOf(parquet(), contentOf(bytes), {
      schema: { fields: [{ name: "id", type: { kind: "int64" }, nullable: false }] },
      columns: { name: { type: "int64" }, rate: { type: "decimal", precision: 5, scale: 2 } },
    });
    if (item === undefined || !("batch" in item)) throw new Error("no rows");
    expect(item.batch.schema.fields).toEqual([
      { name: "id", type: { kind: "int64" }, nullable: false },
      { name: "name", type: { kind: "string" }, nullable: true },
      { name: "rate", type: expect.anything(), nullable: true },
    ]);
    expect(rowsIn([item])[0]).toMatchObject({ id: 7n, name: "x" });
  });

  it("keeps the schema the same object over files that are alike", async () => {
    const decoder = decoderOf(parquet());
    const schemas = new Set();
    for (const from of [0, 100])
      for await (const item of decoder.read(
        contentOf(await written(`SELECT i + ${from} AS id FROM range(10) t(i)`)),
      ))
        if ("batch" in item) schemas.add(item.batch.schema);
    expect(schemas.size).toBe(1);
  });

  it("refuses times that lie between two microseconds, unless they may be cut", async () => {
    const bytes = await written("SELECT TIMESTAMP_NS '2020-01-01 00:00:00.000001999' AS at");
    const error = await failureOf(itemsOf(parquet(), contentOf(bytes, { path: "times.parquet" })));
    expect(error.code).toBe("ALV_VALUE_UNREPRESENTABLE");
    expect(error.message).toMatch(/^times\.parquet: column at holds a time of 1577836800000001999 ns/);
    const [row] = rowsIn(await itemsOf(parquet({ nanoseconds: "floor" }), contentOf(bytes)));
    expect(row).toEqual({ at: 1_577_836_800_000_001n });
  });

  it("names file, column and byte of what is damaged", async () => {
    const chunks: Uint8Array[] = [];
    const type = { kind: "string" } as const;
    const encoder = createParquetEncoder({
      schema: { fields: [{ name: "note", type, nullable: true }] },
      sink: (bytes) => {
        chunks.push(new Uint8Array(bytes));
        return Promise.resolve();
      },
      compression: "zstd",
      pageChecksums: true,
    });
    const notes = vectorOf(
      type,
      Array.from({ length: 1000 }, (_, i) => `note ${i} ${i * 7919}`),
    );
    await encoder.write({
      schema: { fields: [{ name: "note", type, nullable: true }] },
      length: 1000,
      columns: [notes],
    });
    await encoder.close();
    const bytes = new Uint8Array(Buffer.concat(chunks));
    expect(rowsIn(await itemsOf(parquet(), contentOf(bytes)))).toHaveLength(1000);
    const hit = bytes.slice();
    hit.fill(0xaa, 200, 260);
    const damaged = await failureOf(itemsOf(parquet(), contentOf(hit, { path: "notes.parquet" })));
    expect(damaged.code).toBe("ALV_SOURCE_DATA");
    expect(damaged.message).toMatch(/^notes\.parquet, column note, at byte \d+: .*Put a whole file/);
    const cut = await failureOf(itemsOf(parquet(), contentOf(bytes.subarray(0, 900))));
    expect([cut.code, cut.message]).toEqual([
      "ALV_SOURCE_DATA",
      expect.stringMatching(/no Parquet file, or cut off/),
    ]);
    const text = await failureOf(itemsOf(parquet(), contentOf(Buffer.from("id,name\n1,a\n2,b\n"))));
    expect(text.code).toBe("ALV_SOURCE_DATA");
  });

  it("refuses files that are compressed as a whole, and positions of other formats", async () => {
    const bytes = await written("SELECT 1 AS id");
    const packed = await failureOf(
      itemsOf(parquet(), { ...contentOf(bytes, { path: "a.parquet.gz" }), compression: "gzip" }),
    );
    expect([packed.code, packed.message]).toEqual([
      "ALV_UNSUPPORTED",
      expect.stringMatching(/^a\.parquet\.gz: /),
    ]);
    const strange = await failureOf(itemsOf(parquet(), contentOf(bytes), { since: { line: 4 } }));
    expect(strange.code).toBe("ALV_STATE_MISMATCH");
    for (const options of [{ columns: [] }, { columns: ["a", "a"] }, { nanoseconds: "up" as "floor" }])
      expect(() => parquet(options)).toThrow(expect.objectContaining({ code: "ALV_CONFIG" }) as Error);
  });
});
