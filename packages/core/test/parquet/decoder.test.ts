import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { vectorOf, type Batch } from "../../src/columns/index.ts";
import { bytesSource, openParquet, type ParquetSource } from "../../src/parquet/index.ts";
import { Converted, Logical, Physical, Repetition } from "../../src/parquet/format.ts";
import { giveBody, takeBody } from "../../src/parquet/page-memory.ts";
import { readSchema } from "../../src/parquet/read-schema.ts";
import { denseVector } from "../../src/parquet/dense.ts";
import type { ThriftStruct } from "../../src/parquet/thrift-reader.ts";
import type { Schema } from "../../src/schema/types.ts";
import { decode, encode, valuesOf } from "./values.ts";

const schema: Schema = {
  fields: [
    { name: "a", nullable: false, type: { kind: "int64" } },
    { name: "b", nullable: true, type: { kind: "string" } },
    {
      name: "c",
      nullable: true,
      type: { kind: "list", element: { name: "element", nullable: true, type: { kind: "int32" } } },
    },
  ],
};

function batch(start: number, length: number): Batch {
  const rows = Array.from({ length }, (_, i) => start + i);
  return {
    schema,
    length,
    columns: [
      vectorOf(schema.fields[0]!.type, rows.map(BigInt)),
      vectorOf(
        schema.fields[1]!.type,
        rows.map((i) => (i % 3 === 0 ? null : `few ${i % 4}`)),
      ),
      vectorOf(
        schema.fields[2]!.type,
        rows.map((i) => (i % 4 === 0 ? null : Array.from({ length: i % 5 }, () => i))),
      ),
    ],
  };
}

/** Counts what is asked for. */
function counting(bytes: Uint8Array): ParquetSource & { readonly asked: [number, number][] } {
  const asked: [number, number][] = [];
  return {
    asked,
    byteLength: bytes.length,
    slice: async (start, end = bytes.length) => {
      asked.push([start, end]);
      return bytes.subarray(start, end);
    },
  };
}

/** A file in memory that gives its bytes as a disk does: into memory of the reader. */
function sourceInto(bytes: Uint8Array, onInto: (into: Uint8Array) => void = () => {}): ParquetSource {
  return {
    byteLength: bytes.length,
    slice: async (start, end = bytes.length, into) => {
      if (into === undefined) return new Uint8Array(bytes.subarray(start, end));
      onInto(into);
      into.set(bytes.subarray(start, end));
      return into.subarray(0, end - start);
    },
  };
}

