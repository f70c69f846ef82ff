import { describe, expect, test } from "vitest";
import type { Condition } from "@alluvium/core";
import type { AddFile } from "../../src/delta/log/actions.ts";
import type { Head } from "../../src/delta/log/replay.ts";
import { columnsOf } from "../../src/delta/read/columns.ts";
import { predicatesOf } from "../../src/delta/read/predicate.ts";
import { coverage } from "../../src/delta/read/pruning.ts";
import type { DeltaStruct } from "../../src/delta/types.ts";

const types = {
  n: "long",
  dec: "decimal(38,10)",
  t: "timestamp",
  f: "double",
  s: "string",
  b: "boolean",
  p: "date",
  local: "timestamp_ntz",
};
const schema: DeltaStruct = {
  type: "struct",
  fields: Object.entries(types).map(([name, type]) => ({ name, type, nullable: true, metadata: {} })),
};
const head: Head = {
  protocol: { minReaderVersion: 1, minWriterVersion: 2 },
  metadata: {
    id: "x",
    format: { provider: "parquet" },
    schemaString: "",
    partitionColumns: ["p"],
    configuration: {},
  },
  schema,
  transactions: new Map(),
  domains: new Map(),
};

/** A file whose only column with statistics is `column`; bounds are JSON. */
function file(column: string, min: string, max: string, nulls: number | "unknown" = 0): AddFile {
  const nullCount = nulls === "unknown" ? "{}" : `{"${column}":${nulls}}`;
  return {
    path: "x",
    partitionValues: { p: "2024-02-29" },
    size: 1,
    modificationTime: 0,
    dataChange: true,
    stats: `{"numRecords":10,"minValues":{"${column}":${min}},"maxValues":{"${column}":${max}},"nullCount":${nullCount}}`,
  };
}

const covered = (add: AddFile, ...where: Condition[]): string =>
  coverage(add, predicatesOf(where, columnsOf(head)));

describe("integers from 3 to 7", () => {
  test.each<[Condition["op"], unknown, string]>([
    ["=", 2, "none"],
    ["=", 3, "some"],
    ["=", 8, "none"],
    ["<", 3, "none"],
    ["<", 4, "some"],
    ["<", 8, "all"],
    ["<=", 2, "none"],
    ["<=", 7, "all"],
    [">", 7, "none"],
    [">", 2, "all"],
    [">=", 3, "all"],
    [">=", 8, "none"],
    ["in", [1, 9], "none"],
    ["in", [1, 5], "some"],
    ["in", [], "none"],
    ["=", null, "none"],
  ])("n %s %j: %s", (op, value, expected) => {
    expect(covered(file("n", "3", "7"), { column: "n", op, value })).toBe(expected);
  });

  test("nulls are never covered, and only they are if nothing else is there", () => {
    const condition: Condition = { column: "n", op: "<", value: 100 };
    expect(covered(file("n", "3", "7", 1), condition)).toBe("some");
    expect(covered(file("n", "3", "7", "unknown"), condition)).toBe("some");
    expect(covered(file("n", "3", "7", 10), condition)).toBe("none");
    expect(covered(file("n", "3", "7", 10), { column: "n", op: "=", value: null })).toBe("all");
    expect(covered(file("n", "3", "7", 1), { column: "n", op: "=", value: null })).toBe("some");
  });

  test("a file with one value in it", () => {
    expect(covered(file("n", "3", "3"), { column: "n", op: "=", value: 3 })).toBe("all");
    expect(covered(file("n", "3", "3"), { column: "n", op: "in", value: [1, 3] })).toBe("all");
  });

  test("beyond 2^53 every digit counts", () => {
    const add = file("n", "9007199254740993", "9007199254740995");
    expect(covered(add, { column: "n", op: "<=", value: 9007199254740992n })).toBe("none");
    expect(covered(add, { column: "n", op: "<=", value: 9007199254740993n })).toBe("some");
  });
});

