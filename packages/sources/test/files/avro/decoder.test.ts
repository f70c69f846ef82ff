import { AlluviumError, type Json } from "@alluvium/core";
import { describe, expect, it } from "vitest";
import { avro, type AvroOptions } from "../../../src/files/avro/index.ts";
import type { FileContent, FileItem } from "../../../src/files/format.ts";
import { contentOf } from "../content-of.ts";
import { decoderOf, gathered, itemsOf } from "../decoded.ts";
import { fileOf, long, sized, typeOf } from "./write.ts";

/** All items of a file, by a new decoder. */
async function read(
  file: FileContent,
  {
    since,
    batchBytes,
    ...options
  }: AvroOptions & { readonly since?: Json | undefined; readonly batchBytes?: number } = {},
): Promise<FileItem[]> {
  const decoder = decoderOf(avro(options), batchBytes === undefined ? {} : { batchBytes });
  return itemsOf(decoder, file, since);
}

async function rowsOf(
  bytes: Uint8Array,
  options: AvroOptions = {},
): Promise<readonly Record<string, unknown>[]> {
  return gathered(await read(contentOf(bytes, { chunk: 7 }), options)).rows;
}

async function failureOf(
  bytes: Uint8Array,
  options: AvroOptions & { readonly since?: Json } = {},
): Promise<string> {
  const error: unknown = await read(contentOf(bytes, { path: "x.avro" }), options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!AlluviumError.is(error)) throw new Error("no error of ours", { cause: error });
  return `${error.code} ${error.message}`;
}

const record = (fields: Readonly<Record<string, unknown>>, name = "Row") => ({
  type: "record",
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
});

/** A file with one column, whose values are given by their bytes. */
const single = (type: unknown, ...values: readonly Uint8Array[]): Buffer =>
  fileOf(record({ v: type }), [values]);

const numbers = [
  0,
  1,
  -1,
  63,
  -64,
  64,
  8191,
  8192,
  -8193,
  2 ** 27,
  2 ** 28,
  -(2 ** 28) - 1,
  2 ** 31 - 1,
  -(2 ** 31),
];

