import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { createAppender, type AppenderOptions } from "../../src/columns/append.ts";
import { BytesBuilder } from "../../src/columns/builder.ts";
import { rowsOf } from "../../src/columns/rows.ts";
import { batchBytes } from "../../src/columns/size.ts";
import { textWriter, writeText } from "../../src/columns/text-writer.ts";
import { describeType } from "../../src/schema/describe.ts";
import type { ColumnHint } from "../../src/schema/hints.ts";
import type { Schema } from "../../src/schema/types.ts";
import { columnType, valueOf } from "./arbitrary.ts";
import { outcomeOf } from "./outcome.ts";

// Properties take a while on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 });

function load(rows: readonly object[], options: AppenderOptions = {}) {
  const appender = createAppender(options);
  for (const row of rows) appender.append(row);
  const batch = appender.finish();
  return {
    batch,
    rows: rowsOf(batch),
    types: Object.fromEntries(batch.schema.fields.map((field) => [field.name, describeType(field.type)])),
  };
}

/** The type and the values of a column that `values` are appended to, one a row. */
function column(values: readonly unknown[], options: AppenderOptions = {}): [string, unknown[]] {
  const { rows, types } = load(
    values.map((x) => ({ x })),
    options,
  );
  return [types.x!, rows.map((row) => row.x)];
}

const hinted = (hint: ColumnHint, ...values: unknown[]): [string, unknown[]] =>
  column(values, { columns: { x: hint } });

