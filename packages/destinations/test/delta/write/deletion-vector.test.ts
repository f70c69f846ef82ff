import { describe, expect, test } from "vitest";
import { memoryStore } from "@alluvium/core/storage/memory";
import type { AddFile } from "../../../src/delta/log/actions.ts";
import { decodeVector, readDeletedRows } from "../../../src/delta/read/deletion-vector.ts";
import { readRoaring } from "../../../src/delta/read/roaring.ts";
import { decodeZ85, encodeZ85 } from "../../../src/delta/read/z85.ts";
import { createVectorFile, encodeVector } from "../../../src/delta/write/deletion-vector.ts";
import { encodeRoaring } from "../../../src/delta/write/roaring.ts";

function bitmapOf(rows: Iterable<number>, length: number): Uint8Array {
  const bitmap = new Uint8Array((length + 7) >> 3);
  for (const row of rows) bitmap[row >> 3]! |= 1 << (row & 7);
  return bitmap;
}

const range = (start: number, count: number, step = 1): number[] =>
  Array.from({ length: count }, (_, i) => start + i * step);

function decoded(bytes: Uint8Array): { rows: number[]; end: number } {
  const rows: number[] = [];
  const end = readRoaring(new DataView(bytes.buffer, bytes.byteOffset), 0, (row) => rows.push(row));
  return { rows, end };
}

describe("Roaring bitmaps", () => {
  test.each<[string, number[], number]>([
    ["nothing", [], 100],
    ["one row", [7], 8],
    ["the last row of a container that is cut short", [65_536 + 8], 65_536 + 9],
    ["an array", range(5, 4096, 3), 70_000],
    ["a bit set", range(0, 5000, 13), 70_000],
    ["a run across bytes, and one at the very end", [...range(3, 200), ...range(65_000, 536)], 65_536],
    ["a whole container", range(0, 65_536), 65_536],
    [
      "three kinds in five containers",
      [
        ...range(1, 10, 7),
        ...range(65_536, 9000, 7),
        ...range(131_072, 60_000),
        ...range(400_000, 3, 9),
        ...range(500_000, 2, 9),
      ],
      600_000,
    ],
  ])("%s", (_, rows, length) => {
    const { bytes, cardinality } = encodeRoaring(bitmapOf(rows, length));
    expect(cardinality).toBe(rows.length);
    expect(decoded(bytes)).toEqual({ rows, end: bytes.length });
  });

  test("random rows come back", () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    let state = seed;
    const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff) / 2 ** 31;
    for (let round = 0; round < 8; round++) {
      const length = 1 + Math.floor(random() * 400_000);
      const density = random() ** 4;
      const rows = range(0, length).filter(() => random() < density);
      const { bytes } = encodeRoaring(bitmapOf(rows, length));
      expect(decoded(bytes), `seed ${seed}, round ${round}`).toEqual({ rows, end: bytes.length });
    }
  });

  // 12346, one container, key 0, cardinality 3, offset 16, then the numbers.
  test("the bytes of the specification", () => {
    const { bytes } = encodeRoaring(bitmapOf([1, 4, 258], 300));
    expect([...bytes]).toEqual([0x3a, 0x30, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 16, 0, 0, 0, 1, 0, 4, 0, 2, 1]);
    const runs = encodeRoaring(bitmapOf(range(10, 100), 300)).bytes;
    // 12347 with one container in the upper half, the flag of runs, key and cardinality, one run from 10 with 99 more.
    expect([...runs]).toEqual([0x3b, 0x30, 0, 0, 1, 0, 0, 99, 0, 1, 0, 10, 0, 99, 0]);
  });
});

test("Z85 of bytes is read back", () => {
  const bytes = Uint8Array.from(range(0, 16, 17), (value) => value & 0xff);
  expect(decodeZ85(encodeZ85(bytes))).toEqual(bytes);
  // The example of the Delta protocol.
  const uuid = Uint8Array.from(Buffer.from("d2c639aa8816431aaaf6d3fe2512ff61", "hex"));
  expect(encodeZ85(uuid)).toBe("^-aqEH.-t@S}K{vb[*k^");
});

describe("vectors", () => {
  test("portable layout", () => {
    const { data, cardinality } = encodeVector(bitmapOf([1, 5], 9));
    expect(cardinality).toBe(2);
    expect([...data.subarray(0, 16)]).toEqual([0xd1, 0xd3, 0x39, 0x64, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const rows: number[] = [];
    decodeVector(data, (row) => rows.push(row));
    expect(rows).toEqual([1, 5]);
  });

  test("many in one object, each read back by its descriptor", async () => {
    const store = memoryStore();
    const file = createVectorFile(store, "shop/orders");
    const wanted = [range(0, 10, 3), range(3, 50_000, 2), range(100, 70_000)];
    const lengths = [40, 100_100, 200_000];
    const descriptors = wanted.map((rows, i) => file.add(bitmapOf(rows, lengths[i]!)));
    expect(file.count).toBe(3);
    await file.write();
    expect(file.path).toMatch(/^shop\/orders\/deletion_vector_[0-9a-f-]{36}\.bin$/);
    for (const [i, deletionVector] of descriptors.entries()) {
      const add: AddFile = {
        path: "part.parquet",
        partitionValues: {},
        size: 1,
        modificationTime: 0,
        dataChange: true,
        deletionVector,
      };
      expect(deletionVector.cardinality).toBe(wanted[i]!.length);
      expect(await readDeletedRows(store, "shop/orders", add, lengths[i]!)).toEqual(
        bitmapOf(wanted[i]!, lengths[i]!),
      );
    }
  });
});