describe("avro()", () => {
  it.each(["null", "deflate", "zstandard", "snappy"])(
    "reads blocks of codec %s of another writer",
    async (codec) => {
      const schema = record({
        id: "long",
        name: "string",
        note: ["null", "string"],
        flag: "boolean",
        small: "int",
        real: "float",
        double: "double",
        raw: "bytes",
        hash: { type: "fixed", name: "Hash", size: 4 },
        color: { type: "enum", name: "Color", symbols: ["RED", "GREEN"] },
        tags: { type: "array", items: "string" },
        scores: { type: "map", values: "int" },
        inner: record({ a: "int", b: ["string", "null"] }, "Inner"),
      });
      const type = typeOf(schema);
      const rows = Array.from({ length: 500 }, (_, i) => ({
        id: i * 1_000_003,
        name: `größe ${i}`,
        note: i % 3 === 0 ? null : `n${i}`,
        flag: i % 2 === 0,
        small: numbers[i % numbers.length]!,
        real: i / 4,
        double: i / 3,
        raw: Buffer.from([i & 255, 1]),
        hash: Buffer.from([0, 1, 2, i & 255]),
        color: i % 2 === 0 ? "RED" : "GREEN",
        tags: Array.from({ length: i % 4 }, (__, at) => `t${at}`),
        scores: i % 5 === 0 ? {} : { a: i, b: -i },
        inner: { a: i, b: i % 2 === 0 ? null : "x" },
      }));
      const blocks = [rows.slice(0, 200), [], rows.slice(200)].map((part) =>
        part.map((row) => type.toBuffer(row)),
      );
      const found = await rowsOf(fileOf(schema, blocks, { codec }));
      expect(found).toHaveLength(500);
      found.forEach((row, i) => {
        const { raw, hash, scores, id, ...rest } = rows[i]!;
        expect(row).toEqual({
          ...rest,
          id: BigInt(id),
          raw: new Uint8Array(raw),
          hash: new Uint8Array(hash),
          scores: new Map(Object.entries(scores)),
        });
      });
    },
  );

  it("reads every number", async () => {
    const longs = [
      ...numbers.map(BigInt),
      2n ** 34n,
      2n ** 35n - 1n,
      -(2n ** 55n),
      2n ** 56n,
      2n ** 62n,
      2n ** 63n - 1n,
      -(2n ** 63n),
    ];
    expect((await rowsOf(single("long", ...longs.map(long)))).map(({ v }) => v)).toEqual(longs);
    expect((await rowsOf(single("int", ...numbers.map(long)))).map(({ v }) => v)).toEqual(numbers);
    expect(await failureOf(single("int", long(2n ** 31n)))).toMatch(
      /^ALV_SOURCE_DATA x.avro: block at byte \d+: row 1: an int/,
    );
  });

  it("reads logical types", async () => {
    const logical = (type: unknown, logicalType: string, more: object = {}): unknown => ({
      type,
      logicalType,
      ...more,
    });
    const fixed = (name: string, size: number): unknown => ({ type: "fixed", name, size });
    const schema = record({
      price: logical("bytes", "decimal", { precision: 10, scale: 2 }),
      wide: { type: "fixed", name: "Wide", size: 16, logicalType: "decimal", precision: 38, scale: 0 },
      day: logical("int", "date"),
      millis: logical("int", "time-millis"),
      micros: logical("long", "time-micros"),
      at: logical("long", "timestamp-millis"),
      exact: logical("long", "timestamp-micros"),
      nanos: logical("long", "timestamp-nanos"),
      wall: logical("long", "local-timestamp-micros"),
      key: logical("string", "uuid"),
      id: { ...(fixed("Id", 16) as object), logicalType: "uuid" },
      lasts: { ...(fixed("Lasts", 12) as object), logicalType: "duration" },
      odd: logical("int", "decimal", { precision: 4 }),
    });
    const row = Buffer.concat([
      sized(Buffer.of(0xcf, 0xc7)),
      Buffer.concat([Buffer.alloc(15, 0xff), Buffer.of(0xfe)]),
      long(19_782),
      long(3_600_001),
      long(86_400_000_000n),
      long(1_700_000_000_123),
      long(-1),
      long(1_700_000_000_000_001_000n),
      long(5),
      sized("0123E567-e89b-12d3-a456-426614174000"),
      Buffer.from("0123e567e89b12d3a456426614174000", "hex"),
      Buffer.of(1, 0, 0, 0, 2, 0, 0, 0, 0xdc, 5, 0, 0),
      long(7),
    ]);
    const [found] = await rowsOf(fileOf(schema, [[row]]));
    expect(found).toEqual({
      price: "-123.45",
      wide: "-2",
      day: "2024-02-29",
      millis: "01:00:00.001",
      micros: "24:00:00",
      at: 1_700_000_000_123_000n,
      exact: -1n,
      nanos: 1_700_000_000_000_001n,
      wall: 5n,
      key: "0123e567-e89b-12d3-a456-426614174000",
      id: "0123e567-e89b-12d3-a456-426614174000",
      lasts: "P1M2DT1.500S",
      odd: 7,
    });
  });

  it("widens unions of numbers, and makes JSON of others and of records that hold themselves", async () => {
    const schema = record({
      number: ["null", "int", "long"],
      float: ["double", "float"],
      mixed: ["null", "string", "long", record({ a: "bytes" }, "A")],
      tree: record({ name: "string", parts: { type: "array", items: "Tree" } }, "Tree"),
      next: ["null", "Row"],
      nothing: "null",
    });
    const tree = (name: string, ...parts: readonly Buffer[]): Buffer =>
      Buffer.concat([sized(name), ...(parts.length > 0 ? [long(parts.length), ...parts] : []), long(0)]);
    const row = (...parts: readonly Buffer[]): Buffer => Buffer.concat(parts);
    const double = Buffer.alloc(8);
    double.writeDoubleLE(Number.NaN);
    const rows = [
      row(long(1), long(-5), long(0), double, long(1), sized('a"'), tree("x", tree("y")), long(0)),
      row(
        long(2),
        long(2n ** 40n),
        long(1),
        Buffer.of(0, 0, 192, 63),
        long(3),
        sized(Buffer.of(1, 255)),
        tree("z"),
        long(0),
      ),
      row(
        long(0),
        long(1),
        Buffer.of(0, 0, 0, 64),
        long(2),
        long(2n ** 60n),
        tree("z"),
        long(1),
        row(long(0), long(0), double, long(0), tree("q"), long(0)),
      ),
      row(long(0), long(1), Buffer.of(0, 0, 0, 64), long(0), tree("z"), long(0)),
    ];
    const found = await rowsOf(fileOf(schema, [rows]));
    expect(found).toEqual([
      {
        number: -5n,
        float: Number.NaN,
        mixed: 'a"',
        tree: { name: "x", parts: [{ name: "y", parts: [] }] },
        next: null,
        nothing: null,
      },
      {
        number: 2n ** 40n,
        float: 1.5,
        mixed: { a: "01ff" },
        tree: { name: "z", parts: [] },
        next: null,
        nothing: null,
      },
      {
        number: null,
        float: 2,
        mixed: 2n ** 60n,
        tree: { name: "z", parts: [] },
        next: {
          number: null,
          float: "NaN",
          mixed: null,
          tree: { name: "q", parts: [] },
          next: null,
          nothing: null,
        },
        nothing: null,
      },
      { number: null, float: 2, mixed: null, tree: { name: "z", parts: [] }, next: null, nothing: null },
    ]);
  });

  it("goes on after the position of any item, and says where rows stood", async () => {
    const blocks = Array.from({ length: 20 }, (_, at) =>
      Array.from({ length: 50 }, (__, i) => long(at * 50 + i)),
    );
    const file = contentOf(fileOf(record({ v: "long" }), blocks));
    const items = await read(file, { batchBytes: 1000 });
    const all = gathered(items).rows;
    expect(all.map(({ v }) => v)).toEqual(Array.from({ length: 1000 }, (_, i) => BigInt(i)));
    expect(items.length).toBeGreaterThan(5);
    let before = 0;
    for (const item of items) {
      if (!("batch" in item)) throw new Error("a row was refused");
      expect([item.locate(0), item.locate(1)]).toEqual([{ row: before + 1 }, { row: before + 2 }]);
      before += item.batch.length;
      const rest = await read(file, { since: item.position });
      expect(gathered(rest).rows).toEqual(all.slice(before));
      expect(rest.slice(0, 1).map((first) => "batch" in first && first.locate(0))).toEqual(
        before === 1000 ? [] : [{ row: before + 1 }],
      );
    }
  });

  it("cuts batches within large blocks, where reading cannot go on", async () => {
    const values = Array.from({ length: 3000 }, (_, i) => long(i));
    const items = await read(contentOf(single("long", ...values)), { batchBytes: 2000 });
    expect(items.length).toBeGreaterThan(3);
    expect(items.slice(0, -1).every(({ position }) => position === undefined)).toBe(true);
    expect(items.at(-1)!.position).toBeDefined();
    expect(gathered(items).rows.map(({ v }) => Number(v))).toEqual(values.map((_, i) => i));
  });

  it("refuses rows with values that columns cannot hold, and reads on", async () => {
    const type = { type: "long", logicalType: "timestamp-nanos" };
    const schema = record({ list: { type: "array", items: "string" }, v: type });
    const row = (name: string, nanos: number): Buffer =>
      Buffer.concat([long(1), sized(name), long(0), long(nanos)]);
    const bytes = fileOf(schema, [
      [row("a", 1000), row("b", 1001), row("c", 3000)],
      [row("d", -1), row("e", 5000)],
    ]);
    const items = await read(contentOf(bytes));
    const { rows, refused } = gathered(items);
    expect(rows).toEqual([
      { list: ["a"], v: 1n },
      { list: ["c"], v: 3n },
      { list: ["e"], v: 5n },
    ]);
    expect(refused).toEqual([
      {
        stage: "read",
        reason: "ALV_VALUE_UNREPRESENTABLE",
        rule: "type",
        message: expect.stringMatching(/^column v holds a time of 1001 ns/),
        row: '{"list":["b"],"v":1001}',
        position: { row: 2 },
      },
      expect.objectContaining({ row: '{"list":["d"],"v":-1}', position: { row: 4 } }),
    ]);
    const places = items.flatMap((item) =>
      "batch" in item ? Array.from({ length: item.batch.length }, (_, i) => item.locate(i)["row"]) : [],
    );
    expect(places).toEqual([1, 3, 5]);
    expect((await rowsOf(bytes, { nanoseconds: "floor" })).map(({ v }) => v)).toEqual([1n, 1n, 3n, -1n, 5n]);
    const decimal = { type: "bytes", logicalType: "decimal", precision: 2, scale: 1 };
    const found = gathered(
      await read(contentOf(single(decimal, sized(Buffer.of(99)), sized(Buffer.of(100))))),
    );
    expect([found.rows, found.refused.map((each) => each.row)]).toEqual([[{ v: "9.9" }], ['{"v":10.0}']]);
    const uuid = gathered(
      await read(contentOf(single({ type: "string", logicalType: "uuid" }, sized("no")))),
    );
    expect(uuid.refused[0]!.message).toBe('column v holds "no", which is no uuid');
  });

  it("names the place of what is damaged or cut off", async () => {
    const whole = fileOf(record({ v: "long" }), [
      [long(1), long(2)],
      [long(3), long(4)],
    ]);
    const ends: string[] = [];
    for (let size = 0; size < whole.length; size++)
      ends.push(
        await failureOf(whole.subarray(0, size)).catch(() => "ALV_SOURCE_DATA x.avro: complete, not cut off"),
      );
    expect(ends.filter((end) => !/^ALV_SOURCE_DATA x\.avro: .*cut off/.test(end))).toEqual([]);
    // Only where a block ends nothing is missing, as far as the file tells.
    expect(ends.filter((end) => end.includes("complete"))).toHaveLength(2);
    const hit = Buffer.from(whole);
    hit[hit.length - 3]! ^= 1;
    expect(await failureOf(hit)).toMatch(/^ALV_SOURCE_DATA x\.avro: block at byte \d+: the mark/);
    expect(await failureOf(Buffer.from("PAR1, but no Avro"))).toMatch(
      /^ALV_SOURCE_DATA x\.avro: it does not begin/,
    );
    expect(await failureOf(single("string", Buffer.concat([long(50), Buffer.from("abc")])))).toMatch(
      /beyond its block/,
    );
    expect(await failureOf(single("string", sized(Buffer.of(0xc3, 0x28))))).toMatch(
      /column v holds text that is not UTF-8/,
    );
    expect(await failureOf(single(["null", "int"], long(7)))).toMatch(/union has branch 7 of 2/);
    expect(await failureOf(single("int", Buffer.concat([long(1), long(1)])))).toMatch(
      /rows end at byte 1 of 2/,
    );
    expect(
      await failureOf(single({ type: "array", items: "null" }, Buffer.concat([long(2 ** 40), long(0)]))),
    ).toMatch(/items without bytes/);
    for (const codec of ["deflate", "zstandard", "snappy"]) {
      const packed = fileOf(record({ v: "string" }), [[sized("a text that is long enough to be hit")]], {
        codec,
      });
      const start = fileOf(record({ v: "string" }), [], { codec }).length + 2;
      packed.fill(0xff, start, start + 6);
      expect(await failureOf(packed)).toMatch(/^ALV_SOURCE_DATA x\.avro: block at byte \d+: /);
    }
    expect(await failureOf(fileOf(record({ v: "long" }), [[long(1)]], { codec: "bzip2" }))).toMatch(
      /^ALV_UNSUPPORTED x\.avro: the Avro codec bzip2/,
    );
    expect(await failureOf(fileOf(record({ v: "Gone" }), []))).toMatch(/names the type "Gone"/);
    expect(await failureOf(whole, { since: { line: 3 } })).toMatch(/^ALV_STATE_MISMATCH/);
  });

  it("is refused or read when bytes are hit at random, never anything else (seed 42)", async () => {
    const schema = record({
      id: "long",
      name: ["null", "string"],
      tags: { type: "array", items: "string" },
      doc: ["string", "int", "null"],
    });
    const type = typeOf(schema);
    const rows = Array.from({ length: 60 }, (_, i) =>
      type.toBuffer({
        id: i,
        name: i % 2 === 0 ? null : `n${i}`,
        tags: ["a", "b"],
        doc: i % 3 === 0 ? i : "x",
      }),
    );
    let state = 42;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state % below;
    };
    for (const codec of ["null", "deflate", "snappy"]) {
      const bytes = fileOf(schema, [rows], { codec });
      for (let i = 0; i < 300; i++) {
        const hit = Buffer.from(bytes);
        for (let hits = 1 + random(3); hits > 0; hits--) hit[random(hit.length)] = random(256);
        const error: unknown = await read(contentOf(hit, { path: "x.avro" })).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        const code = error === undefined ? "read" : AlluviumError.is(error) ? error.code : error;
        expect(["read", "ALV_SOURCE_DATA", "ALV_UNSUPPORTED"]).toContain(code);
      }
    }
  });
});