describe("inference", () => {
  test.each<[string, unknown[], string, unknown[]]>([
    ["integral numbers", [1, -2, 2 ** 53], "int64", [1n, -2n, 2n ** 53n]],
    [
      "words of integers",
      [2 ** 32, -(2 ** 32) - 1, -1, 2 ** 31],
      "int64",
      [4294967296n, -4294967297n, -1n, 2147483648n],
    ],
    ["a fraction", [1, 2.5], "float64", [1, 2.5]],
    ["NaN and infinities", [1, NaN, -Infinity], "float64", [1, NaN, -Infinity]],
    ["numbers beyond 2^53", [1, 2 ** 54], "float64", [1, 2 ** 54]],
    ["bigints", [5n, -(2n ** 63n)], "int64", [5n, -(2n ** 63n)]],
    ["numbers, then a bigint", [1, null, 2n ** 60n, 3], "int64", [1n, null, 2n ** 60n, 3n]],
    ["bigints, then a fraction", [1n, null, 0.5], "float64", [1, null, 0.5]],
    ["a fraction, then a bigint", [0.5, 3n], "float64", [0.5, 3]],
    ["bigints beyond 64 bits", [1n, 2n ** 63n], "decimal(38,0)", ["1", "9223372036854775808"]],
    ["numbers, then beyond 64 bits", [1, -(2n ** 70n), 7], "decimal(38,0)", ["1", String(-(2n ** 70n)), "7"]],
    ["booleans", [true, null, false], "boolean", [true, null, false]],
    ["strings", ["a", "", "ü€😀"], "string", ["a", "", "ü€😀"]],
    ["dates", [new Date(5), new Date(-8.64e15)], "timestamp(utc)", [new Date(5), new Date(-8.64e15)]],
    [
      "bytes",
      [Uint8Array.of(1), Buffer.from("b"), new ArrayBuffer(1)],
      "binary",
      [Uint8Array.of(1), Uint8Array.of(98), Uint8Array.of(0)],
    ],
    ["only nulls", [null, undefined], "null", [null, null]],
    ["nulls, then a value", [null, null, "x"], "string", [null, null, "x"]],
    ["lists", [[1], [], null, [2, null]], "list<int64>", [[1n], [], null, [2n, null]]],
    ["lists of nothing", [[], [null]], "list<null>", [[], [null]]],
    [
      "lists of lists",
      [
        [[1], []],
        [null, [0.5]],
      ],
      "list<list<float64>>",
      [
        [[1], []],
        [null, [0.5]],
      ],
    ],
    ["sets and typed arrays", [new Set([1, 2]), new Float64Array([3])], "list<int64>", [[1n, 2n], [3n]]],
    [
      "structs",
      [{ a: 1 }, { b: "x", a: 2 }, null, {}],
      "struct<a: int64, b: string>",
      [{ a: 1n, b: null }, { a: 2n, b: "x" }, null, { a: null, b: null }],
    ],
    ["structs without members", [{}, null], "struct<>", [{}, null]],
    ["maps", [new Map([["k", 1]]), new Map()], "map<string, int64>", [new Map([["k", 1n]]), new Map()]],
  ])("%s", (_, values, type, expected) => {
    expect(column(values)).toEqual([type, expected]);
  });

  test("a lone surrogate becomes U+FFFD, short or long", () => {
    const long = "x".repeat(100);
    expect(column(["a\ud800b", `\udc00${long}`, `${long}\ud800`])[1]).toEqual([
      "a\ufffdb",
      `\ufffd${long}`,
      `${long}\ufffd`,
    ]);
  });

  test("integers become float64 in the batch that sees a fraction, and stay", () => {
    const appender = createAppender();
    appender.append({ x: 1 });
    const first = appender.finish();
    appender.append({ x: 2 });
    const second = appender.finish();
    expect(second.schema).toBe(first.schema);
    appender.append({ x: 2 });
    appender.append({ x: 2.5 });
    const third = appender.finish();
    appender.append({ x: 3 });
    const fourth = appender.finish();
    expect([first, second, third, fourth].map((batch) => batch.schema.fields[0]!.type.kind)).toEqual([
      "int64",
      "int64",
      "float64",
      "float64",
    ]);
    expect(fourth.schema).toBe(third.schema);
    expect(rowsOf(third)).toEqual([{ x: 2 }, { x: 2.5 }]);
  });

  test("members come midway, at any depth", () => {
    const { rows, types } = load([
      { id: 1, items: [{ sku: "a" }] },
      { id: 2, items: [{ sku: "b", price: { net: 1 } }, null, { price: { net: 2, gross: 2.5 } }], note: "n" },
      { items: null, note: null },
      { note: "z", id: 4 },
    ]);
    expect(types).toEqual({
      id: "int64",
      items: "list<struct<sku: string, price: struct<net: int64, gross: float64>>>",
      note: "string",
    });
    expect(rows).toEqual([
      { id: 1n, items: [{ sku: "a", price: null }], note: null },
      {
        id: 2n,
        items: [
          { sku: "b", price: { net: 1n, gross: null } },
          null,
          { sku: null, price: { net: 2n, gross: 2.5 } },
        ],
        note: "n",
      },
      { id: null, items: null, note: null },
      { id: 4n, items: null, note: "z" },
    ]);
  });

  test("rows of changing shapes", () => {
    const shapes = [{ a: 1, b: 2, c: 3 }, { c: 3, a: 1 }, { b: 2 }, {}, { a: 1, c: 3, b: 2 }];
    const { rows } = load([...shapes, ...shapes]);
    const expected = shapes.map((row) => ({
      a: null,
      b: null,
      c: null,
      ...Object.fromEntries(Object.entries(row).map(([k, v]) => [k, BigInt(v)])),
    }));
    expect(rows).toEqual([...expected, ...expected]);
  });

  test("inherited properties are no columns, class instances are rows", () => {
    class Order {
      id = 1;
      method(): void {}
      get total(): number {
        return 2;
      }
    }
    const heir = Object.create({ inherited: 1 }) as Record<string, unknown>;
    heir.id = 2;
    expect(load([new Order(), heir]).rows).toEqual([{ id: 1n }, { id: 2n }]);
  });

  test("a column named __proto__ is a column", () => {
    const { rows } = load([JSON.parse('{"__proto__": 1, "constructor": 2}') as object]);
    expect(Object.getPrototypeOf(rows[0])).toBe(Object.prototype);
    expect(Object.entries(rows[0]!)).toEqual([
      ["__proto__", 1n],
      ["constructor", 2n],
    ]);
  });
});

