import { expect, test } from "vitest";
import type { MergeOptions, MergeStrategy } from "@alluvium/core";
import type { ColumnType } from "@alluvium/core/schema";
import { batchOf, changeBatch, type ChangeSpelling } from "@alluvium/core/testing";
import type { Batch } from "@alluvium/core/columns";
import { foldTable, rowTexts } from "./folded-table.ts";

const int32: ColumnType = { kind: "int32" };
const columns = { id: int32, a: { kind: "string" }, at: int32 } satisfies Record<string, ColumnType>;

type Row = readonly [id: number, a: string | null, at?: number | null];

function fold(
  stored: readonly Row[],
  changes: readonly ChangeSpelling[] | readonly Batch[],
  merge: MergeOptions = {},
  strategy: MergeStrategy = "upsert",
): string[] {
  const before = batchOf({
    id: [int32, stored.map(([id]) => id)],
    a: [columns.a, stored.map(([, a]) => a)],
    at: [int32, stored.map(([, , at = null]) => at)],
  });
  const batches = changes.some((one) => "schema" in one)
    ? (changes as readonly Batch[])
    : [changeBatch(columns, changes as readonly ChangeSpelling[])];
  const plan = {
    table: "t",
    stream: "t",
    disposition: { kind: "merge", strategy },
    merge,
    primaryKey: ["id"],
    partitionBy: [],
    schema: before.schema,
  } as const;
  const written = batches.map((batch, stretch) => ({ batch, stretch }));
  return rowTexts(foldTable(before, written, plan).rows).sort();
}

const put = (id: number, a: string | null, at: number | null = null): ChangeSpelling => ({
  row: { id, a, at },
});
const part = (id: number, row: object): ChangeSpelling => ({
  op: "update",
  row: { id, ...row },
  partial: true,
});
const move = (from: number, id: number, a: string): ChangeSpelling => ({
  op: "update",
  row: { id, a },
  old: { id: from },
});
const remove = (id: number): ChangeSpelling => ({ op: "delete", row: { id } });

test.for<[string, readonly Row[], readonly ChangeSpelling[], readonly string[]]>([
  ["nothing", [[1, "a"]], [], ["1|a|null"]],
  ["put, put", [[1, "a"]], [put(1, "b"), put(1, "c")], ["1|c|null"]],
  ["put, delete", [], [put(1, "b"), remove(1)], []],
  ["delete, put", [[1, "a"]], [remove(1), put(1, "b")], ["1|b|null"]],
  ["delete of nothing", [], [remove(1)], []],
  ["part", [[1, "a", 5]], [part(1, { a: "b" })], ["1|b|5"]],
  ["part, part", [[1, "a", 5]], [part(1, { a: "b" }), part(1, { at: 6 })], ["1|b|6"]],
  ["put, part", [], [put(1, "a", 1), part(1, { at: 2 })], ["1|a|2"]],
  ["part, put", [[1, "a", 5]], [part(1, { at: 6 }), put(1, "b")], ["1|b|null"]],
  ["part, delete", [[1, "a", 5]], [part(1, { at: 6 }), remove(1)], []],
  ["move", [[1, "a"]], [move(1, 2, "b")], ["2|b|null"]],
  ["move to itself", [[1, "a"]], [move(1, 1, "b")], ["1|b|null"]],
  ["move of nothing", [], [move(1, 2, "b")], ["2|b|null"]],
  ["move, part", [[1, "a", 5]], [move(1, 2, "b"), part(2, { at: 6 })], ["2|b|6"]],
  ["partial move, part", [[1, "a", 5]], [{ ...part(2, {}), old: { id: 1 } }, part(2, { a: "b" })], ["2|b|5"]],
  ["move, delete", [[1, "a"]], [move(1, 2, "b"), remove(2)], []],
  ["move, put of the old key", [[1, "a"]], [move(1, 2, "b"), put(1, "c")], ["1|c|null", "2|b|null"]],
  [
    "swap",
    [
      [1, "a"],
      [2, "b"],
    ],
    [move(1, 2, "a"), move(2, 1, "b")],
    ["1|b|null", "2|a|null"],
  ],
  [
    "swap of a row that is stored with one that is not",
    [[1, "a"]],
    [put(2, "b"), move(1, 2, "a"), move(2, 1, "b")],
    ["1|b|null", "2|a|null"],
  ],
  [
    "rotation",
    [
      [1, "a"],
      [2, "b"],
      [3, "c"],
    ],
    [move(1, 2, "a"), move(2, 3, "b"), move(3, 1, "c")],
    ["1|c|null", "2|a|null", "3|b|null"],
  ],
  [
    "shift",
    [
      [1, "a"],
      [2, "b"],
    ],
    [move(1, 2, "a"), move(2, 3, "b")],
    ["2|a|null", "3|b|null"],
  ],
  ["chain", [[1, "a"]], [move(1, 2, "a"), move(2, 3, "b")], ["3|b|null"]],
  [
    "move onto a row, which is then deleted",
    [
      [1, "a"],
      [2, "b"],
    ],
    [move(1, 2, "a"), remove(2)],
    ["2|a|null"],
  ],
  [
    "move onto a row, which nothing takes away",
    [
      [1, "a"],
      [2, "b"],
    ],
    [move(1, 2, "a")],
    ["2|a|null"],
  ],
  [
    "two moves onto a row: those set aside leave in the order in which they came",
    [
      [1, "a"],
      [2, "b"],
      [3, "c"],
    ],
    [move(1, 2, "a"), move(3, 2, "c"), move(2, 8, "b"), move(2, 9, "a")],
    ["2|c|null", "8|b|null", "9|a|null"],
  ],
  [
    "truncate, put",
    [
      [1, "a"],
      [2, "b"],
    ],
    [put(3, "c"), { op: "truncate" }, put(2, "d")],
    ["2|d|null"],
  ],
  ["truncate, move", [[1, "a"]], [{ op: "truncate" }, move(1, 2, "b")], ["2|b|null"]],
  [
    "truncate, partial insert",
    [[1, "a", 5]],
    [{ op: "truncate" }, { ...part(1, { a: "b" }), op: "insert" }],
    ["1|b|null"],
  ],
])("upsert: %s", ([, stored, changes, expected]) => {
  expect(fold(stored, changes)).toEqual(expected);
});

