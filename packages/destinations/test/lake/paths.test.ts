import { expect, test } from "vitest";
import {
  encodeName,
  lakePaths,
  manifestPath,
  markerPath,
  parseName,
  tableDirectory,
} from "../../src/lake/paths.ts";

test("state stands in a folder of pipeline and lane, manifests by 20 digits", () => {
  const paths = lakePaths({ pipeline: "shop", lane: "main" });
  expect(manifestPath(paths, 12)).toBe("_alluvium/shop/main/00000000000000000012.json");
  expect(markerPath(paths, 12)).toBe("_alluvium/shop/main/00000000000000000012.applied");
  expect(parseName(paths, manifestPath(paths, 12))).toEqual({ sequence: 12, kind: "json" });
  expect(parseName(paths, paths.hint)).toBeUndefined();
  // One listing shows manifests and markers before anything else.
  for (const other of [paths.hint, paths.lease, paths.lists, paths.schemas])
    expect(other > manifestPath(paths, 9_999_999)).toBe(true);
});

test.each([
  ["a/b", "a%2Fb"],
  ["..", "%2E%2E"],
  [".hidden", "%2Ehidden"],
  ["a.b", "a.b"],
  ["Ü %", "%C3%9C%20%25"],
  ["it's*", "it%27s%2A"],
])("the name %s is one segment", (name, encoded) => {
  expect(encodeName(name)).toBe(encoded);
  expect(decodeURIComponent(encoded)).toBe(name);
});

test("table directories stay readable and lead nowhere else", () => {
  expect(tableDirectory("orders")).toBe("orders");
  expect(tableDirectory("größe x")).toBe("größe x");
  expect(tableDirectory("a/b")).toBe("a%2Fb");
  expect(tableDirectory("a%2Fb")).toBe("a%252Fb");
  expect(tableDirectory("..")).toBe("%2E%2E");
});
