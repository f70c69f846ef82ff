import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { Batch } from "../../src/columns/batch.ts";
import { castVector } from "../../src/columns/cast.ts";
import { rowHashes } from "../../src/columns/hash.ts";
import { sliceVector } from "../../src/columns/slice.ts";
import { vectorOf } from "../../src/columns/values.ts";
import type { Vector } from "../../src/columns/vector.ts";
import type { ColumnType } from "../../src/schema/types.ts";
import { asDictionary, column } from "./arbitrary.ts";

// Properties take a while on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 });

const batchOf = (columns: Record<string, Vector>): Batch => ({
  schema: { fields: Object.entries(columns).map(([name, { type }]) => ({ name, type, nullable: true })) },
  length: Object.values(columns)[0]!.length,
  columns: Object.values(columns),
});
const hashes = (vector: Vector): string[] => rowHashes(batchOf({ x: vector }), ["x"]);
const of = (type: ColumnType, ...values: unknown[]): string[] => hashes(vectorOf(type, values));

test("a row's hash does not depend on its batch or layout", () => {
  fc.assert(
    fc.property(column, ({ type, values }) => {
      const plain = of(type, ...values);
      expect(hashes(asDictionary(type, values))).toEqual(plain);
      expect(hashes(sliceVector(vectorOf(type, [...values, ...values]), values.length))).toEqual(plain);
      expect(new Set(plain).size).toBeLessThanOrEqual(values.length);
    }),
  );
});

test("hashes are stored in cursors: these must never change", () => {
  const batch = batchOf({
    a: vectorOf({ kind: "int64" }, [1n, null]),
    b: vectorOf({ kind: "string" }, ["ü", ""]),
    c: vectorOf({ kind: "timestamp", zone: "utc" }, [new Date(0), null]),
  });
  // SHA-256 of `n1:1t1:üu27:1970-01-01T00:00:00.000000Z` and `-t0:-`, the first 96 bits.
  expect(rowHashes(batch, ["a", "b", "c"])).toEqual(["KPxEDX1lP2OAM_KZ", "TE_WoIxGfHzX-rNS"]);
});

describe("equal across widths", () => {
  const decimal: ColumnType = { kind: "decimal", precision: 20, scale: 3 };
  test.each<[ColumnType, ColumnType, unknown[]]>([
    [{ kind: "int8" }, { kind: "int64" }, [1, -5, 0]],
    [{ kind: "int64" }, { kind: "float64" }, [1n, -(2n ** 53n)]],
    [{ kind: "int32" }, decimal, [7, 0, 100]],
    [{ kind: "float32" }, { kind: "float64" }, [Math.fround(0.1), 3]],
    [{ kind: "date" }, { kind: "timestamp", zone: "local" }, ["2024-02-29"]],
    [{ kind: "uuid" }, { kind: "string" }, ["0198c000-0000-7000-8000-000000000001"]],
  ])("%j and %j", (narrow, wide, values) => {
    const vector = vectorOf(narrow, values);
    expect(hashes(castVector(vector, wide))).toEqual(hashes(vector));
  });
});

test("different values differ", () => {
  const all = [
    ...of({ kind: "string" }, "1", "", "-", null),
    ...of({ kind: "int64" }, 1, 11, 10, 0),
    ...of({ kind: "boolean" }, true),
    ...of({ kind: "binary" }, Uint8Array.of(1)),
    ...of({ kind: "timestamp", zone: "utc" }, new Date(0)),
    ...of({ kind: "timestamp", zone: "local" }, new Date(0)),
    ...of(
      { kind: "list", element: { name: "element", type: { kind: "int8" }, nullable: true } },
      [1],
      [1, null],
      [],
    ),
  ];
  expect(new Set(all).size).toBe(all.length);
});

test("values do not run together, columns are told apart, absent ones are null", () => {
  const text: ColumnType = { kind: "string" };
  const batch = batchOf({ a: vectorOf(text, ["ab", "a", null]), b: vectorOf(text, ["c", "bc", "x"]) });
  const [first, second] = rowHashes(batch, ["a", "b"]);
  expect(first).not.toBe(second);
  expect(rowHashes(batch, ["b", "a"])[0]).not.toBe(first);
  expect(rowHashes(batch, ["gone", "b"])[2]).toBe(rowHashes(batch, ["a", "b"])[2]);
});
