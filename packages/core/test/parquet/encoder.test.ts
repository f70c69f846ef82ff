import { describe, expect, it } from "vitest";
import { vectorOf, type Batch, type Scalar, type Vector } from "../../src/columns/index.ts";
import {
  bytesSource,
  createParquetEncoder,
  openParquet,
  type ParquetEncoderOptions,
} from "../../src/parquet/index.ts";
import type { ColumnType, Schema } from "../../src/schema/types.ts";
import { Random } from "./random.ts";
import { decode, encode, valuesOf } from "./values.ts";

const int64: ColumnType = { kind: "int64" };
const text: ColumnType = { kind: "string" };
const schema: Schema = {
  fields: [
    { name: "id", nullable: false, type: int64 },
    { name: "note", nullable: true, type: text },
  ],
};

function batchOf(rows: number, random: Random = new Random(1)): Batch {
  return {
    schema,
    length: rows,
    columns: [
      vectorOf(
        int64,
        Array.from({ length: rows }, () => random.bigint(64)),
      ),
      vectorOf(
        text,
        Array.from({ length: rows }, () => random.bigint(60).toString(36).repeat(3)),
      ),
    ],
  };
}

const encodingsOf = async (bytes: Uint8Array, column: number = 0) => {
  const file = await openParquet(bytesSource(bytes));
  return file.rowGroups.map((group) => group.columns[column]!.encodings);
};

const single = (
  type: ColumnType,
  columns: readonly Vector[],
  options: Partial<ParquetEncoderOptions> = {},
) => {
  const one: Schema = { fields: [{ name: "v", nullable: true, type }] };
  return encode(
    one,
    columns.map((column) => ({ schema: one, length: column.length, columns: [column] })),
    options,
  );
};

