import { expect, test } from "vitest";
import type { Json } from "../../src/state/json.ts";
import { userValue, resourceCursorCodec } from "../../src/read/resource-cursor.ts";

test.each([
  ["timestamp", "2024-01-01T00:00:00.000999Z", "date", new Date("2024-01-01T00:00:00.000Z")],
  ["timestamp", "1969-12-31T23:59:59.999900Z", "date", new Date(-1)],
  ["timestamp", "2024-01-01T00:00:00.000999Z", "bigint", 1_704_067_200_000_999n],
  ["timestamp", "2024-01-01T00:00:00.000999", undefined, new Date("2024-01-01T00:00:00.000Z")],
  ["date", "2024-01-02", "date", new Date("2024-01-02")],
  ["date", "2024-01-02", "string", "2024-01-02"],
  ["int64", "9007199254740993", "bigint", 9007199254740993n],
  ["int64", "5", "number", 5],
  ["int64", "5", undefined, 5n],
  ["float64", "2.5", "number", 2.5],
  ["decimal", "2.50", "string", "2.50"],
  ["string", "x", "string", "x"],
  ["null", "", "date", undefined],
] as const)("%s %s as %s", (kind, value, form, expected) => {
  expect(userValue({ kind, value, boundary: [] }, form)).toEqual(expected);
});

test("a cursor of a newer version, or a damaged one, is refused", () => {
  const decode = (json: Json, version: number): unknown => resourceCursorCodec.decode(json, version);
  expect(() => decode({}, 2)).toThrow(expect.objectContaining({ code: "ALV_STATE_INVALID" }));
  expect(() => decode({ since: { kind: "int64", value: "x", boundary: [] } }, 1)).toThrow(/damaged/);
  expect(() => decode(null, 1)).toThrow(expect.objectContaining({ code: "ALV_STATE_INVALID" }));
});

test("the stored form stays readable", () => {
  // What is written once must be read for ever: a change here needs a new version.
  const cursor = {
    since: { kind: "int64", value: "5", boundary: [{ columns: ["id"], hashes: ["a"] }], closedBelow: "6" },
    reached: { kind: "int64", value: "7", boundary: [], nulls: [{ columns: ["id"], hashes: ["b"] }] },
    position: { page: 3 },
    form: "number",
  } as const;
  expect(resourceCursorCodec.encode(cursor)).toEqual(cursor);
  expect(resourceCursorCodec.decode(JSON.parse(JSON.stringify(cursor)), 1)).toEqual(cursor);
});