describe("values of several kinds", () => {
  const utc = "timestamp(utc)";
  test.each<[string, unknown[], string, unknown[]]>([
    ["number, text", [1, null, "a", 2.5], "int64", [1, null, "a", 2.5]],
    ["text, numbers", ["a", 1, true, 2n ** 70n], "string", ["a", 1, true, 2n ** 70n]],
    ["boolean, number", [true, 0], "boolean", [true, 0]],
    ["a fraction, a large bigint", [0.5, 2n ** 60n + 1n], "float64", [0.5, 2n ** 60n + 1n]],
    ["a large bigint, a fraction", [2n ** 60n + 1n, 0.5], "int64", [2n ** 60n + 1n, 0.5]],
    ["more than 38 digits", [1, 10n ** 38n], "decimal(38,0)", [1, 10n ** 38n]],
    ["struct, scalar", [{ a: 1 }, null, 5, { b: 2 }], "struct<a: int64>", [{ a: 1 }, null, 5, { b: 2 }]],
    ["list, struct", [[1, { a: [] }], {}, []], "list<json>", [[1, { a: [] }], {}, []]],
    ["struct, what has its members", [{ 0: 7 }, Float64Array.of(7)], "struct<0: int64>", [{ 0: 7 }, [7]]],
    ["struct, Map", [{ a: 1 }, new Map([["k", new Set([1])]])], "struct<a: int64>", [{ a: 1 }, { k: [1] }]],
    ["map, list", [new Map([["k", 1]]), [NaN]], "map<string, int64>", [{ k: 1 }, ["NaN"]]],
    [
      "date, text",
      [new Date(5), "x", new Date(0)],
      utc,
      ["1970-01-01T00:00:00.005000Z", "x", "1970-01-01T00:00:00.000000Z"],
    ],
    ["bytes, text", [Uint8Array.of(1, 255), "x", new ArrayBuffer(1)], "binary", ["01ff", "x", "00"]],
  ])("%s", (_, values, before, expected) => {
    const { batch, rows } = load(values.map((x) => ({ x })));
    const { type } = batch.schema.fields[0]!;
    expect(type.kind === "json" && describeType(type.mixed!)).toBe(before);
    expect(rows.map((row) => row.x)).toEqual(expected);
  });

  test("under one key of a struct, a list, a map", () => {
    const { rows, types } = load([
      { a: { b: 1 }, l: [{ p: 1 }, { p: null }], m: new Map<string, unknown>([["k", 1]]) },
      { a: { b: "x" }, l: [{ p: [2] }], m: new Map([["k", "y"]]) },
    ]);
    expect(types).toEqual({ a: "struct<b: json>", l: "list<struct<p: json>>", m: "map<string, json>" });
    expect(rows).toEqual([
      { a: { b: 1 }, l: [{ p: 1 }, { p: null }], m: new Map([["k", 1]]) },
      { a: { b: "x" }, l: [{ p: [2] }], m: new Map([["k", "y"]]) },
    ]);
  });

  test("a column stays what it became", () => {
    const appender = createAppender();
    for (const x of [1, "a"]) appender.append({ x });
    const { schema } = appender.finish();
    appender.append({ x: 2 });
    const second = appender.finish();
    expect(second.schema).toBe(schema);
    expect(rowsOf(second)).toEqual([{ x: 2 }]);
  });

  test("typed columns hold their type", () => {
    const columns = { x: { type: "int64" }, l: { type: "list", element: { type: "int64" } } } as const;
    expect(() => load([{ x: "a" }], { columns })).toThrow(/"x"/);
    expect(() => load([{ l: [1, "a"] }], { columns })).toThrow(/"l\[\]"/);
  });

  test("any JSON comes back as it was, null like what is not there", () => {
    const row = fc.dictionary(fc.constantFrom("a", "b", "__proto__", ""), fc.jsonValue({ maxDepth: 4 }), {
      noNullPrototype: true,
    });
    const batches = fc.array(fc.array(row, { maxLength: 6 }), { maxLength: 3 });
    fc.assert(
      fc.property(batches, (input) => {
        const appender = createAppender();
        for (const rows of input) {
          for (const each of rows) {
            appender.append(each);
            const refused = { ...each, a: [[{ b: "x" }]], b: [true, 1], fn: () => 1 };
            expect(outcomeOf(() => appender.append(refused))).toBe("ALV_ROW_INVALID");
          }
          expect(rowsOf(appender.finish()).map(plain)).toEqual(rows.map(plain));
        }
      }),
      { numRuns: 500 },
    );
  });

  /** Without nulls in objects, integers as numbers. */
  function plain(value: unknown): unknown {
    if (typeof value === "bigint") return Number(value);
    if (typeof value === "number") return value + 0;
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== "object" || value === null) return value;
    const members = Object.entries(value).filter(([, member]) => member !== null);
    return new Map(members.map(([key, member]): [string, unknown] => [key, plain(member)]).toSorted(byName));
  }

  function byName([a]: [string, unknown], [b]: [string, unknown]): number {
    return a < b ? -1 : 1;
  }
});