test("all conditions have to hold", () => {
  const add = file("n", "3", "7");
  expect(
    covered(add, { column: "p", op: "=", value: "2024-02-29" }, { column: "n", op: "<", value: 8 }),
  ).toBe("all");
  expect(
    covered(add, { column: "p", op: "=", value: "2024-03-01" }, { column: "n", op: "<", value: 8 }),
  ).toBe("none");
  expect(
    covered(add, { column: "p", op: ">", value: "2024-01-01" }, { column: "n", op: "<", value: 5 }),
  ).toBe("some");
  expect(covered(add)).toBe("all");
});

describe("bounds that their writers did not keep exactly", () => {
  test("decimals that went through a double (delta-rs)", () => {
    // The file holds -12345678901234567890.0000000001, which is below the bound that is logged.
    const add = file("dec", "-1.2345678901234567E+19", "1");
    expect(covered(add, { column: "dec", op: "=", value: "-12345678901234567890.0000000001" })).toBe("some");
    expect(covered(add, { column: "dec", op: "<=", value: "-12345678901234567890" })).toBe("some");
    expect(covered(add, { column: "dec", op: "<", value: "-12345678901334567890" })).toBe("none");
    const exact = file("dec", "-5.25", "1.5");
    expect(covered(exact, { column: "dec", op: "<", value: "-5.25" })).toBe("none");
    expect(covered(exact, { column: "dec", op: "<=", value: "-5.25" })).toBe("some");
  });

  test("timestamps cut to milliseconds (Spark)", () => {
    for (const [column, zone] of [
      ["t", "Z"],
      ["local", ""],
    ] as const) {
      const add = file(column, `"2024-01-01T00:00:00.123${zone}"`, `"2024-01-01T00:00:00.456${zone}"`);
      expect(covered(add, { column, op: ">=", value: `2024-01-01T00:00:00.456999${zone}` })).toBe("some");
      expect(covered(add, { column, op: ">", value: `2024-01-01T00:00:00.456999${zone}` })).toBe("none");
      expect(covered(add, { column, op: "<=", value: `2024-01-01T00:00:00.456${zone}` })).toBe("some");
      expect(covered(add, { column, op: "<=", value: `2024-01-01T00:00:00.456999${zone}` })).toBe("all");
    }
  });

  test("text that was cut and not rounded up", () => {
    const bound = "x".repeat(32);
    const add = file("s", `"${bound}"`, `"${bound}"`);
    expect(covered(add, { column: "s", op: ">", value: `${bound}y` })).toBe("some");
    expect(covered(add, { column: "s", op: "=", value: bound })).toBe("some");
    expect(covered(add, { column: "s", op: ">", value: "y" })).toBe("none");
    const short = file("s", '"a"', '"\\u00e9"');
    // In UTF-16 order this would be below é.
    expect(covered(short, { column: "s", op: "=", value: "\u{1F600}" })).toBe("none");
    expect(covered(short, { column: "s", op: "<=", value: "é" })).toBe("all");
  });

  test("NaN is above every bound and in none", () => {
    const add = file("f", "1.5", "2.5");
    expect(covered(add, { column: "f", op: ">", value: 3 })).toBe("some");
    expect(covered(add, { column: "f", op: "=", value: Number.NaN })).toBe("some");
    expect(covered(add, { column: "f", op: "<", value: 3 })).toBe("some");
    expect(covered(add, { column: "f", op: "<", value: 1.5 })).toBe("none");
    expect(covered(add, { column: "f", op: ">", value: 1 })).toBe("all");
    // Spark and others write these.
    expect(covered(file("f", '"NaN"', '"NaN"'), { column: "f", op: "<", value: 3 })).toBe("some");
    expect(covered(file("f", "-0.0", "0.0"), { column: "f", op: "<", value: 0 })).toBe("none");
  });

  test("what cannot be read is no bound", () => {
    expect(covered(file("n", '"x"', "{}"), { column: "n", op: "=", value: 1 })).toBe("some");
    expect(covered({ ...file("n", "1", "2"), stats: "{damaged" }, { column: "n", op: "=", value: 9 })).toBe(
      "some",
    );
    expect(covered({ ...file("n", "1", "2"), stats: null }, { column: "n", op: "=", value: 9 })).toBe("some");
    expect(covered(file("b", "true", "true"), { column: "b", op: "=", value: false })).toBe("some");
  });
});
