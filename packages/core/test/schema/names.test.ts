import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { snakeCase, spellName, spellNames } from "../../src/schema/names.ts";
import { cases } from "./names.cases.ts";

describe("snake case", () => {
  test.each(Object.entries(cases))("%j is %j", (name, spelled) => {
    expect(snakeCase(name)).toBe(spelled);
  });

  test("leaves its own answers alone", () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        expect(snakeCase(snakeCase(name))).toBe(snakeCase(name));
      }),
    );
  });
});

describe("spelling", () => {
  test("keeps, or asks a function", () => {
    expect(spellName("Order Date", "keep")).toBe("Order Date");
    expect(spellName("Order Date", (name) => name.toUpperCase())).toBe("ORDER DATE");
  });

  test("names both sources of a collision", () => {
    expect(() => spellNames(["orderId", "order_id"], "snake", 'table "orders"')).toThrow(
      expect.objectContaining({
        code: "ALV_NAME_COLLISION",
        message: expect.stringMatching(/table "orders".*"orderId" and "order_id".*"order_id"/),
      }),
    );
    expect(spellNames(["orderId", "orderid"], "snake", "x").get("orderId")).toBe("order_id");
    expect(() => spellNames(["ID", "id"], "keep", "x", { foldCase: true })).toThrow(/"ID" and "id"/);
    expect([...spellNames(["ID", "id"], "keep", "x").values()]).toEqual(["ID", "id"]);
  });
});