describe("hints", () => {
  const total: ColumnHint = { type: "decimal", precision: 18, scale: 2 };
  test.each<[ColumnHint, unknown[], unknown[]]>([
    [
      total,
      [19.99, "1.5", 3n, -1e15, 1234567890123.45, -0],
      ["19.99", "1.50", "3.00", "-1000000000000000.00", "1234567890123.45", "0.00"],
    ],
    [
      { type: "decimal", precision: 38, scale: 10 },
      ["1e-10", 2, 5n],
      ["0.0000000001", "2.0000000000", "5.0000000000"],
    ],
    [{ type: "int8" }, [-128, 127n, "5"], [-128, 127, 5]],
    [{ type: "int32" }, [2 ** 31 - 1, "-1", 7n], [2 ** 31 - 1, -1, 7]],
    [{ type: "int64" }, [1, 2n, "9223372036854775807"], [1n, 2n, 9223372036854775807n]],
    [{ type: "float64" }, [1, 2n], [1, 2]],
    [{ type: "float32" }, [0.1, 2n], [Math.fround(0.1), 2]],
    [
      { type: "string" },
      ["a", 1.5, 2n, true, new Date(0)],
      ["a", "1.5", "2", "true", "1970-01-01T00:00:00.000000Z"],
    ],
    [{ type: "date" }, ["2024-02-29", new Date("2024-02-29T00:00:00Z")], ["2024-02-29", "2024-02-29"]],
    [{ type: "time" }, ["04:05", "24:00:00"], ["04:05:00", "24:00:00"]],
    [
      { type: "timestamp" },
      ["2024-02-29T00:00:00+01:00", new Date(7), 8000n],
      [new Date("2024-02-28T23:00:00Z"), new Date(7), new Date(8)],
    ],
    [{ type: "timestamp", zone: "local" }, ["2024-02-29 12:00"], [new Date("2024-02-29T12:00:00Z")]],
    [
      { type: "uuid" },
      ["0198C000-0000-7000-8000-000000000001", new Uint8Array(16)],
      ["0198c000-0000-7000-8000-000000000001", "00000000-0000-0000-0000-000000000000"],
    ],
    [
      { type: "json" },
      [{ a: [1, null], at: new Date(0), u: undefined }, "text", 1, [2n ** 70n], false],
      [{ a: [1, null], at: "1970-01-01T00:00:00.000Z" }, "text", 1, [2n ** 70n], false],
    ],
    [
      { type: "json" },
      [
        { m: new Map([["k", new Set([1])]]), at: new Date(0), u: undefined },
        [NaN, -Infinity],
        Buffer.from("a"),
      ],
      [{ m: { k: [1] }, at: "1970-01-01T00:00:00.000Z" }, ["NaN", "-Infinity"], "61"],
    ],
    [{ type: "binary" }, [Uint8Array.of(1)], [Uint8Array.of(1)]],
    [{ type: "boolean" }, [true], [true]],
    [{ type: "list", element: total }, [[1, "2.5"], []], [["1.00", "2.50"], []]],
    [{ type: "struct", fields: { n: total } }, [{ n: 1, more: "x" }], [{ n: "1.00", more: "x" }]],
    [
      { type: "map", key: { type: "string" }, value: { type: "float64" } },
      [{ a: 1 }, new Map([["b", 2]])],
      [new Map([["a", 1]]), new Map([["b", 2]])],
    ],
  ])("%j", (hint, values, expected) => {
    expect(hinted(hint, ...values)[1]).toEqual(expected);
  });

  test.each<[ColumnHint, unknown]>([
    [total, 1.005],
    [total, 0.1 + 0.2],
    [total, "1.005"],
    [total, 10n ** 16n],
    [total, 1e16],
    [total, NaN],
    [total, true],
    [{ type: "int8" }, 128],
    [{ type: "int32" }, 2 ** 31],
    [{ type: "int32" }, 1.5],
    [{ type: "int64" }, 2 ** 54],
    [{ type: "int64" }, 2n ** 63n],
    [{ type: "int64" }, "1.0"],
    [{ type: "float64" }, 2n ** 53n + 1n],
    [{ type: "float32" }, 1e300],
    [{ type: "string" }, {}],
    [{ type: "date" }, new Date("2024-02-29T12:00:00Z")],
    [{ type: "date" }, "2023-02-29"],
    [{ type: "timestamp" }, new Date(NaN)],
    [{ type: "timestamp" }, 1_700_000_000],
    [{ type: "timestamp", zone: "local" }, "2024-02-29T12:00:00Z"],
    [{ type: "uuid" }, "nope"],
    [{ type: "json" }, Symbol("s")],
    [{ type: "binary" }, "text"],
    [{ type: "boolean" }, 1],
    [{ type: "list", element: { type: "int8" } }, "abc"],
    [{ type: "struct", fields: {} }, []],
    [{ type: "map", key: { type: "string" }, value: { type: "int8" } }, { a: 300 }],
  ])("%j refuses %s", (hint, value) => {
    expect(() => hinted(hint, value)).toThrow(
      expect.objectContaining({
        code: "ALV_ROW_INVALID",
        message: expect.stringMatching(/^row 1, column "x/),
      }),
    );
  });

  test("a column that is not nullable wants a value in every row", () => {
    const columns = { id: { type: "int64", nullable: false } } as const;
    expect(load([{ id: 1 }], { columns }).batch.schema.fields[0]!.nullable).toBe(false);
    for (const bad of [{ id: null }, { id: undefined }, {}, { other: 1 }])
      expect(() => load([{ id: 1, other: 2 }, bad], { columns })).toThrow(/row 2, column "id"/);
    const nested = { at: { type: "struct", fields: { lat: { type: "float64", nullable: false } } } } as const;
    expect(load([{ at: null }, { at: { lat: 1 } }], { columns: nested }).rows).toEqual([
      { at: null },
      { at: { lat: 1 } },
    ]);
    expect(() => load([{ at: {} }], { columns: nested })).toThrow(/column "at\.lat"/);
  });

  test("a hint that names no type", () => {
    expect(() => createAppender({ columns: { x: { type: "number" as "int64" } } })).toThrow(
      /"number".*int64/,
    );
    expect(() => createAppender({ columns: { x: { type: "decimal", precision: 39 } } })).toThrow(
      /decimal\(39,0\)/,
    );
  });

  test("known columns come first, keep ids and types, and stay the same schema", () => {
    const schema: Schema = {
      fields: [
        { name: "id", type: { kind: "int32" }, nullable: false, id: 7 },
        {
          name: "tags",
          type: { kind: "list", element: { name: "item", type: { kind: "string" }, nullable: true, id: 9 } },
          nullable: true,
          id: 8,
        },
        { name: "later", type: { kind: "null" }, nullable: true, id: 10 },
      ],
    };
    const appender = createAppender({ schema });
    appender.append({ tags: ["a"], id: 1 });
    expect(appender.finish().schema).toBe(schema);
    appender.append({ id: 2, later: 1.5, extra: true });
    expect(appender.finish().schema.fields).toEqual([
      schema.fields[0],
      schema.fields[1],
      { name: "later", type: { kind: "float64" }, nullable: true, id: 10 },
      { name: "extra", type: { kind: "boolean" }, nullable: true },
    ]);
  });
});

describe("a bad row", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;

  test.each<[string, object, RegExp]>([
    ["another kind before", { id: 2, name: 5, fn: () => 1 }, /"fn"/],
    ["kinds inside before", { items: [{}, { q: "x" }, [1]], map: new Map(), fn: () => 1 }, /"fn"/],
    ["a function", { fn: () => 1 }, /"fn": .*has no column type.*json/],
    ["a class that says how it is written", { url: new URL("http://x") }, /"url": .*has no column type/],
    ["an empty instance", { weak: new WeakMap() }, /"weak"/],
    ["an invalid date", { at: new Date(NaN) }, /"at": Invalid Date/],
    ["a cycle", cyclic, /more than 100 levels/],
    ["a null key", { map: new Map([[null, 1]]) }, /"map\{key\}": null/],
    [
      "deep inside",
      { fresh: 1, items: [{ q: 1 }, { q: 2, brandNew: 1 }, { q: Symbol("s") }] },
      /"items\[\]\.q"/,
    ],
    [
      "another kind of key",
      { map: new Map([[1, 1]]) },
      /"map\{key\}": 1 is a number, the column holds string/,
    ],
  ])("%s leaves no trace", (_, bad, message) => {
    const good = {
      id: 1,
      name: "a",
      big: 2n ** 60n + 1n,
      at: new Date(0),
      items: [{ q: 1 }],
      map: new Map([["k", 1]]),
    };
    const appender = createAppender();
    const clean = createAppender();
    appender.append(good);
    clean.append(good);
    expect(() => appender.append(bad)).toThrow(
      expect.objectContaining({ code: "ALV_ROW_INVALID", message: expect.stringMatching(message) }),
    );
    expect(appender.length).toBe(1);
    const next = { name: "c", id: 3, items: [{ q: 5 }, { q: null }], extra: false };
    appender.append(next);
    clean.append(next);
    const [batch, expected] = [appender.finish(), clean.finish()];
    expect(batch.schema).toEqual(expected.schema);
    expect(rowsOf(batch)).toEqual(rowsOf(expected));
  });

  test("takes back changes of type that it made itself", () => {
    const appender = createAppender();
    appender.append({ a: 1, b: 1, c: 2n, d: "x" });
    const bad = { a: 1.5, b: 2n ** 70n, c: 0.5, e: { f: [1] }, d: 4, g: Symbol("s") };
    expect(() => appender.append(bad)).toThrow(/"g"/);
    expect(appender.finish().schema.fields.map(({ name, type }) => `${name} ${type.kind}`)).toEqual([
      "a int64",
      "b int64",
      "c int64",
      "d string",
    ]);
  });

  test("a row that is no object", () => {
    const appender = createAppender();
    for (const row of [null, undefined, 1, "x", [1]])
      expect(() => appender.append(row as unknown as object)).toThrow(/is not an object/);
    expect(appender.length).toBe(0);
  });

  test("long values are shortened in the message", () => {
    const columns = { x: { type: "int64" } } as const;
    expect(() => load([{ x: "y".repeat(10_000) }], { columns })).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{1,200}$/) }),
    );
  });
});

