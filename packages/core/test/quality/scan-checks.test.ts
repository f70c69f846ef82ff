import { expect, test } from "vitest";
import { references, unique, type DestinationSession } from "@alluvium/core";
import { batchOf } from "@alluvium/core/testing";
import type { Batch } from "@alluvium/core/columns";
import { loadValues } from "../../src/quality/load-values.ts";
import { checkCommitted } from "../../src/quality/scan-checks.ts";

const int32 = { kind: "int32" } as const;
const int64 = { kind: "int64" } as const;
const text = { kind: "string" } as const;

/** Tables that are read back, and how often each was. */
function session(tables: { readonly [table: string]: readonly Batch[] }): {
  readonly session: DestinationSession;
  readonly scans: Map<string, number>;
} {
  const scans = new Map<string, number>();
  const fake = {
    describe: (table: string) =>
      Promise.resolve({ id: table, schema: tables[table]![0]!.schema, partitionBy: [] }),
    async *scan(table: string) {
      scans.set(table, (scans.get(table) ?? 0) + 1);
      yield* tables[table]!;
    },
  } as unknown as DestinationSession;
  return { session: fake, scans };
}

const batches = (
  count: number,
  valueOf: (row: number) => unknown,
  type: typeof int64 | typeof text | typeof int32,
) =>
  Array.from({ length: count / 1000 }, (_, at) =>
    batchOf({ id: [type, Array.from({ length: 1000 }, (__, i) => valueOf(1000 * at + i))] }),
  );

const given = (held: DestinationSession, budget: number) => ({
  session: held,
  table: "own",
  checked: { resource: "own", primaryKey: [], masked: [] },
  spell: (column: string) => column,
  isNested: false,
  active: undefined,
  budget,
  signal: new AbortController().signal,
});

test("a table with more keys than fit into memory is read in parts, and each key is looked at once", async () => {
  for (const [type, valueOf] of [
    [int64, (row: number) => BigInt(row)],
    [text, (row: number) => `key ${row}`],
  ] as const) {
    // Every hundredth row repeats another one; every thousandth has none.
    const value = (row: number): unknown =>
      row % 1000 === 0 ? null : valueOf(row % 100 === 7 ? row - 1 : row);
    const { session: held, scans } = session({ own: batches(20_000, value, type) });
    for (const budget of [2 ** 26, 100_000]) {
      scans.clear();
      const [result] = await checkCommitted(given(held, budget), [unique("id")]);
      expect(result).toMatchObject({ passed: false, rows: 19_980, failed: 200 });
      expect(result!.examples).toHaveLength(5);
      expect(scans.get("own")! > 1, `${scans.get("own")} scans`).toBe(budget < 2 ** 20);
    }
  }
});

test("references are found in parts as well, and in columns of another width", async () => {
  const own = batches(20_000, (row) => BigInt(row), int64);
  const other = batches(20_000, (row) => (row < 15 ? null : row), int32);
  const { session: held, scans } = session({ own, other });
  for (const budget of [2 ** 26, 100_000]) {
    scans.clear();
    const [result] = await checkCommitted(given(held, budget), [
      references("id", { table: "other", columns: "id" }),
    ]);
    expect(result).toMatchObject({
      passed: false,
      rows: 20_000,
      failed: 15,
    });
    expect(scans.get("own")! > 1).toBe(budget < 2 ** 20);
  }
});

test("values of types that do not compare are different ones, and no more are kept than may be", () => {
  const table = { resource: "own", primaryKey: [], masked: [] };
  const all = (): boolean => true;
  const values = loadValues(table, unique("id", { when: "before" }), 2 ** 20);
  const failed = (batch: Batch): readonly number[] => values.check(batch, all).rows;
  expect(failed(batchOf({ id: [int32, [1, 2, 2]] }))).toEqual([2]);
  expect(failed(batchOf({ id: [int64, [3n, 1n]] }))).toEqual([1]);
  expect(failed(batchOf({ id: [text, ["1", "2", "1"]] }))).toEqual([2]);
  values.rollback(false);
  expect(failed(batchOf({ id: [int32, [1, 9]] }))).toEqual([]);
  values.seal(true);
  // What comes after a seal for a commit is the next load's.
  expect(failed(batchOf({ id: [int32, [1]] }))).toEqual([]);
  values.commit();
  values.seal(false);
  expect(failed(batchOf({ id: [int32, [9, 1]] }))).toEqual([1]);
  const few = loadValues(table, unique("id", { when: "before" }), 10_000);
  expect(() => {
    for (const batch of batches(20_000, (row) => BigInt(row), int64)) few.check(batch, all);
  }).toThrow(/raise the pipeline's budget/);
});
