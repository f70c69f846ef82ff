import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { Batch } from "../../src/columns/batch.ts";
import { concatBatches, concatVectors } from "../../src/columns/concat.ts";
import { constantVector, materialize } from "../../src/columns/dictionary.ts";
import { nullVector } from "../../src/columns/null-vector.ts";
import { userReader } from "../../src/columns/rows.ts";
import { batchBytes, vectorBytes } from "../../src/columns/size.ts";
import { sliceBatch, sliceVector } from "../../src/columns/slice.ts";
import { takeBatch, takeVector } from "../../src/columns/take.ts";
import { vectorOf } from "../../src/columns/values.ts";
import { isValid, type Vector } from "../../src/columns/vector.ts";
import { asDictionary, column } from "./arbitrary.ts";

// Properties take a while on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 });

function read(vector: Vector): unknown[] {
  let nulls = 0;
  for (let row = 0; row < vector.length; row++) if (!isValid(vector, row)) nulls += 1;
  expect(vector.nullCount).toBe(nulls);
  return Array.from({ length: vector.length }, (_, row) => userReader(vector)(row));
}

/** The same rows in each layout that a vector can have: plain, dictionary, and a part of a longer one. */
function layouts(type: Vector["type"], values: unknown[]): Vector[] {
  const padded = [...values.slice(0, 3), ...values, ...values.slice(-2)];
  const start = Math.min(3, values.length);
  return [
    vectorOf(type, values),
    asDictionary(type, values),
    sliceVector(vectorOf(type, padded), start, start + values.length),
    sliceVector(asDictionary(type, padded), start, start + values.length),
  ];
}

describe("vectors are like arrays of their values", () => {
  test("read", () => {
    fc.assert(
      fc.property(column, ({ type, values }) => {
        for (const vector of layouts(type, values)) expect(read(vector)).toEqual(values);
      }),
    );
  });

  test("slice", () => {
    fc.assert(
      fc.property(column, fc.nat(22), fc.nat(22), ({ type, values }, a, b) => {
        for (const vector of layouts(type, values))
          expect(read(sliceVector(vector, a, b))).toEqual(values.slice(a, Math.max(a, b)));
      }),
    );
  });

  test("take, with -1 for null", () => {
    fc.assert(
      fc.property(column, fc.array(fc.nat(100)), ({ type, values }, picks) => {
        const indexes = picks.map((pick) =>
          pick % 7 === 0 || values.length === 0 ? -1 : pick % values.length,
        );
        for (const vector of layouts(type, values))
          expect(read(takeVector(vector, Int32Array.from(indexes)))).toEqual(
            indexes.map((index) => (index < 0 ? null : values[index])),
          );
      }),
    );
  });

  test("concat, whatever the layouts", () => {
    fc.assert(
      fc.property(column, ({ type, values }) => {
        const parts = layouts(type, values);
        expect(read(concatVectors(parts))).toEqual([...values, ...values, ...values, ...values]);
        const [, dictionary] = parts;
        const joined = concatVectors([dictionary!, dictionary!]);
        expect(read(joined)).toEqual([...values, ...values]);
        expect(joined.layout).toBe("dictionary");
      }),
    );
  });

  test("materialize leaves no dictionary, and plain vectors alone", () => {
    fc.assert(
      fc.property(column, ({ type, values }) => {
        const [plain, dictionary] = layouts(type, values);
        expect(materialize(plain!)).toBe(plain);
        expect(materialize(dictionary!).layout).not.toBe("dictionary");
        expect(read(materialize(dictionary!))).toEqual(values);
        const child = dictionary!;
        const list: Vector = {
          layout: "list",
          type: { kind: "list", element: { name: "element", type, nullable: true } },
          length: 1,
          nullCount: 0,
          validity: undefined,
          offsets: Int32Array.of(0, child.length),
          child,
        };
        const flat = materialize(list);
        expect(read(flat)).toEqual([values]);
        expect(flat.layout === "list" && flat.child.layout).not.toBe("dictionary");
      }),
    );
  });

  test("null vectors", () => {
    fc.assert(
      fc.property(column, fc.nat(20), ({ type }, length) => {
        expect(read(nullVector(type, length))).toEqual(Array.from({ length }, () => null));
      }),
    );
  });
});

test("a constant is a dictionary of one", () => {
  const vector = constantVector({ kind: "string" }, "load-1", 1000);
  expect(vector.layout).toBe("dictionary");
  expect(read(sliceVector(vector, 998))).toEqual(["load-1", "load-1"]);
  expect(read(constantVector({ kind: "string" }, null, 2))).toEqual([null, null]);
  expect(() => constantVector({ kind: "int8" }, 300, 1)).toThrow(
    expect.objectContaining({ code: "ALV_ROW_INVALID" }),
  );
});

test("bytes count what is used, not what was allocated", () => {
  const text = vectorOf({ kind: "string" }, ["abc", null, "de"]);
  expect(vectorBytes(text)).toBe(1 + 4 * 4 + 5);
  expect(vectorBytes(sliceVector(text, 2))).toBe(4 * 2 + 2);
  expect(vectorBytes(vectorOf({ kind: "int64" }, [1, 2]))).toBe(16);
  expect(vectorBytes(vectorOf({ kind: "boolean" }, [true]))).toBe(1);
  const list = vectorOf(
    { kind: "list", element: { name: "element", type: { kind: "int32" }, nullable: true } },
    [[1, 2, 3], [4]],
  );
  expect(vectorBytes(sliceVector(list, 1))).toBe(4 * 2 + 4);
  expect(batchBytes({ schema: { fields: [] }, length: 3, columns: [text, list] })).toBe(22 + 4 * 3 + 16);
});

describe("batches of changes", () => {
  const schema = { fields: [{ name: "id", type: { kind: "int32" }, nullable: true }] } as const;
  const batch: Batch = {
    schema,
    length: 3,
    columns: [vectorOf({ kind: "int32" }, [1, 2, 3])],
    changes: {
      ops: Uint8Array.of(0, 1, 2),
      ordinals: BigInt64Array.of(10n, 11n, 12n),
      oldKeys: { schema, length: 3, columns: [vectorOf({ kind: "int32" }, [null, 9, null])] },
      unchanged: [Uint8Array.of(0b010)],
    },
  };
  const state = ({ columns, changes }: Batch): unknown => [
    read(columns[0]!),
    [...changes!.ops],
    [...changes!.ordinals],
    changes!.oldKeys && read(changes!.oldKeys.columns[0]!),
    changes!.unchanged?.map((bits) => bits && bits[0]! & ((1 << columns[0]!.length) - 1)),
  ];

  test("slice and take carry ops, ordinals, old keys and unchanged cells", () => {
    const expected = [[2, 3], [1, 2], [11n, 12n], [9, null], [0b01]];
    expect(state(sliceBatch(batch, 1))).toEqual(expected);
    expect(state(takeBatch(batch, Int32Array.of(1, 2)))).toEqual(expected);
  });

  test("concat fills in old keys and unchanged cells where a part has none", () => {
    const plain: Batch = {
      ...batch,
      changes: { ops: Uint8Array.of(0, 0, 0), ordinals: BigInt64Array.of(1n, 2n, 3n) },
    };
    expect(state(concatBatches([plain, batch]))).toEqual([
      [1, 2, 3, 1, 2, 3],
      [0, 0, 0, 0, 1, 2],
      [1n, 2n, 3n, 10n, 11n, 12n],
      [null, null, null, null, 9, null],
      [0b010000],
    ]);
    expect(() => concatBatches([{ schema, length: 3, columns: batch.columns }, batch])).toThrow(
      /with and without/,
    );
  });
});
