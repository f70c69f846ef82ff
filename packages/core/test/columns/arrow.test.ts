import * as arrow from "apache-arrow";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { fromArrow, toArrow } from "../../src/columns/arrow.ts";
import type { Batch } from "../../src/columns/batch.ts";
import { rowsOf } from "../../src/columns/rows.ts";
import { sliceBatch } from "../../src/columns/slice.ts";
import { vectorOf } from "../../src/columns/values.ts";
import type { FixedVector, Vector } from "../../src/columns/vector.ts";
import type { ColumnType, Schema } from "../../src/schema/types.ts";
import { asDictionary, column } from "./arbitrary.ts";

// Properties take a while on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 });

const batchOf = (type: ColumnType, columns: readonly Vector[]): Batch => ({
  schema: { fields: columns.map((_, i) => ({ name: `c${i}`, type, nullable: true })) },
  length: columns[0]!.length,
  columns,
});

/** Through Arrow's own file format, which checks layouts that memory alone does not. */
function throughIpc(batch: arrow.RecordBatch): arrow.Table {
  return arrow.tableFromIPC(arrow.tableToIPC(new arrow.Table(batch)));
}

test("every type comes back through Arrow, its memory and its files, sliced or by dictionary", async () => {
  await fc.assert(
    fc.asyncProperty(column, fc.nat(10), async ({ type, values }, skip) => {
      const whole = batchOf(type, [vectorOf(type, values), asDictionary(type, values)]);
      for (const batch of [whole, sliceBatch(whole, Math.min(skip, values.length))]) {
        const record = await toArrow(batch, { arrow });
        expect(record.numRows).toBe(batch.length);
        const back = fromArrow(record);
        expect(back.schema).toEqual(batch.schema);
        expect(rowsOf(back)).toEqual(rowsOf(batch));
        const read = fromArrow(throughIpc(record));
        expect(read.schema).toEqual(batch.schema);
        expect(rowsOf(read)).toEqual(rowsOf(batch));
      }
    }),
    { numRuns: 60 },
  );
});

test("what Arrow slices is read as the slice", async () => {
  await fc.assert(
    fc.asyncProperty(column, fc.nat(20), fc.nat(20), async ({ type, values }, a, b) => {
      const batch = batchOf(type, [vectorOf(type, values)]);
      const [start, end] = [Math.min(a, values.length), Math.min(Math.max(a, b), values.length)];
      const record = (await toArrow(batch)).slice(start, end);
      expect(rowsOf(fromArrow(record))).toEqual(rowsOf(batch).slice(start, end));
    }),
    { numRuns: 60 },
  );
});

test("memory is shared where the layouts agree", async () => {
  const shared: readonly [ColumnType, unknown[]][] = [
    [{ kind: "int64" }, [1n, 2n]],
    [{ kind: "float64" }, [1, 2]],
    [{ kind: "date" }, ["2024-01-01", null]],
    [{ kind: "timestamp", zone: "utc" }, [new Date(0), null]],
    [{ kind: "uuid" }, ["00000000-0000-0000-0000-00000000000a", null]],
    [{ kind: "decimal", precision: 38, scale: 2 }, ["1.00", "-2.00"]],
  ];
  for (const [type, values] of shared) {
    const vector = vectorOf(type, values) as FixedVector;
    const record = await toArrow(batchOf(type, [vector]));
    expect(record.data.children[0]!.values.buffer).toBe(vector.values.buffer);
    const back = fromArrow(record).columns[0] as FixedVector;
    expect(back.values.buffer).toBe(vector.values.buffer);
  }
  const text = vectorOf({ kind: "string" }, ["a", null]);
  const back = fromArrow(await toArrow(batchOf({ kind: "string" }, [text]))).columns[0]!;
  expect(back.layout === "bytes" && text.layout === "bytes" && back.data.buffer === text.data.buffer).toBe(
    true,
  );
});