describe("reading", { timeout: 60_000 }, () => {
  it("fetches only the chosen columns and row groups, few requests at a time", async () => {
    const { bytes } = await encode(schema, [batch(0, 60_000)], {
      rowGroupRows: 20_000,
      compression: "none",
      dictionary: false,
      delta: false,
    });
    const source = counting(bytes);
    const file = await openParquet(source);
    expect(source.asked).toHaveLength(1);
    const read: unknown[] = [];
    for await (const part of file.read({ columns: ["a"], rowGroups: [1] })) {
      expect(part.schema.fields.map(({ name }) => name)).toEqual(["a"]);
      read.push(...valuesOf(part.columns[0]!));
    }
    expect(read).toEqual(Array.from({ length: 20_000 }, (_, i) => BigInt(20_000 + i)));
    expect(source.asked).toHaveLength(2);
    const [start, end] = source.asked[1]!;
    expect(end - start).toBeLessThan(170_000);
    source.asked.length = 0;
    for await (const _ of file.read()) continue;
    expect(source.asked).toHaveLength(3);
  });

  it("gives columns in the order they were asked for and batches of the size asked for", async () => {
    const { bytes } = await encode(schema, [batch(0, 1000)], { pageValues: 130, rowGroupRows: 600 });
    const file = await openParquet(bytesSource(bytes));
    const sizes: number[] = [];
    for await (const part of file.read({ columns: ["c", "a"], batchRows: 250 })) {
      expect(part.schema.fields.map(({ name }) => name)).toEqual(["c", "a"]);
      sizes.push(part.length);
    }
    expect(sizes).toEqual([250, 250, 100, 250, 150]);
    await expect(decode(bytes, { columns: ["a", "zz"] })).rejects.toThrow(/no column "zz"; it has a, b, c/);
    await expect(decode(bytes, { rowGroups: [2] })).rejects.toThrow(/no row group 2/);
  });

  it("keeps text by dictionary where asked", async () => {
    const { bytes } = await encode(schema, [batch(0, 5000)]);
    const file = await openParquet(bytesSource(bytes));
    for await (const part of file.read({ columns: ["b"], dictionaries: true }))
      expect(part.columns[0]!.layout).toBe("dictionary");
    for await (const part of file.read({ columns: ["b"] })) expect(part.columns[0]!.layout).toBe("bytes");
  });

  it.each(["none", "snappy", "zstd"] as const)(
    "uses the memory of row groups again that are given back, and of no others, %s",
    async (compression) => {
      const { bytes } = await encode(schema, [batch(0, 48_000)], {
        compression,
        rowGroupRows: 8000,
        delta: compression === "snappy",
        dictionary: { a: false },
      });
      const expected = (await decode(bytes)).columns;
      const file = await openParquet(sourceInto(bytes));
      const seen = new Set<ArrayBufferLike>();
      const got: Record<string, unknown[]> = { a: [], b: [], c: [] };
      /** Batches of two row groups: those of the one before are looked at when the next is read. */
      let held: Batch[][] = [[]];
      const releases: (() => void)[] = [];
      const lookAt = (batches: readonly Batch[] = []): void => {
        for (const { columns } of batches)
          columns.forEach((column, i) => got[schema.fields[i]!.name]!.push(...valuesOf(column)));
      };
      for await (const part of file.read({
        dictionaries: "all",
        batchRows: 3000,
        onGroupRead: (release) => {
          releases.push(release);
          if (held.length > 1) {
            lookAt(held.shift());
            releases.shift()!();
          }
          held = [...held, []];
        },
      })) {
        held.at(-1)!.push(part);
        const [numbers] = part.columns;
        if (numbers?.layout === "fixed") seen.add(numbers.values.buffer);
      }
      for (const batches of held) lookAt(batches);
      expect(got).toEqual(expected);
      expect(seen.size).toBeLessThan(6);
    },
  );

  it("keeps the memory of pages that are not compressed until their row group is read", async () => {
    const { bytes } = await encode(schema, [batch(0, 8000)], { compression: "none", dictionary: false });
    const stored = new Set<ArrayBufferLike>();
    const file = await openParquet(sourceInto(bytes, (into) => stored.add(into.buffer)));
    for await (const { length } of file.read({ batchRows: 100, onGroupRead: () => {} })) {
      expect(length).toBe(100);
      expect(stored.size).toBeGreaterThan(0);
      // Whatever else there is to be used again, this would be among so many.
      const taken = Array.from({ length: 400 }, () => takeBody(bytes.length));
      expect(taken.filter(({ buffer }) => stored.has(buffer))).toEqual([]);
      taken.forEach(giveBody);
      break;
    }
  });

  it("stops with the reason of its signal", async () => {
    const { bytes } = await encode(schema, [batch(0, 1000)]);
    const reason = new Error("enough");
    const file = await openParquet(bytesSource(bytes));
    const read = async () => {
      const controller = new AbortController();
      for await (const _ of file.read({ batchRows: 100, signal: controller.signal }))
        controller.abort(reason);
    };
    await expect(read()).rejects.toBe(reason);
    await expect(openParquet(bytesSource(bytes), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it("reads large row groups through windows", async () => {
    const long = { kind: "binary" } as const;
    const wide: Schema = { fields: [{ name: "x", nullable: false, type: long }] };
    const rows = 24;
    const columns = [
      vectorOf(
        long,
        Array.from({ length: rows }, (_, i) => new Uint8Array(1_500_000).fill(i)),
      ),
    ];
    const { bytes } = await encode(wide, [{ schema: wide, length: rows, columns }], {
      compression: "none",
      rowGroupBytes: 1 << 30,
      dictionary: false,
    });
    const source = counting(bytes);
    const file = await openParquet(source);
    expect(file.rowGroups).toHaveLength(1);
    let row = 0;
    for await (const part of file.read({ batchRows: 4 }))
      for (let i = 0; i < part.length; i++, row++) {
        const vector = part.columns[0]!;
        if (vector.layout !== "bytes") throw new Error(vector.layout);
        expect(vector.offsets[i + 1]! - vector.offsets[i]!).toBe(1_500_000);
        expect(vector.data[vector.offsets[i]!]).toBe(row);
      }
    expect(row).toBe(rows);
    expect(Math.max(...source.asked.map(([start, end]) => end - start))).toBeLessThan(1 << 22);
  });
});

/** A schema element: name, repetition, and what else it has. */
const element = (name: string, repetition: number, rest: ThriftStruct = {}): ThriftStruct => ({
  3: repetition,
  4: Buffer.from(name),
  ...rest,
});
const { required, optional, repeated } = Repetition;
const int32 = { 1: Physical.int32 };
const root = (children: number) => element("schema", required, { 5: children });

describe("schemas of other writers", { timeout: 60_000 }, () => {
  const typeOf = (...elements: ThriftStruct[]) => readSchema([root(1), ...elements]).schema.fields[0]!;
  const list = (children = 1) => ({ 5: children, 6: Converted.list });

  it.each<[string, ThriftStruct[], unknown]>([
    [
      "three levels",
      [
        element("l", optional, list()),
        element("list", repeated, { 5: 1 }),
        element("element", optional, int32),
      ],
      { nullable: true, type: { kind: "int32" } },
    ],
    [
      "three levels with other names",
      [
        element("l", optional, list()),
        element("bag", repeated, { 5: 1 }),
        element("array_element", optional, int32),
      ],
      { nullable: true, type: { kind: "int32" } },
    ],
    [
      "two levels, primitive",
      [element("l", optional, list()), element("element", repeated, int32)],
      { nullable: false, type: { kind: "int32" } },
    ],
    [
      "two levels, a struct of two",
      [
        element("l", optional, list()),
        element("element", repeated, { 5: 2 }),
        element("x", required, int32),
        element("y", required, int32),
      ],
      { nullable: false, type: { kind: "struct" } },
    ],
    [
      "two levels by the name array",
      [element("l", optional, list()), element("array", repeated, { 5: 1 }), element("x", required, int32)],
      { nullable: false, type: { kind: "struct" } },
    ],
    [
      "two levels by the name of the list",
      [element("l", optional, list()), element("l_tuple", repeated, { 5: 1 }), element("x", required, int32)],
      { nullable: false, type: { kind: "struct" } },
    ],
    [
      "two levels of two levels",
      [element("l", optional, list()), element("array", repeated, list()), element("array", repeated, int32)],
      { nullable: false, type: { kind: "list" } },
    ],
  ])("lists of %s", (_, elements, expected) => {
    const { type } = typeOf(...elements);
    expect(type.kind === "list" && type.element).toMatchObject(expected as object);
  });

  it("a repeated field without annotation, and a set of keys", () => {
    expect(typeOf(element("r", repeated, int32))).toMatchObject({ nullable: false, type: { kind: "list" } });
    expect(
      typeOf(
        element("m", optional, { 5: 1, 6: Converted.mapKeyValue }),
        element("map", repeated, { 5: 2 }),
        element("key", required, int32),
        element("value", optional, int32),
      ),
    ).toMatchObject({ type: { kind: "map", value: { nullable: true } } });
  });

  it.each<[ThriftStruct, unknown]>([
    [{ 1: Physical.int32, 6: Converted.uint8 }, { kind: "int16" }],
    [{ 1: Physical.int32, 6: Converted.uint16 }, { kind: "int32" }],
    [{ 1: Physical.int32, 6: Converted.uint32 }, { kind: "int64" }],
    [
      { 1: Physical.int64, 6: Converted.uint64 },
      { kind: "decimal", precision: 20, scale: 0 },
    ],
    [{ 1: Physical.int32, 10: { [Logical.integer]: { 1: 8, 2: true } } }, { kind: "int8" }],
    [{ 1: Physical.int96 }, { kind: "timestamp", zone: "utc" }],
    [
      { 1: Physical.int64, 6: Converted.timestampMillis },
      { kind: "timestamp", zone: "utc" },
    ],
    [{ 1: Physical.byteArray, 6: Converted.enum }, { kind: "string" }],
    [{ 1: Physical.byteArray, 6: Converted.bson }, { kind: "binary" }],
    [{ 1: Physical.fixed, 2: 12, 6: Converted.interval }, { kind: "binary" }],
    [
      { 1: Physical.byteArray, 6: Converted.decimal, 7: 2, 8: 30 },
      { kind: "decimal", precision: 30, scale: 2 },
    ],
  ])("the older annotation %j", (annotation, type) => {
    expect(typeOf(element("v", optional, annotation)).type).toEqual(type);
  });

  it("refuses what cannot be held", () => {
    const wide = { 1: Physical.fixed, 2: 20, 6: Converted.decimal, 7: 2, 8: 45 };
    expect(() => typeOf(element("v", optional, wide))).toThrow(/decimal of 45 digits/);
    expect(() => readSchema([root(2), element("a", required, int32)])).toThrow(/ends within a group/);
    expect(() => readSchema([root(1), element("a", required, int32), element("b", required, int32)])).toThrow(
      /belong to no group/,
    );
  });
});

describe("stored values", { timeout: 60_000 }, () => {
  const leaf = (raw: ThriftStruct) => readSchema([root(1), element("v", required, raw)]).leaves[0]!;

  it("INT96 is exact far beyond 64-bit nanoseconds", () => {
    const bytes = Buffer.alloc(36);
    // Julian day 2 440 588 is 1970-01-01.
    const put = (i: number, day: number, nanos: bigint) => {
      bytes.writeBigInt64LE(nanos, 12 * i);
      bytes.writeInt32LE(day, 12 * i + 8);
    };
    put(0, 2_440_588, 1_500n);
    put(1, 1_721_426, 0n);
    put(2, 5_373_484, 86_399_999_999_000n);
    const vector = denseVector(
      leaf({ 1: Physical.int96 }),
      { kind: "fixed", values: bytes, width: 12 },
      3,
      "floor",
    );
    const micros = (iso: string) => BigInt(Date.parse(iso)) * 1000n;
    expect(valuesOf(vector)).toEqual([
      1n,
      micros("0001-01-01T00:00:00Z"),
      micros("9999-12-31T23:59:59.999Z") + 999n,
    ]);
    expect(() =>
      denseVector(leaf({ 1: Physical.int96 }), { kind: "fixed", values: bytes, width: 12 }, 3, "refuse"),
    ).toThrow(/1500 ns, which lies between/);
  });

  it("nanoseconds go down to the microsecond, before 1970 too", () => {
    const nanos = leaf({ 1: Physical.int64, 10: { [Logical.timestamp]: { 1: false, 2: { 3: {} } } } });
    const values = BigInt64Array.of(1_999n, -1n, -1_000n);
    expect(valuesOf(denseVector(nanos, { kind: "longs", values }, 3, "floor"))).toEqual([1n, -1n, -1n]);
  });

  it("decimals may have more or fewer bytes than needed, but no larger value", () => {
    const decimal = leaf({ 1: Physical.byteArray, 6: Converted.decimal, 7: 0, 8: 18 });
    const of = (...bytes: number[]) =>
      valuesOf(
        denseVector(
          decimal,
          { kind: "bytes", offsets: Int32Array.of(0, bytes.length), data: Uint8Array.from(bytes) },
          1,
          "floor",
        ),
      )[0];
    expect(of(0xff)).toBe(-1n);
    expect(of(0x00, 0xff)).toBe(255n);
    expect(of(...Array<number>(10).fill(0xff), 0x85)).toBe(-123n);
    expect(() => of(1, ...Array<number>(8).fill(0))).toThrow(/out of its range/);
    expect(() => of(0, 0x80, ...Array<number>(7).fill(0))).toThrow(/out of its range/);
  });
});
