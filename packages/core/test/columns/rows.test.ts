import { expect, test } from "vitest";
import { createAppender } from "../../src/columns/append.ts";
import { rowsOf } from "../../src/columns/rows.ts";
import { vectorOf } from "../../src/columns/values.ts";
import type { ColumnType } from "../../src/schema/types.ts";

const utc: ColumnType = { kind: "timestamp", zone: "utc" };
const batchOf = (type: ColumnType, values: unknown[]) => ({
  schema: { fields: [{ name: "x", type, nullable: true }] },
  length: values.length,
  columns: [vectorOf(type, values)],
});

test("timestamps as Date are cut off towards the past, as micros they are whole", () => {
  const batch = batchOf(utc, [1_999n, -1n, -1_000n, null]);
  expect(rowsOf(batch)).toEqual([{ x: new Date(1) }, { x: new Date(-1) }, { x: new Date(-1) }, { x: null }]);
  expect(rowsOf(batch, { timestamps: "micros" })).toEqual([
    { x: 1_999n },
    { x: -1n },
    { x: -1_000n },
    { x: null },
  ]);
  const far = BigInt(8.64e15) * 1000n;
  expect(rowsOf(batchOf(utc, [far, -far + 1n]))).toEqual([
    { x: new Date(8.64e15) },
    { x: new Date(-8.64e15) },
  ]);
  expect(() => rowsOf(batchOf(utc, [far + 1000n]))).toThrow(
    expect.objectContaining({
      code: "ALV_VALUE_UNREPRESENTABLE",
      message: expect.stringContaining("micros"),
    }),
  );
});

test("JSON keeps integers beyond 2^53, and comes back as it was put", () => {
  const json: ColumnType = { kind: "json" };
  const value = {
    id: 2n ** 60n,
    list: [1, "9007199254740993", { n: -(2n ** 64n) }],
    float: 0.1234567890123456,
  };
  expect(rowsOf(batchOf(json, [value]))).toEqual([{ x: value }]);
});

test("bytes are copies", () => {
  const bytes = Uint8Array.of(1, 2);
  const batch = batchOf({ kind: "binary" }, [bytes]);
  const [row] = rowsOf<{ x: Uint8Array }>(batch);
  row!.x[0] = 9;
  expect(rowsOf(batch)).toEqual([{ x: bytes }]);
});

test("rows of a batch append to an equal batch", () => {
  const rows = [
    { id: 1n, tags: ["a"], at: { x: 1.5 }, m: new Map([["k", null]]) },
    { id: 2n, tags: null, at: null, m: null },
  ];
  const appender = createAppender();
  for (const row of rows) appender.append(row);
  const batch = appender.finish();
  expect(rowsOf(batch)).toEqual(rows);
  for (const row of rowsOf(batch)) appender.append(row);
  expect(appender.finish().schema).toBe(batch.schema);
});
