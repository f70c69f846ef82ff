import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { constantVector, sliceVector, takeVector, vectorOf, type Vector } from "@alluvium/core/columns";
import { createKeyIndex } from "@alluvium/core/merge";
import type { ColumnType } from "@alluvium/core/schema";

const int64: ColumnType = { kind: "int64" };
const string: ColumnType = { kind: "string" };

const values: Readonly<Record<string, readonly [ColumnType, fc.Arbitrary<unknown>]>> = {
  boolean: [{ kind: "boolean" }, fc.boolean()],
  int8: [{ kind: "int8" }, fc.integer({ min: -128, max: 127 })],
  int16: [{ kind: "int16" }, fc.integer({ min: -9, max: 9 })],
  int32: [{ kind: "int32" }, fc.integer()],
  int64: [int64, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  float32: [{ kind: "float32" }, fc.float()],
  float64: [{ kind: "float64" }, fc.double()],
  "decimal of 64 bits": [
    { kind: "decimal", precision: 18, scale: 0 },
    fc.bigInt({ min: -99n, max: 99n }).map(String),
  ],
  "decimal of 128 bits": [
    { kind: "decimal", precision: 38, scale: 0 },
    fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(String),
  ],
  string: [string, fc.string({ unit: "grapheme" })],
  binary: [{ kind: "binary" }, fc.uint8Array({ maxLength: 9 })],
  date: [{ kind: "date" }, fc.integer({ min: 0, max: 9 }).map((day) => `2024-01-1${day}`)],
  timestamp: [{ kind: "timestamp", zone: "utc" }, fc.bigInt({ min: 0n, max: 2n ** 60n })],
  uuid: [{ kind: "uuid" }, fc.uuid()],
  json: [{ kind: "json" }, fc.integer({ min: 0, max: 20 })],
};

/** A value as the key of a Map: equal where the index must say that keys are. */
function identity(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString("hex")}`;
  return typeof value === "number" ? `n${value + 0}` : `s${String(value as string)}`;
}

describe.for(Object.entries(values))("%s", ([, [type, arbitrary]]) => {
  test("tells keys apart as a Map does, nulls among them", () => {
    const nullable = fc.option(arbitrary, { freq: 6 });
    fc.assert(
      fc.property(
        fc.array(fc.array(nullable, { maxLength: 40 }), { maxLength: 4 }),
        fc.array(nullable, { maxLength: 40 }),
        fc.boolean(),
        (batches, others, isDictionary) => {
          const form = (list: readonly unknown[]): Vector => {
            const plain = vectorOf(type, list);
            return isDictionary ? dictionaryOf(plain) : plain;
          };
          const index = createKeyIndex([type]);
          const known = new Map<string, number>();
          for (const batch of batches) {
            const expected = batch.map((value) => {
              const key = identity(value);
              if (!known.has(key)) known.set(key, known.size);
              return known.get(key)!;
            });
            expect([...index.add([form(batch)])]).toEqual(expected);
          }
          expect(index.size).toBe(known.size);
          const probed = [...others, ...batches.flat()];
          expect([...index.probe([form(probed)])]).toEqual(
            probed.map((value) => known.get(identity(value)) ?? -1),
          );
          const [keys] = index.keys();
          expect([...index.probe([keys!])]).toEqual(Array.from({ length: known.size }, (_, i) => i));
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** The same rows by reference, with values that no row uses. */
function dictionaryOf(vector: Vector): Vector {
  const { type, length, nullCount, validity } = vector;
  if (length === 0 || nullCount > 0) return vector;
  return {
    layout: "dictionary",
    type,
    length,
    nullCount,
    validity,
    codes: Int32Array.from({ length }, (_, row) => length - 1 - row),
    dictionary: takeVector(
      vector,
      Int32Array.from({ length }, (_, row) => length - 1 - row),
    ),
  };
}

test("composite keys, with a null in part of them", () => {
  const index = createKeyIndex([int64, string]);
  const columns = (ids: readonly unknown[], names: readonly unknown[]) => [
    vectorOf(int64, ids),
    vectorOf(string, names),
  ];
  expect([...index.add(columns([1n, 1n, null, 1n, null], ["a", "b", "a", null, null]))]).toEqual([
    0, 1, 2, 3, 4,
  ]);
  expect([...index.probe(columns([1n, null, 1n, null, 2n], ["b", null, null, "a", "a"]))]).toEqual([
    1, 4, 3, 2, -1,
  ]);
});

test("narrower columns are looked up in wider keys", () => {
  const index = createKeyIndex([int64]);
  index.add([vectorOf(int64, [7n, 2n ** 40n])]);
  expect([...index.probe([vectorOf({ kind: "int32" }, [7, 8, null])])]).toEqual([0, -1, -1]);
});

test("slices, constants and one array for all answers", () => {
  const index = createKeyIndex([string]);
  index.add([sliceVector(vectorOf(string, ["x", "a", "b", "y"]), 1, 3)]);
  expect([...index.probe([constantVector(string, "b", 3)])]).toEqual([1, 1, 1]);
  const entries = new Int32Array(9).fill(5);
  expect(index.probe([vectorOf(string, ["q", "a"])], entries)).toBe(entries);
  expect([...entries.subarray(0, 3)]).toEqual([-1, 0, 5]);
});

test("a dictionary's answers are not kept when keys are added", () => {
  const index = createKeyIndex([string]);
  index.add([vectorOf(string, ["a"])]);
  const column = { ...constantVector(string, "b", 4) };
  expect([...index.probe([column])]).toEqual([-1, -1, -1, -1]);
  index.add([vectorOf(string, ["b"])]);
  expect([...index.probe([column])]).toEqual([1, 1, 1, 1]);
});

test("many keys: each once, and little memory beside their values", () => {
  const count = 200_000;
  const ids = BigInt64Array.from({ length: count }, (_, i) => BigInt(i) * 4n + 1n);
  const column: Vector = {
    layout: "fixed",
    type: int64,
    length: count,
    nullCount: 0,
    validity: undefined,
    values: ids,
  };
  const index = createKeyIndex([int64]);
  const entries = index.add([column]);
  expect(index.size).toBe(count);
  expect(entries.every((entry, row) => entry === row)).toBe(true);
  expect(index.probe([column]).every((entry, row) => entry === row)).toBe(true);
  const absent = { ...column, values: ids.map((id) => id + 1n) } as Vector;
  expect(index.probe([absent]).every((entry) => entry === -1)).toBe(true);
  expect(index.bytes() / count - 8).toBeLessThan(28);
});

test("nested columns are no keys", () => {
  const list: ColumnType = { kind: "list", element: { name: "element", type: int64, nullable: true } };
  expect(() => createKeyIndex([list])).toThrow(/list.* cannot be part of a key/);
});
