import type { ColumnType, Field } from "@alluvium/core";
import { describe, expect, test } from "vitest";
import { boundSchema, compareSchemas, grownSchema } from "../../src/lake/schemas.ts";

const int: ColumnType = { kind: "int64" };
const text: ColumnType = { kind: "string" };
const none: ColumnType = { kind: "null" };
const field = (name: string, type: ColumnType, nullable = true): Field => ({ name, type, nullable });
const list = (type: ColumnType): ColumnType => ({ kind: "list", element: field("element", type) });
const struct = (...fields: readonly Field[]): ColumnType => ({ kind: "struct", fields });
const schema = (...fields: readonly Field[]) => ({ fields });

test("columns and members of which only nulls were seen are left out", () => {
  const seen = schema(
    field("a", int),
    field("b", none),
    field("c", list(none)),
    field("d", struct(field("x", none), field("y", int))),
    field("e", struct(field("x", none))),
    field("f", { kind: "map", key: field("key", text, false), value: field("value", none) }),
  );
  expect(boundSchema(seen)).toEqual(schema(field("a", int), field("d", struct(field("y", int)))));
});

describe("growth", () => {
  test("keeps order and what is gone, adds what is new as nullable", () => {
    const grown = grownSchema(
      schema(
        field("a", int, false),
        { ...field("b", int, false), id: 2 },
        field("s", struct(field("x", int))),
      ),
      schema(field("s", struct(field("y", text, false))), field("c", text, false), field("b", int, false)),
    );
    expect(grown).toEqual(
      schema(
        field("a", int, true),
        { ...field("b", int, false), id: 2 },
        field("s", struct(field("x", int), field("y", text, true))),
        field("c", text, true),
      ),
    );
  });

  test("equal columns stay as they are", () => {
    const same = schema(field("a", int, false), field("l", list(struct(field("x", int)))));
    expect(grownSchema(same, same)).toEqual(same);
  });
});

test.each([
  ["equal", field("a", int), field("a", int), "compatible"],
  ["bound", field("a", none), field("a", int), "compatible"],
  ["widened", field("a", int), field("a", { kind: "float64" }), "widened"],
  ["bound inside a list", field("a", list(none)), field("a", list(int)), "bound"],
  ["widened inside a list", field("a", list(int)), field("a", list(text)), "widened"],
  ["grown inside a struct", field("a", struct()), field("a", struct(field("x", int))), "compatible"],
  [
    "widened inside a struct",
    field("a", struct(field("x", int))),
    field("a", struct(field("x", text))),
    "widened",
  ],
] as const)("a type that is %s", (_, before, next, change) => {
  expect(compareSchemas(schema(before), schema(next)).change).toBe(change);
});
