import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { describeType } from "../../src/schema/describe.ts";
import { isTypeWithin, sameType } from "../../src/schema/equal.ts";
import type { ColumnType, Field } from "../../src/schema/types.ts";
import { widenTypes } from "../../src/schema/widen.ts";
import { ordered, relatedType } from "./arbitrary.ts";

// Properties take a while on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 });

const widen = (a: ColumnType | undefined, b: ColumnType | undefined): ColumnType | undefined =>
  a && b && widenTypes(a, b);

describe("laws of the lattice", () => {
  test("idempotent: a type with itself is the type itself", () => {
    fc.assert(
      fc.property(relatedType, (a) => {
        expect(widenTypes(a, a)).toEqual(a);
      }),
      { numRuns: 1000 },
    );
  });

  test("commutative", () => {
    fc.assert(
      fc.property(relatedType, relatedType, (a, b) => {
        expect(ordered(widenTypes(a, b))).toEqual(ordered(widenTypes(b, a)));
      }),

      { numRuns: 2000 },
    );
  });

  test("associative", () => {
    fc.assert(
      fc.property(relatedType, relatedType, relatedType, (a, b, c) => {
        expect(ordered(widen(widen(a, b), c))).toEqual(ordered(widen(a, widen(b, c))));
      }),

      { numRuns: 2000 },
    );
  });

  test("what is widened holds both", () => {
    fc.assert(
      fc.property(relatedType, relatedType, (a, b) => {
        const wide = widenTypes(a, b);
        if (wide === undefined) return;
        expect(sameType(ordered(widenTypes(wide, a))!, ordered(wide)!)).toBe(true);
        expect(sameType(ordered(widenTypes(b, wide))!, ordered(wide)!)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

const field = (name: string, type: ColumnType, nullable = false): Field => ({ name, type, nullable });
const decimal = (precision: number, scale: number): ColumnType => ({ kind: "decimal", precision, scale });
const local: ColumnType = { kind: "timestamp", zone: "local" };

test.each<[ColumnType, ColumnType, string | undefined]>([
  [{ kind: "null" }, { kind: "uuid" }, "uuid"],
  [{ kind: "int8" }, { kind: "int64" }, "int64"],
  [{ kind: "int64" }, decimal(5, 2), "decimal(21,2)"],
  [{ kind: "int32" }, decimal(38, 30), undefined],
  [{ kind: "int32" }, { kind: "float64" }, "float64"],
  [{ kind: "int8" }, { kind: "float32" }, "float64"],
  [{ kind: "float32" }, { kind: "float64" }, "float64"],
  [decimal(5, 4), decimal(10, 0), "decimal(14,4)"],
  [decimal(38, 0), decimal(38, 38), undefined],
  [decimal(5, 2), { kind: "float64" }, undefined],
  [{ kind: "date" }, local, "timestamp(local)"],
  [{ kind: "date" }, { kind: "timestamp", zone: "utc" }, undefined],
  [local, { kind: "timestamp", zone: "utc" }, undefined],
  [{ kind: "string" }, { kind: "int64" }, undefined],
  [{ kind: "string" }, { kind: "uuid" }, undefined],
  [{ kind: "boolean" }, { kind: "int8" }, undefined],
  [
    { kind: "list", element: field("element", { kind: "int8" }) },
    { kind: "list", element: field("element", { kind: "date" }) },
    undefined,
  ],
  [{ kind: "list", element: field("element", { kind: "int8" }) }, { kind: "struct", fields: [] }, undefined],
])("%j with %j", (a, b, expected) => {
  const wide = widenTypes(a, b);
  expect(wide && describeType(wide)).toBe(expected);
});

test("a member that one side lacks may be null; the others as both sides say", () => {
  const a: ColumnType = {
    kind: "struct",
    fields: [field("x", { kind: "int8" }), field("y", { kind: "date" })],
  };
  const b: ColumnType = {
    kind: "struct",
    fields: [field("z", { kind: "null" }, true), field("x", { kind: "int16" })],
  };
  expect(widenTypes(a, b)).toEqual({
    kind: "struct",
    fields: [
      field("x", { kind: "int16" }),
      field("y", { kind: "date" }, true),
      field("z", { kind: "null" }, true),
    ],
  });
});

test("equality ignores ids and nullability, being within heeds nullability", () => {
  const list = (nullable: boolean, id?: number): ColumnType => ({
    kind: "list",
    element: { ...field("element", { kind: "int8" }, nullable), ...(id !== undefined && { id }) },
  });
  expect(sameType(list(true, 1), list(false, 2))).toBe(true);
  expect(isTypeWithin(list(false, 1), list(true))).toBe(true);
  expect(isTypeWithin(list(true), list(false))).toBe(false);
  expect(sameType(decimal(5, 2), decimal(5, 3))).toBe(false);
});