test("what goes in comes out, with bad rows in between", () => {
  const cases = fc.array(columnType, { minLength: 1, maxLength: 3 }).chain((types) =>
    fc.record({
      types: fc.constant(types),
      rows: fc.array(fc.tuple(fc.boolean(), ...types.map((type) => valueOf(type))), { maxLength: 12 }),
    }),
  );
  fc.assert(
    fc.property(cases, ({ types, rows }) => {
      const fields = types.map((type, i) => ({ name: `c${i}`, type, nullable: true }));
      const schema: Schema = { fields: [...fields, { name: "ok", type: { kind: "int8" }, nullable: true }] };
      const appender = createAppender({ schema });
      const expected: object[] = [];
      for (const [bad, ...values] of rows) {
        const row = Object.fromEntries(values.map((value, i) => [`c${i}`, value]));
        const outcome = outcomeOf(() => appender.append({ ...row, ok: bad === true ? "bad" : null }));
        expect(outcome).toBe(bad === true ? "ALV_ROW_INVALID" : "done");
        if (bad !== true) expected.push({ ...row, ok: null });
      }
      expect(appender.length).toBe(expected.length);
      const batch = appender.finish();
      expect(batch.schema).toBe(schema);
      expect(rowsOf(batch)).toEqual(expected);
      expect(appender.length).toBe(0);
    }),
    { numRuns: 100 },
  );
});

