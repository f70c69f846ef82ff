import type { ColumnType, Schema } from "@alluvium/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { columnStatistics, cutAbove, cutBelow } from "../../../src/lake/files/bounds.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const string: ColumnType = { kind: "string" };

function single(
  type: ColumnType,
  min: unknown,
  max: unknown,
  more: { nulls?: number; sawNaN?: boolean } = {},
) {
  const schema: Schema = { fields: [{ name: "c", type, nullable: true }] };
  const leaf = { path: ["c"], type, nulls: 0, min: min as number, max: max as number, ...more };
  return columnStatistics([leaf], schema, 10)[0];
}

describe("values as text", () => {
  test.each<[string, ColumnType, unknown, unknown, object]>([
    [
      "int64",
      { kind: "int64" },
      -9_223_372_036_854_775_808n,
      9_007_199_254_740_993n,
      { min: "-9223372036854775808", max: "9007199254740993" },
    ],
    [
      "decimal",
      { kind: "decimal", precision: 38, scale: 2 },
      -5n,
      12_345_678_901_234_567_890n,
      { min: "-0.05", max: "123456789012345678.90" },
    ],
    ["float64", { kind: "float64" }, -0, 0.1, { min: "-0", max: "0.1" }],
    ["date", { kind: "date" }, -1, 19_782, { min: "1969-12-31", max: "2024-02-29" }],
    [
      "utc",
      { kind: "timestamp", zone: "utc" },
      -1n,
      1n,
      { min: "1969-12-31T23:59:59.999999Z", max: "1970-01-01T00:00:00.000001Z" },
    ],
    [
      "local",
      { kind: "timestamp", zone: "local" },
      0n,
      1n,
      { min: "1970-01-01T00:00:00.000000", max: "1970-01-01T00:00:00.000001" },
    ],
    ["string", string, utf8("a"), utf8("é"), { min: "a", max: "é" }],
    ["boolean", { kind: "boolean" }, false, true, { min: "false", max: "true" }],
    ["binary", { kind: "binary" }, utf8("a"), utf8("b"), {}],
    ["text that is no UTF-8", string, Uint8Array.of(0xff), utf8("b"), { max: "b" }],
  ])("%s", (_, type, min, max, bounds) => {
    expect(single(type, min, max)).toEqual({ path: ["c"], nulls: 0, ...bounds });
  });

  test("NaN leaves no bounds, nor do nulls alone", () => {
    expect(single({ kind: "float64" }, 1, 2, { sawNaN: true })).toEqual({ path: ["c"], nulls: 0 });
    expect(single({ kind: "int32" }, 1, 2, { nulls: 10 })).toEqual({ path: ["c"], nulls: 10 });
  });
});

describe("cutting text", () => {
  const long = (char: string, last = "") => char.repeat(32) + last + "tail";
  test.each([
    ["a".repeat(32), "a".repeat(32)],
    [long("a"), `${"a".repeat(31)}b`],
    [long("😀"), `${"😀".repeat(31)}😁`],
    [`${"a".repeat(31)}\u{10ffff}x`, `${"a".repeat(30)}b`],
    [`${"a".repeat(31)}\ud7ffx`, `${"a".repeat(31)}\ue000`],
    [long("\u{10ffff}"), undefined],
  ])("the bound above %s", (text, bound) => {
    expect(cutAbove(text)).toBe(bound);
  });

  test("bounds hold in the order of UTF-8, within 32 code points", () => {
    const char = fc.constantFrom("a", "\u{10ffff}", "\ud7ff", "\ue000", "é", "😀", "\uffff");
    fc.assert(
      fc.property(fc.array(char, { maxLength: 40 }), (chars) => {
        const text = chars.join("");
        const below = cutBelow(text);
        const above = cutAbove(text);
        expect(Buffer.compare(utf8(below), utf8(text))).toBeLessThanOrEqual(0);
        expect(text.startsWith(below)).toBe(true);
        expect(Array.from(below).length).toBe(Math.min(32, chars.length));
        expect(above === undefined).toBe(chars.length > 32 && below === "\u{10ffff}".repeat(32));
        if (above === undefined) return;
        expect(Buffer.compare(utf8(above), utf8(text))).toBeGreaterThanOrEqual(0);
        expect(Array.from(above).length).toBeLessThanOrEqual(32);
        // No surrogate stands alone.
        expect(new TextDecoder().decode(utf8(above))).toBe(above);
      }),
    );
  });
});

test("structs count by leaf, lists and maps not at all, and 32 leaves are enough", () => {
  const int: ColumnType = { kind: "int32" };
  const struct: ColumnType = {
    kind: "struct",
    fields: [
      { name: "x", type: int, nullable: true },
      {
        name: "tags",
        type: { kind: "list", element: { name: "element", type: int, nullable: true } },
        nullable: true,
      },
      { name: "y", type: int, nullable: true },
    ],
  };
  const many = Array.from({ length: 40 }, (_, i) => ({ name: `c${i}`, type: int, nullable: true }));
  const schema: Schema = { fields: [{ name: "s", type: struct, nullable: true }, ...many] };
  const paths = [["s", "x"], ["s", "tags", "list", "element"], ["s", "y"], ...many.map(({ name }) => [name])];
  const leaves = paths.map((path) => ({ path, type: int, nulls: 0, min: 1, max: 2 }));
  const statistics = columnStatistics(leaves, schema, 5);
  expect(statistics).toHaveLength(32);
  expect(statistics.slice(0, 3).map(({ path }) => path.join("."))).toEqual(["s.x", "s.y", "c0"]);
  expect(statistics.at(-1)!.path).toEqual(["c29"]);
});
