import fc from "fast-check";
import { expect, test } from "vitest";
import { parsePartitionPath, partitionDirectory } from "../../../src/lake/files/partition-path.ts";

test.each([
  [{ country: "de", at_day: "2024-05-01" }, "country=de/at_day=2024-05-01/"],
  [{ a: null, b: "" }, "a=__HIVE_DEFAULT_PARTITION__/b=__HIVE_DEFAULT_PARTITION__/"],
  [{ a: "__HIVE_DEFAULT_PARTITION__" }, "a=%5F_HIVE_DEFAULT_PARTITION__/"],
  [{ a: "x/y=z:%" }, "a=x%2Fy%3Dz%3A%25/"],
  [{ a: ".." }, "a=.%2E/"],
  [{ "a=b": "ä b" }, "a%3Db=ä b/"],
  [{}, ""],
])("%j stands in %s", (partition, directory) => {
  expect(partitionDirectory(partition)).toBe(directory);
});

test("what was written is read back, and never leads elsewhere", () => {
  const name = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => text !== "__proto__");
  const value = fc.option(fc.string({ unit: "grapheme", minLength: 1 }), { nil: null });
  fc.assert(
    fc.property(fc.dictionary(name, value, { noNullPrototype: true }), (partition) => {
      const directory = partitionDirectory(partition);
      expect(parsePartitionPath(`${directory}part-1.parquet`)).toEqual(partition);
      expect(directory.split("/")).toHaveLength(Object.keys(partition).length + 1);
      expect(directory.split("/")).not.toContain("..");
    }),
  );
});