test("arbitrary plain data is taken or refused, and refused data leaves no trace", () => {
  const value = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    maxDepth: 3,
  });
  const rows = fc.array(fc.dictionary(fc.constantFrom("a", "b", "c"), value), { maxLength: 8 });
  fc.assert(
    fc.property(rows, (input) => {
      const appender = createAppender();
      const accepted: object[] = [];
      for (const row of input) {
        const outcome = outcomeOf(() => appender.append(row));
        expect(["done", "ALV_ROW_INVALID"]).toContain(outcome);
        if (outcome === "done") accepted.push(row);
      }
      const clean = createAppender();
      for (const row of accepted) clean.append(row);
      const [batch, expected] = [appender.finish(), clean.finish()];
      expect(batch.schema).toEqual(expected.schema);
      expect(rowsOf(batch)).toEqual(rowsOf(expected));
    }),
    { numRuns: 200 },
  );
});

test("bytes follow the rows", () => {
  const appender = createAppender();
  for (let id = 0; id < 5000; id++) appender.append({ id, name: `name ${id}`, tags: ["a", "b"] });
  const counted = appender.byteLength;
  const used = batchBytes(appender.finish());
  expect(counted).toBeGreaterThan(used * 0.8);
  expect(counted).toBeLessThan(used * 1.2);
  expect(appender.byteLength).toBe(0);
});

test("more than a column can hold is an error, not corruption", () => {
  const builder = new BytesBuilder({ kind: "string" }, 1);
  builder.dataLength = 0x7fff_ffff - 10;
  Object.defineProperty(builder.data, "length", { value: 0x7fff_ffff - 10 });
  expect(() => {
    writeText(textWriter(builder), "more than ten bytes");
  }).toThrow(expect.objectContaining({ code: "ALV_VALUE_TOO_LARGE" }));
  expect(builder.length).toBe(0);
});