describe("encodings", { timeout: 60_000 }, () => {
  const random = new Random(3);
  const rows = 20_000;
  const make = (value: (i: number) => unknown) => Array.from({ length: rows }, (_, i) => value(i));

  it.each<[string, ColumnType, (i: number) => unknown, string[]]>([
    ["few integers", int64, () => BigInt(random.int(50)) * 1_000_003n, ["rle", "rleDictionary", "plain"]],
    ["rising integers", int64, (i) => BigInt(3 * i), ["rle", "deltaBinaryPacked"]],
    ["random 64 bits", int64, () => random.bigint(64), ["rle", "plain"]],
    [
      "timestamps",
      { kind: "timestamp", zone: "utc" },
      (i) => BigInt(i) * 1_000_000_007n,
      ["rle", "deltaBinaryPacked"],
    ],
    ["few texts", text, () => `state ${random.int(9)}`, ["rle", "rleDictionary", "plain"]],
    ["many texts", text, (i) => `text ${i}`, ["rle", "deltaLengthByteArray"]],
    ["random doubles", { kind: "float64" }, () => random.next(), ["rle", "plain"]],
    ["few doubles", { kind: "float64" }, () => random.int(9) / 4, ["rle", "rleDictionary", "plain"]],
    [
      "dates",
      { kind: "date" },
      (i) => new Date(864e5 * (i % 9000)).toISOString().slice(0, 10),
      ["rle", "deltaBinaryPacked"],
    ],
  ])("of %s are chosen by what pays", async (_, type, value, expected) => {
    const { bytes } = await single(type, [vectorOf(type, make(value))]);
    expect((await encodingsOf(bytes))[0]).toEqual(expected);
  });

  it("leave a dictionary that stops paying, in the middle of a chunk", async () => {
    const values = make((i) => (i < 12_000 ? `few ${i % 10}` : `many ${i}`));
    const { bytes } = await single(text, [vectorOf(text, values)], { pageValues: 3000 });
    expect(new Set((await encodingsOf(bytes))[0])).toEqual(
      new Set(["rle", "rleDictionary", "deltaLengthByteArray", "plain"]),
    );
    expect((await decode(bytes)).columns["v"]).toEqual(values);
  });

  it("leave a full dictionary of numbers in the middle of a page", async () => {
    const many = Array.from({ length: 150_000 }, (_, i) =>
      i < 70_000 ? BigInt(i % 3) * 2n ** 40n : (BigInt(i) * 2_654_435_761n) % 2n ** 40n,
    );
    const { bytes } = await single(int64, [vectorOf(int64, many)], {
      pageValues: 70_000,
      pageBytes: 1 << 24,
    });
    expect((await encodingsOf(bytes))[0]).toContain("rleDictionary");
    expect((await decode(bytes)).columns["v"]).toEqual(many);
  });

  it("of a dictionary vector need no more than its codes", async () => {
    const dictionary = vectorOf(text, ["x".repeat(100), "unused", "y".repeat(200)]);
    const codes = Int32Array.from({ length: 20_000 }, (_, i) => (i % 3 === 0 ? 0 : 2));
    const column: Vector = {
      layout: "dictionary",
      type: text,
      length: codes.length,
      nullCount: 0,
      validity: undefined,
      codes,
      dictionary,
    };
    const { bytes, summary } = await single(text, [column, column], { compression: "none" });
    expect(bytes.length).toBeLessThan(20_000);
    expect(summary.columns[0]!.min).toEqual(new TextEncoder().encode("x".repeat(100)));
    expect((await decode(bytes)).columns["v"]).toEqual([...valuesOf(column), ...valuesOf(column)]);
  });

  it.each<[string, ColumnType, (i: number) => Scalar]>([
    ["int32", { kind: "int32" }, (i) => i * 7],
    ["int64", int64, (i) => BigInt(i) * 2n ** 33n],
    ["decimal(9,2)", { kind: "decimal", precision: 9, scale: 2 }, (i) => BigInt(-i)],
    ["decimal(30,2)", { kind: "decimal", precision: 30, scale: 2 }, (i) => BigInt(i) * 10n ** 20n],
    ["float64", { kind: "float64" }, (i) => i / 8],
  ])("of dictionary vectors of %s, which change and fill the file's own", async (_, type, value) => {
    const part = (entries: number, first: number, rows: number): Vector => ({
      layout: "dictionary",
      type,
      length: rows,
      nullCount: first === 0 ? 0 : Math.ceil(rows / 8),
      validity: first === 0 ? undefined : new Uint8Array((rows + 7) >> 3).fill(0xfe),
      codes: Int32Array.from({ length: rows }, (_, i) => (i * 31) % entries),
      dictionary: vectorOf(
        type,
        Array.from({ length: entries }, (_, i) => value(first + i)),
      ),
    });
    const few = part(50, 0, 20_000);
    const columns = [few, few, part(60, 30, 9000), few, part(70_000, 10, 90_000), few];
    const { bytes } = await single(type, columns, { rowGroupRows: 25_007 });
    const encodings = new Set((await encodingsOf(bytes)).flat());
    expect(encodings).toContain("rleDictionary");
    expect(encodings.size).toBeGreaterThan(2);
    expect((await decode(bytes)).columns["v"]).toEqual(columns.flatMap(valuesOf));
  });

  it("obey the options by column", async () => {
    const { bytes } = await single(
      text,
      [
        vectorOf(
          text,
          make(() => "same"),
        ),
      ],
      { dictionary: { v: false }, delta: false },
    );
    expect((await encodingsOf(bytes))[0]).toEqual(["rle", "plain"]);
  });

  it("store pages that do not shrink, and compress again when they do", async () => {
    const mixed = make((i) => (i < 10_000 ? random.bigint(64) : BigInt(i & 1) << 60n));
    const { bytes } = await single(int64, [vectorOf(int64, mixed)], {
      pageValues: 500,
      dictionary: false,
      delta: false,
    });
    expect(bytes.length).toBeLessThan(120_000);
    expect((await decode(bytes)).columns["v"]).toEqual(mixed);
  });
});

/** A sink that takes its time, and must not be called meanwhile. */
function slowSink() {
  const pieces: Uint8Array[] = [];
  let busy = false;
  return {
    pieces,
    isBusy: () => busy,
    sink: async (bytes: Uint8Array): Promise<void> => {
      expect(busy).toBe(false);
      busy = true;
      const copy = new Uint8Array(bytes);
      await new Promise((resolve) => setTimeout(resolve, 2));
      pieces.push(copy);
      busy = false;
    },
  };
}

