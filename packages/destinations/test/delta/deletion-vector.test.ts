import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { memoryStore } from "@alluvium/core/storage/memory";
import type { AddFile, DeletionVectorDescriptor } from "../../src/delta/log/actions.ts";
import { decodeVector, readDeletedRows } from "../../src/delta/read/deletion-vector.ts";
import { readRoaring } from "../../src/delta/read/roaring.ts";
import { decodeZ85 } from "../../src/delta/read/z85.ts";

function rowsOf(data: Uint8Array): number[] {
  const rows: number[] = [];
  decodeVector(data, (row) => rows.push(row));
  return rows;
}

const little = (width: 2 | 4 | 8, ...values: number[]): number[] =>
  values.flatMap((value) =>
    Array.from({ length: width }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 0xffn)),
  );

/** A bitmap with an array, a bit set and runs, written out byte by byte. */
function bitmap(
  containers: readonly { key: number; kind: "array" | "bits" | "runs"; values: number[] }[],
): number[] {
  const withRuns = containers.some(({ kind }) => kind === "runs");
  const bodies = containers.map(({ kind, values }) => {
    if (kind === "array") return little(2, ...values);
    if (kind === "bits") {
      const bits = new Uint8Array(8192);
      for (const value of values) bits[value >> 3]! |= 1 << (value & 7);
      return [...bits];
    }
    const runs: [number, number][] = [];
    for (const value of values) {
      const last = runs.at(-1);
      if (last !== undefined && last[0] + last[1] + 1 === value) last[1] += 1;
      else runs.push([value, 0]);
    }
    return [...little(2, runs.length), ...runs.flatMap((run) => little(2, ...run))];
  });
  const flags = new Uint8Array((containers.length + 7) >> 3);
  containers.forEach(({ kind }, i) => {
    if (kind === "runs") flags[i >> 3]! |= 1 << (i & 7);
  });
  const header = withRuns
    ? [...little(4, 12347 | ((containers.length - 1) << 16)), ...flags]
    : [...little(4, 12346), ...little(4, containers.length)];
  const keys = containers.flatMap(({ key, values }) => little(2, key, values.length - 1));
  const offsets = !withRuns || containers.length >= 4 ? containers.flatMap(() => little(4, 0)) : [];
  return [...header, ...keys, ...offsets, ...bodies.flat()];
}

const range = (start: number, count: number, step = 1): number[] =>
  Array.from({ length: count }, (_, i) => start + i * step);

describe("Roaring bitmaps", () => {
  test.each([1, 3, 4, 9])("%i containers of every kind", (count) => {
    for (const kinds of [["array"], ["bits"], ["runs"], ["array", "bits", "runs"]] as const) {
      const containers = range(0, count).map((i) => {
        const kind = kinds[i % kinds.length]!;
        const values =
          kind === "array"
            ? range(5, 4096, 3)
            : kind === "bits"
              ? range(0, 5000, 13)
              : [...range(7, 100), ...range(60_000, 5536)];
        return { key: i * 7, kind, values };
      });
      const bytes = new Uint8Array(bitmap(containers));
      const rows: number[] = [];
      const end = readRoaring(new DataView(bytes.buffer), 0, (row) => rows.push(row));
      expect(end).toBe(bytes.length);
      expect(rows).toEqual(
        containers.flatMap(({ key, values }) => values.map((value) => key * 65_536 + value)),
      );
    }
  });

  test("bytes that are none", () => {
    expect(() => readRoaring(new DataView(new ArrayBuffer(8)), 0, () => {})).toThrow(RangeError);
    const cut = new Uint8Array(bitmap([{ key: 0, kind: "array", values: [1, 2, 3] }])).slice(0, -2);
    expect(() => readRoaring(new DataView(cut.buffer), 0, () => {})).toThrow(RangeError);
  });
});

const portable = (values: number[], key = 0): Uint8Array =>
  new Uint8Array([
    ...little(4, 1681511377),
    ...little(8, 1),
    ...little(4, key),
    ...bitmap([{ key: 0, kind: "array", values }]),
  ]);

describe("both layouts", () => {
  test("the inline example of the specification, in the older layout", () => {
    const text = "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L";
    expect(rowsOf(decodeZ85(text)!.subarray(0, 40))).toEqual([3, 4, 7, 11, 18, 29]);
  });

  test("the portable layout, above 32 bits too", () => {
    expect(rowsOf(portable([3, 4, 29]))).toEqual([3, 4, 29]);
    expect(rowsOf(portable([3], 2))).toEqual([2 * 2 ** 32 + 3]);
  });

  test("anything else is refused", () => {
    expect(() => rowsOf(new Uint8Array(16))).toThrow("no known layout");
  });
});

describe("vectors of files", () => {
  const file = (descriptor: DeletionVectorDescriptor): AddFile => ({
    path: "part.parquet",
    partitionValues: {},
    size: 1,
    modificationTime: 0,
    dataChange: true,
    deletionVector: descriptor,
  });
  const big = (value: number): number[] => little(4, value).reverse();
  const data = portable([1, 5]);
  const stored = (checksum = crc32(data)): Uint8Array =>
    new Uint8Array([1, ...big(data.length), ...data, ...big(checksum)]);
  // The example of the specification.
  const name = "ab^-aqEH.-t@S}K{vb[*k^";
  const path = "t/ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";
  const descriptor = {
    storageType: "u",
    pathOrInlineDv: name,
    offset: 1,
    sizeInBytes: data.length,
    cardinality: 2,
  };

  test("in a file named by a UUID", async () => {
    const store = memoryStore();
    await store.put(path, stored());
    expect(await readDeletedRows(store, "t", file(descriptor), 10)).toEqual(new Uint8Array([0b100010, 0]));
  });

  test.each<[string, Partial<DeletionVectorDescriptor>, Uint8Array, number]>([
    ["checksum", {}, stored(7), 10],
    ["5 rows, the log says 3|holds 2 rows, the log says 3", { cardinality: 3 }, stored(), 10],
    ["row 5 of a file with 4 rows", {}, stored(), 4],
    ["ends before it", {}, stored().slice(0, 20), 10],
    ["bytes, the log", { sizeInBytes: data.length - 1 }, stored(), 10],
    ["is no storage type", { storageType: "z" }, stored(), 10],
    ["names no file", { pathOrInlineDv: "short" }, stored(), 10],
  ])("damage: %s", async (message, change, bytes, rows) => {
    const store = memoryStore();
    await store.put(path, bytes);
    await expect(readDeletedRows(store, "t", file({ ...descriptor, ...change }), rows)).rejects.toMatchObject(
      {
        code: "ALV_FILE_INVALID",
        message: expect.stringMatching(message),
      },
    );
  });

  test("inline", async () => {
    const text = "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L";
    const deleted = await readDeletedRows(
      memoryStore(),
      "t",
      file({ storageType: "i", pathOrInlineDv: text, sizeInBytes: 40, cardinality: 6 }),
      30,
    );
    expect(range(0, 30).filter((row) => (deleted![row >> 3]! >> (row & 7)) & 1)).toEqual([
      3, 4, 7, 11, 18, 29,
    ]);
  });
});