test.for<[string, readonly Row[], readonly ChangeSpelling[], readonly string[]]>([
  ["smaller than stored", [[1, "a", 5]], [put(1, "b", 4)], ["1|a|5"]],
  ["equal to stored", [[1, "a", 5]], [put(1, "b", 5)], ["1|b|5"]],
  ["null against a value", [[1, "a", 5]], [put(1, "b")], ["1|a|5"]],
  ["null against null", [[1, "a"]], [put(1, "b")], ["1|b|null"]],
  ["the greatest of the load", [], [put(1, "b", 2), put(1, "c", 3), put(1, "d", 1)], ["1|c|3"]],
  ["a delete without a value", [[1, "a", 5]], [remove(1)], []],
  [
    "a delete without a value, then an older row",
    [[1, "a", 5]],
    [put(1, "b", 9), remove(1), put(1, "c", 1)],
    ["1|c|1"],
  ],
  ["an older delete", [[1, "a", 5]], [{ op: "delete", row: { id: 1, at: 4 } }], ["1|a|5"]],
  [
    "a delete, then an older row",
    [[1, "a", 5]],
    [{ op: "delete", row: { id: 1, at: 6 } }, put(1, "c", 5)],
    [],
  ],
  [
    "a delete, then a newer row",
    [[1, "a", 5]],
    [{ op: "delete", row: { id: 1, at: 6 } }, put(1, "c", 7)],
    ["1|c|7"],
  ],
  ["parts one by one", [[1, "a", 5]], [part(1, { a: "x", at: 4 }), part(1, { at: 6 })], ["1|a|6"]],
  ["a part without a value", [[1, "a", 5]], [part(1, { a: "x" })], ["1|x|5"]],
  [
    "an older move",
    [[1, "a", 5]],
    [{ op: "update", row: { id: 2, a: "b", at: 4 }, old: { id: 1 } }],
    ["1|a|5", "2|b|4"],
  ],
  [
    "a move onto a newer row",
    [
      [1, "a", 5],
      [2, "b", 9],
    ],
    [{ op: "update", row: { id: 2, a: "a", at: 6 }, old: { id: 1 } }],
    ["2|b|9"],
  ],
  [
    "an older part of nothing that a newer row has taken the place of",
    [[1, "a", 5]],
    [put(1, "b", 7), part(1, { a: "x", at: 6 })],
    ["1|b|7"],
  ],
])("by order: %s", ([, stored, changes, expected]) => {
  expect(fold(stored, changes, { orderBy: "at" })).toEqual(expected);
});

test("ordinals hold within a stretch, and equal ones in the order of writing", () => {
  const first = changeBatch(columns, [
    { ...put(1, "x"), ordinal: 9n },
    { ...put(1, "y"), ordinal: 8n },
  ]);
  const second = changeBatch(columns, [{ ...put(1, "z"), ordinal: 0n }]);
  expect(fold([], [first])).toEqual(["1|x|null"]);
  expect(fold([], [first, second])).toEqual(["1|z|null"]);
  const equal = changeBatch(columns, [
    { ...put(1, "p"), ordinal: 3n },
    { ...put(1, "q"), ordinal: 3n },
  ]);
  expect(fold([], [equal])).toEqual(["1|q|null"]);
});

test("an update of which cells are missing needs its row", () => {
  const missing = expect.objectContaining({
    code: "ALV_ROW_INVALID",
    message: expect.stringMatching(/key \(7\)/),
  });
  expect(() => fold([], [part(7, { a: "x" })])).toThrow(missing);
  expect(() => fold([[7, "a"]], [remove(7), part(7, { a: "x" })])).toThrow(missing);
  expect(() => fold([], [{ ...part(8, {}), old: { id: 7 } }])).toThrow(missing);
  // What is truncated afterwards need not be there.
  expect(fold([], [part(7, { a: "x" }), { op: "truncate" }])).toEqual([]);
});

test("keys are never null, but in truncates", () => {
  expect(() => fold([], [put(null as never, "a")])).toThrow(/null in its key column "id"/);
  expect(fold([[1, "a"]], [{ op: "truncate" }])).toEqual([]);
});

test("a delete flag is boolean", () => {
  const flagged = { ...changeBatch(columns, [put(1, "a")]) };
  expect(() => fold([], [flagged], { deleteFlag: "a" })).toThrow(/deleteFlag.*boolean/);
});
