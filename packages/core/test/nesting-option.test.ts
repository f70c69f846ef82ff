import { describe, expect, test } from "vitest";
import { resource, source } from "@alluvium/core";
import { nestingOf } from "../src/nesting-option.ts";

const orders = (nesting: unknown) =>
  resource({ name: "orders", nesting: nesting as "native", read: () => [{ id: 1, items: [{ sku: "a" }] }] });

describe("the option nesting", () => {
  test("is a mode, or a choice by path with a limit in depth", () => {
    expect(nestingOf("r", undefined)).toBeUndefined();
    expect(nestingOf("r", "json")).toEqual({ default: "json", depth: Infinity, paths: {} });
    expect(nestingOf("r", { depth: 2, paths: { "items.tags": "tables" } })).toEqual({
      default: "native",
      depth: 2,
      paths: { "items.tags": "tables" },
    });
    expect(orders({ default: "tables" }).definition.table.nesting).toMatchObject({ default: "tables" });
  });

  test.each([
    ["table", /nesting is "table"; it must be "native", "tables" or "json"/],
    [null, /nesting is null/],
    [{ mode: "tables" }, /nesting has mode; it has default, depth, paths/],
    [{ depth: -1 }, /nesting\.depth is -1; it must be a number of levels/],
    [{ depth: 1.5 }, /nesting\.depth is 1\.5/],
    [{ default: "list" }, /nesting\.default is "list"/],
    [{ paths: "items" }, /nesting\.paths is "items"/],
    [{ paths: { items: true } }, /nesting\.paths\["items"\] is true/],
    [{ paths: { "items..tags": "json" } }, /a path of nesting is "items\.\.tags"/],
  ])("refuses %j", (option, message) => {
    expect(() => orders(option)).toThrow(expect.objectContaining({ code: "ALV_CONFIG", resource: "orders" }));
    expect(() => orders(option)).toThrow(message);
  });

  test("goes along with derived resources, which may say otherwise", () => {
    const derived = orders("tables").filter(() => true);
    expect(derived.as("a").definition.table.nesting).toMatchObject({ default: "tables" });
    expect(derived.as("b", { nesting: "json" }).definition.table.nesting).toMatchObject({ default: "json" });
  });

  test("of a source is refused like a resource's", () => {
    expect(() => source("s", () => [orders("json")], { nesting: "deep" as never })).toThrow(
      /nesting is "deep"/,
    );
  });
});