test("Arrow sees the values that we do", async () => {
  const schema: Schema = {
    fields: [
      { name: "id", type: { kind: "int64" }, nullable: false, id: 4 },
      { name: "total", type: { kind: "decimal", precision: 18, scale: 2 }, nullable: true },
      { name: "name", type: { kind: "string" }, nullable: true },
      { name: "json", type: { kind: "json" }, nullable: true },
      { name: "at", type: { kind: "timestamp", zone: "utc" }, nullable: true },
      {
        name: "tags",
        type: { kind: "list", element: { name: "element", type: { kind: "string" }, nullable: true } },
        nullable: true,
      },
    ],
  };
  const values = [
    [7n, 8n],
    ["-1.50", null],
    ["ü", null],
    [{ a: 1 }, null],
    [new Date(5), null],
    [["a", null], null],
  ];
  const batch: Batch = {
    schema,
    length: 2,
    columns: schema.fields.map(({ type }, i) => vectorOf(type, values[i]!)),
  };
  const table = throughIpc(await toArrow(batch));
  const [first, second] = table.toArray() as (Record<string, unknown> & arrow.StructRow)[];
  expect(first!.toJSON()).toMatchObject({ id: 7n, name: "ü", json: '{"a":1}', at: 5 });
  expect([...(first!["tags"] as arrow.Vector)]).toEqual(["a", null]);
  // 128 bits, low word first.
  expect(Uint32Array.from(first!["total"] as Uint32Array)).toEqual(
    Uint32Array.of(2 ** 32 - 150, 2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1),
  );
  expect(second!.toJSON()).toMatchObject({ id: 8n, total: null, name: null, tags: null });
  expect(fromArrow(table).schema).toEqual(schema);
});