describe("the encoder", { timeout: 60_000 }, () => {
  it("holds no more memory than a row group and the open pages", async () => {
    let written = 0;
    let most = 0;
    const encoder = createParquetEncoder({
      schema,
      sink: async (bytes) => void (written += bytes.length),
      rowGroupBytes: 1 << 20,
      pageBytes: 1 << 16,
    });
    const random = new Random(9);
    for (let i = 0; i < 60; i++) {
      await encoder.write(batchOf(3000, random));
      most = Math.max(most, encoder.bufferedBytes);
      expect(encoder.estimatedBytes).toBeGreaterThanOrEqual(written);
    }
    const estimated = encoder.estimatedBytes;
    const summary = await encoder.close();
    expect(summary.rowGroups).toBeGreaterThan(4);
    expect(most).toBeLessThan(4 << 20);
    expect(Math.abs(estimated - summary.bytes) / summary.bytes).toBeLessThan(0.2);
    expect(written).toBe(summary.bytes);
  });

  it("gives back the memory of a row group that ends early", async () => {
    const pieces: Uint8Array[] = [];
    const encoder = createParquetEncoder({
      schema,
      compression: "none",
      sink: async (bytes) => void pieces.push(bytes),
    });
    const batch = batchOf(3000);
    await encoder.write(batch);
    await encoder.write(batch);
    expect(encoder.openGroupBytes).toBeGreaterThan(100_000);
    await encoder.endRowGroup();
    expect(encoder.openGroupBytes).toBe(0);
    expect(pieces.length).toBeGreaterThan(0);
    // There is none to end.
    await encoder.endRowGroup();
    await encoder.write(batch);
    expect(encoder.openGroupBytes).toBeGreaterThan(0);
    const { rowGroups, rows } = await encoder.close();
    expect({ rowGroups, rows }).toEqual({ rowGroups: 2, rows: 9000 });
    const ids = valuesOf(batch.columns[0]!);
    expect((await decode(Buffer.concat(pieces))).columns["id"]).toEqual([...ids, ...ids, ...ids]);
  });

  it("ends row groups while writes wait, and writes one after the other", async () => {
    const { pieces, sink } = slowSink();
    const encoder = createParquetEncoder({ schema, rowGroupRows: 1000, sink });
    const batch = batchOf(3000);
    let ended = 0;
    for (let i = 0; i < 5; i++) {
      const writing = encoder.write(batch);
      const ending = Array.from({ length: 3 }, () => encoder.endRowGroup().then(() => (ended += 1)));
      await Promise.all([writing, ...ending]);
      await encoder.write(batchOf(10));
    }
    await encoder.close();
    expect(ended).toBe(15);
    expect((await decode(Buffer.concat(pieces))).columns["id"]).toHaveLength(15_050);
  });

  it("calls its sink in order and waits for it", async () => {
    const { pieces, isBusy, sink } = slowSink();
    const encoder = createParquetEncoder({ schema, rowGroupRows: 500, sink });
    const batch = batchOf(2600);
    await encoder.write(batch);
    await encoder.close();
    expect(isBusy()).toBe(false);
    expect((await decode(Buffer.concat(pieces))).columns["id"]).toEqual(valuesOf(batch.columns[0]!));
  });

  for (const compression of ["zstd", "none"] as const)
    it(`uses the memory of its pieces again only if the sink allows it, ${compression}`, async () => {
      const random = new Random(9);
      const batches = Array.from({ length: 12 }, () => batchOf(20_000, random));
      const write = async (reusePieces: boolean, keep: (piece: Uint8Array) => Uint8Array) => {
        const pieces: Uint8Array[] = [];
        const memory = new Set<ArrayBufferLike>();
        const encoder = createParquetEncoder({
          schema,
          compression,
          rowGroupRows: 60_000,
          reusePieces,
          async sink(piece) {
            pieces.push(keep(piece));
            memory.add(piece.buffer);
            await new Promise(setImmediate);
          },
        });
        for (const batch of batches) await encoder.write(batch);
        await encoder.close();
        return { bytes: Buffer.concat(pieces), pieces: pieces.length, arrays: memory.size };
      };
      const kept = await write(false, (piece) => piece);
      expect(kept.arrays).toBe(kept.pieces);
      const copied = await write(true, (piece) => Uint8Array.from(piece));
      expect(copied.bytes.equals(kept.bytes)).toBe(true);
      expect(copied.arrays).toBeLessThan(copied.pieces);
    });

  it("passes on what the sink throws", async () => {
    const failure = new Error("disk full");
    const encoder = createParquetEncoder({ schema, rowGroupRows: 10, sink: () => Promise.reject(failure) });
    const run = async () => {
      for (let i = 0; i < 400; i++) await encoder.write(batchOf(100));
      await encoder.close();
    };
    await expect(run()).rejects.toBe(failure);
    await encoder[Symbol.asyncDispose]();
  });

  it("stops with the reason of its signal", async () => {
    const controller = new AbortController();
    const encoder = createParquetEncoder({ schema, sink: async () => {}, signal: controller.signal });
    await encoder.write(batchOf(10));
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(encoder.write(batchOf(10))).rejects.toBe(reason);
    await expect(encoder.close()).rejects.toBe(reason);
  });

  it("names the column of a null that must not be", async () => {
    const batch: Batch = {
      ...batchOf(2),
      columns: [vectorOf(int64, [1n, null]), vectorOf(text, ["a", "b"])],
    };
    const encoder = createParquetEncoder({ schema, sink: async () => {} });
    await expect(encoder.write(batch)).rejects.toMatchObject({
      code: "ALV_ROW_INVALID",
      message: expect.stringContaining("id is declared as never null"),
    });
  });

  it("refuses wrong options, batches of another schema, and use after its end", async () => {
    expect(() => createParquetEncoder({ schema, sink: async () => {}, pageBytes: 0 })).toThrow(
      /pageBytes is 0/,
    );
    expect(() =>
      createParquetEncoder({
        schema: { fields: [{ name: "n", nullable: true, type: { kind: "null" } }] },
        sink: async () => {},
      }),
    ).toThrow(/at least one column/);
    const encoder = createParquetEncoder({ schema, sink: async () => {} });
    const other: Batch = { ...batchOf(1), schema: { fields: [schema.fields[0]!] } };
    await expect(encoder.write({ ...other, columns: [other.columns[0]!] })).rejects.toMatchObject({
      code: "ALV_INTERNAL",
    });
    await encoder.close();
    await expect(encoder.write(batchOf(1))).rejects.toThrow(/after it was closed/);
  });

  it("leaves columns of unknown type out", async () => {
    const nothing: ColumnType = { kind: "null" };
    const partly: Schema = {
      fields: [
        { name: "unknown", nullable: true, type: nothing },
        schema.fields[0]!,
        {
          name: "list",
          nullable: true,
          type: { kind: "list", element: { name: "element", nullable: true, type: nothing } },
        },
        {
          name: "st",
          nullable: true,
          type: {
            kind: "struct",
            fields: [
              { name: "x", nullable: true, type: nothing },
              { name: "y", nullable: true, type: text },
            ],
          },
        },
      ],
    };
    const columns = [
      [null, null],
      [1n, 2n],
      [[null], []],
      [{ x: null, y: "a" }, null],
    ].map((values, i) => vectorOf(partly.fields[i]!.type, values));
    const { bytes, summary } = await encode(partly, [{ schema: partly, length: 2, columns }]);
    expect(summary.columns.map(({ path }) => path)).toEqual([["id"], ["st", "y"]]);
    const { columns: read } = await decode(bytes);
    expect(read).toEqual({ id: [1n, 2n], st: [["a"], null] });
  });

  it("takes vectors of nulls for columns whose type is known", async () => {
    const nothing = (length: number): Vector => ({
      layout: "null",
      type: { kind: "null" },
      length,
      nullCount: length,
      validity: undefined,
    });
    const nested: Schema = {
      fields: [
        { name: "a", nullable: true, type: text },
        {
          name: "l",
          nullable: true,
          type: {
            kind: "list",
            element: {
              name: "element",
              nullable: true,
              type: { kind: "struct", fields: [{ name: "x", nullable: true, type: int64 }] },
            },
          },
        },
      ],
    };
    const { bytes } = await encode(nested, [
      { schema: nested, length: 3, columns: [nothing(3), nothing(3)] },
    ]);
    expect((await decode(bytes)).columns).toEqual({ a: [null, null, null], l: [null, null, null] });
  });

  it("keeps metadata, field ids and names", async () => {
    const named: Schema = { fields: [{ name: "größe, ✓", nullable: false, type: int64, id: 7 }] };
    const { bytes } = await encode(named, [], {
      keyValueMetadata: { "a key": "ein Wert ✓" },
      createdBy: "me version 1.0.0",
    });
    const file = await openParquet(bytesSource(bytes));
    expect(file.schema).toEqual(named);
    expect(file.metadata).toEqual({
      version: 1,
      rows: 0,
      createdBy: "me version 1.0.0",
      keyValueMetadata: { "a key": "ein Wert ✓" },
    });
  });
});
