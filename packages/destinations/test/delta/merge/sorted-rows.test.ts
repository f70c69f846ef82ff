import { vectorOf } from "@alluvium/core/columns";
import { expect, test } from "vitest";
import { sortedRows } from "../../../src/delta/merge/sorted-rows.ts";

const int64 = { kind: "int64" } as const;

test.each([{ kind: "int32" }, int64, { kind: "timestamp", zone: "utc" }, { kind: "date" }] as const)(
  "rows near keys of $kind are those that have one, in random batches in order",
  (type) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return state % below;
    };
    const wide = type.kind === "int64" || type.kind === "timestamp";
    const spread = wide ? 2 ** 31 : 1;
    const vector = (values: readonly number[]) => {
      const all = wide ? BigInt64Array.from(values, BigInt) : Int32Array.from(values);
      return {
        layout: "fixed",
        type,
        length: values.length,
        nullCount: 0,
        validity: undefined,
        values: all,
      } as const;
    };
    const valueOf = (): number => (random(400) - 200) * spread;
    for (let round = 0; round < 200; round++) {
      const keys = Array.from({ length: 1 + random(20) }, valueOf);
      const rows = Array.from({ length: 200 + random(200) }, valueOf).sort((a, b) => a - b);
      const found = sortedRows(vector(keys))!(vector(rows));
      const wanted = rows.flatMap((value, row) => (keys.includes(value) ? [row] : []));
      expect(found && [...found], `seed ${seed}, round ${round}`).toEqual(wanted);
    }
  },
);

test("says nothing of batches in no order, of many keys, of nulls and of text", () => {
  const keys = sortedRows(vectorOf(int64, [3n]))!;
  expect(keys(vectorOf(int64, [5n, 3n, 4n, 1n, 2n, 6n, 7n, 8n, 9n]))).toBeUndefined();
  expect(keys(vectorOf(int64, [1n, 3n, null]))).toBeUndefined();
  expect(keys(vectorOf({ kind: "int32" }, [1, 3]))).toBeUndefined();
  expect(sortedRows(vectorOf(int64, [1n, 2n, 3n]))!(vectorOf(int64, [1n, 2n, 3n]))).toBeUndefined();
  expect(sortedRows(vectorOf({ kind: "string" }, ["a"]))).toBeUndefined();
  expect(sortedRows(vectorOf(int64, [1n, null]))).toBeUndefined();
});
