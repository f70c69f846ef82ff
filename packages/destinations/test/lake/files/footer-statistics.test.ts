import type { ColumnType, Schema } from "@alluvium/core";
import { expect, test } from "vitest";
import { footerLeaves } from "../../../src/lake/files/footer-statistics.ts";

const schema: Schema = {
  fields: [
    { name: "n", type: { kind: "int64" }, nullable: true },
    { name: "f", type: { kind: "float64" }, nullable: true },
    {
      name: "s",
      type: { kind: "struct", fields: [{ name: "x", type: { kind: "int32" }, nullable: true }] },
      nullable: true,
    },
    {
      name: "l",
      type: { kind: "list", element: { name: "element", type: { kind: "int32" }, nullable: true } },
      nullable: true,
    },
  ],
};
const chunk = (path: readonly string[], statistics: object, slots = 10) => ({
  path,
  compression: "zstd",
  encodings: [],
  slots,
  compressedBytes: 1,
  uncompressedBytes: 1,
  statistics,
});
const group = (n: object, more: readonly ReturnType<typeof chunk>[] = []) => ({
  rows: 10,
  columns: [chunk(["n"], n), ...more],
});
const n: ColumnType = { kind: "int64" };

test("bounds hold over all row groups", () => {
  expect(
    footerLeaves({
      schema,
      rowGroups: [
        group({ nulls: 1, min: 5n, max: 9n }),
        group({ nulls: 10 }),
        group({ nulls: 0, min: -1n, max: 7n }),
      ],
    }),
  ).toEqual([{ path: ["n"], type: n, nulls: 11, min: -1n, max: 9n }]);
});

test("a row group without bounds leaves none, one without a count of nulls nothing at all", () => {
  const whole = group({ nulls: 0, min: 1n, max: 2n });
  expect(footerLeaves({ schema, rowGroups: [whole, group({ nulls: 3 })] })).toEqual([
    { path: ["n"], type: n, nulls: 3 },
  ]);
  expect(footerLeaves({ schema, rowGroups: [whole, group({ min: 1n, max: 2n })] })).toEqual([]);
  expect(footerLeaves({ schema, rowGroups: [] })).toEqual([]);
});

test("floats have no bounds, members of structs do, elements of lists are left out", () => {
  const more = [
    chunk(["f"], { nulls: 0, min: 1, max: 2 }),
    chunk(["s", "x"], { nulls: 0, min: 3, max: 4 }),
    chunk(["l", "list", "element"], { nulls: 0, min: 5, max: 6 }),
  ];
  expect(footerLeaves({ schema, rowGroups: [group({ nulls: 0, min: 1n, max: 2n }, more)] }).slice(1)).toEqual(
    [
      { path: ["f"], type: { kind: "float64" }, nulls: 0 },
      { path: ["s", "x"], type: { kind: "int32" }, nulls: 0, min: 3, max: 4 },
    ],
  );
});
