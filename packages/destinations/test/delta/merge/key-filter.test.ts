import { vectorOf } from "@alluvium/core/columns";
import type { ColumnType } from "@alluvium/core";
import { expect, test } from "vitest";
import type { AddFile } from "../../../src/delta/log/actions.ts";
import { keyFilter } from "../../../src/delta/merge/key-filter.ts";
import { columnsOf, type Column } from "../../../src/delta/read/columns.ts";
import { deltaSchema } from "../../../src/delta/types.ts";

function columns(
  types: Readonly<Record<string, ColumnType>>,
  partitionColumns: readonly string[] = [],
): readonly Column[] {
  const fields = Object.entries(types).map(([name, type]) => ({ name, type, nullable: true }));
  return columnsOf({
    protocol: { minReaderVersion: 1, minWriterVersion: 2 },
    metadata: {
      id: "t",
      format: { provider: "parquet" },
      schemaString: "",
      partitionColumns,
      configuration: {},
    },
    schema: deltaSchema({ fields }),
    transactions: new Map(),
    domains: new Map(),
  });
}

const file = (stats: object | undefined, partitionValues: Record<string, string | null> = {}): AddFile => ({
  path: "f",
  partitionValues,
  size: 1,
  modificationTime: 0,
  dataChange: true,
  ...(stats && { stats: JSON.stringify(stats) }),
});
const bounds = (min: unknown, max: unknown, nulls = 0) => ({
  numRecords: 10,
  minValues: { k: min },
  maxValues: { k: max },
  nullCount: { k: nulls },
});

test.each<[string, ColumnType, readonly unknown[], [unknown, unknown], boolean]>([
  ["a key within", { kind: "int64" }, [5n, 50n], [40, 60], true],
  ["none between two keys", { kind: "int64" }, [5n, 50n], [6, 49], false],
  ["a key at the lower bound", { kind: "int64" }, [5n, 50n], [50, 60], true],
  ["a key at the upper bound", { kind: "int64" }, [5n, 50n], [1, 5], true],
  ["above all", { kind: "int32" }, [5, 50], [51, 60], false],
  ["text within the range of the keys", { kind: "string" }, ["b", "y"], ["m", "n"], true],
  ["text outside of the range of the keys", { kind: "string" }, ["b", "y"], ["z", "zz"], false],
  ["floats, whose bounds writers disagree on", { kind: "float64" }, [1], [5, 6], true],
])("%s", (_, type, keys, [min, max], wanted) => {
  const filter = keyFilter(columns({ k: type }), [vectorOf(type, keys)]);
  expect(filter.mayHold(file(bounds(min, max)))).toBe(wanted);
  expect(filter.mayHold(file(undefined))).toBe(true);
});

test("null among the keys keeps files that may hold nulls, and those only", () => {
  const filter = keyFilter(columns({ k: { kind: "int64" } }), [vectorOf({ kind: "int64" }, [5n, null])]);
  expect(filter.mayHold(file(bounds(100, 200, 1)))).toBe(true);
  expect(filter.mayHold(file(bounds(100, 200, 0)))).toBe(false);
});

test("partitions are told by their values", () => {
  const two = columns({ k: { kind: "int64" }, p: { kind: "string" } }, ["p"]);
  const filter = keyFilter(two, [
    vectorOf({ kind: "int64" }, [1n, 2n]),
    vectorOf({ kind: "string" }, ["x", "y"]),
  ]);
  expect(filter.mayHold(file(bounds(1, 1), { p: "x" }))).toBe(true);
  expect(filter.mayHold(file(bounds(1, 1), { p: "z" }))).toBe(false);
  expect(filter.mayHold(file(bounds(1, 1), { p: null }))).toBe(false);
  expect(filter.mayHold(file(bounds(3, 9), { p: "x" }))).toBe(false);
});

test("no keys are in no file", () => {
  const filter = keyFilter(columns({ k: { kind: "int64" } }), [vectorOf({ kind: "int64" }, [])]);
  expect(filter.mayHold(file(undefined))).toBe(false);
});