describe("what other producers write", () => {
  const from = (vector: arrow.Vector): Batch => fromArrow(new arrow.Table({ x: vector }));
  const kindAndValues = (batch: Batch): [string, unknown[]] => [
    batch.schema.fields[0]!.type.kind,
    rowsOf(batch).map((row) => row.x),
  ];
  const data = (type: arrow.DataType, props: object): arrow.Vector =>
    new arrow.Vector([arrow.makeData({ type, ...props } as never)]);

  test.each<[string, () => arrow.Vector, string, unknown[]]>([
    ["uint8", () => arrow.vectorFromArray([255, null], new arrow.Uint8()), "int16", [255, null]],
    ["uint16", () => arrow.vectorFromArray([65535], new arrow.Uint16()), "int32", [65535]],
    ["uint32", () => arrow.vectorFromArray([4294967295], new arrow.Uint32()), "int64", [4294967295n]],
    [
      "uint64",
      () => arrow.vectorFromArray([2n ** 64n - 1n, null], new arrow.Uint64()),
      "decimal",
      ["18446744073709551615", null],
    ],
    [
      "float16",
      () => data(new arrow.Float16(), { data: Uint16Array.of(0x3c00, 0xc000, 0x7c00, 0x0001, 0x3555) }),
      "float32",
      [1, -2, Infinity, 2 ** -24, 0.333251953125],
    ],
    [
      "large text",
      () =>
        data(new arrow.LargeUtf8(), {
          valueOffsets: BigInt64Array.of(0n, 1n, 3n),
          data: Buffer.from("aü"),
          length: 2,
        }),
      "string",
      ["a", "ü"],
    ],
    [
      "large binary",
      () =>
        data(new arrow.LargeBinary(), {
          valueOffsets: BigInt64Array.of(0n, 1n),
          data: Buffer.from("a"),
          length: 1,
        }),
      "binary",
      [Uint8Array.of(97)],
    ],
    [
      "fixed-size binary",
      () => data(new arrow.FixedSizeBinary(2), { data: Uint8Array.of(1, 2, 3, 4), length: 2 }),
      "binary",
      [Uint8Array.of(1, 2), Uint8Array.of(3, 4)],
    ],
    [
      "milliseconds",
      () => data(new arrow.TimestampMillisecond("Europe/Berlin"), { data: BigInt64Array.of(5n, -1n) }),
      "timestamp",
      [new Date(5), new Date(-1)],
    ],
    [
      "seconds",
      () => data(new arrow.TimestampSecond(), { data: BigInt64Array.of(5n) }),
      "timestamp",
      [new Date(5000)],
    ],
    [
      "nanoseconds",
      () => data(new arrow.TimestampNanosecond(), { data: BigInt64Array.of(5_000_000n) }),
      "timestamp",
      [new Date(5)],
    ],
    [
      "time of seconds",
      () => data(new arrow.TimeSecond(), { data: Int32Array.of(61) }),
      "time",
      ["00:01:01"],
    ],
    [
      "time of nanoseconds",
      () => data(new arrow.TimeNanosecond(), { data: BigInt64Array.of(1_000n) }),
      "time",
      ["00:00:00.000001"],
    ],
    [
      "date of milliseconds",
      () => data(new arrow.DateMillisecond(), { data: BigInt64Array.of(86_400_000n) }),
      "date",
      ["1970-01-02"],
    ],
    [
      "dictionary of small indices",
      () =>
        arrow.vectorFromArray(
          ["a", null, "b", "a"],
          new arrow.Dictionary(new arrow.Utf8(), new arrow.Uint8()),
        ),
      "string",
      ["a", null, "b", "a"],
    ],
    [
      "fixed-size list",
      () =>
        arrow.vectorFromArray(
          [[1, 2], null, [3, 4]],
          new arrow.FixedSizeList(2, new arrow.Field("item", new arrow.Int32())),
        ),
      "list",
      [[1, 2], null, [3, 4]],
    ],
    ["nulls", () => data(new arrow.Null(), { length: 2 }), "null", [null, null]],
    [
      "views",
      () =>
        data(new arrow.Utf8View(), {
          views: views(["short", "longer than twelve bytes"]),
          variadicBuffers: [Buffer.from("longer than twelve bytes")],
          length: 2,
        }),
      "string",
      ["short", "longer than twelve bytes"],
    ],
  ])("%s", (_, make, kind, values) => {
    expect(kindAndValues(from(make()))).toEqual([kind, values]);
  });

  function views(texts: readonly string[]): Uint8Array {
    const bytes = Buffer.alloc(16 * texts.length);
    texts.forEach((text, i) => {
      bytes.writeInt32LE(text.length, 16 * i);
      bytes.write(text.slice(0, text.length <= 12 ? 12 : 4), 16 * i + 4);
    });
    return bytes;
  }

  test("finer than microseconds, or no type of ours: an error that says so", () => {
    expect(() => from(data(new arrow.TimestampNanosecond(), { data: BigInt64Array.of(1n) }))).toThrow(
      expect.objectContaining({
        code: "ALV_VALUE_UNREPRESENTABLE",
        message: expect.stringMatching(/column "x": 1 /),
      }),
    );
    expect(() => from(data(new arrow.DateMillisecond(), { data: BigInt64Array.of(1n) }))).toThrow(/days/);
    expect(() => from(data(new arrow.TimestampSecond(), { data: BigInt64Array.of(2n ** 62n) }))).toThrow(
      /microseconds/,
    );
    expect(() => from(data(new arrow.DurationSecond(), { data: BigInt64Array.of(1n) }))).toThrow(
      expect.objectContaining({ code: "ALV_UNSUPPORTED", message: expect.stringMatching(/"x".*Duration/) }),
    );
  });

  test("a table of several batches is joined", () => {
    const one = new arrow.Table({ x: arrow.vectorFromArray([1, 2], new arrow.Int32()) });
    const two = new arrow.Table({ x: arrow.vectorFromArray([null, 4], new arrow.Int32()) });
    expect(rowsOf(fromArrow(one.concat(two)))).toEqual([{ x: 1 }, { x: 2 }, { x: null }, { x: 4 }]);
    expect(fromArrow(new arrow.Table()).length).toBe(0);
  });
});
