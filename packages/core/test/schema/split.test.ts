import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { bitAt } from "../../src/columns/bitmap.ts";
import { ChangeOp, type Batch } from "../../src/columns/batch.ts";
import { rowsOf, userReader } from "../../src/columns/rows.ts";
import { vectorOf } from "../../src/columns/values.ts";
import type { Vector } from "../../src/columns/vector.ts";
import { conformBatch } from "../../src/schema/conform.ts";
import { evolveSchema, type EvolveOptions } from "../../src/schema/evolve.ts";
import { splitBatch } from "../../src/schema/split.ts";
import type { ColumnType, Field, Schema } from "../../src/schema/types.ts";
import { asDictionary, valueOf } from "../columns/arbitrary.ts";

// Properties take a while on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 });

const f = (name: string, type: ColumnType | ColumnType["kind"], nullable = true): Field => ({
  name,
  type: typeof type === "string" ? ({ kind: type } as ColumnType) : type,
  nullable,
});
const s = (...fields: Field[]): Schema => ({ fields });
const struct = (...fields: Field[]): ColumnType => ({ kind: "struct", fields });
const list = (type: ColumnType): ColumnType => ({ kind: "list", element: f("element", type) });
const decimal = (precision: number, scale: number): ColumnType => ({ kind: "decimal", precision, scale });
const int32: ColumnType = { kind: "int32" };
const int64: ColumnType = { kind: "int64" };
const float64: ColumnType = { kind: "float64" };
const string: ColumnType = { kind: "string" };

function batchOf(columns: Record<string, readonly [ColumnType, readonly unknown[]]>): Batch {
  const vectors = Object.values(columns).map(([type, values]) => vectorOf(type, values));
  return batchOfVectors(Object.keys(columns), vectors);
}

function batchOfVectors(names: readonly string[], columns: readonly Vector[]): Batch {
  return {
    schema: s(...columns.map(({ type }, i) => f(names[i]!, type))),
    length: columns[0]!.length,
    columns,
  };
}

interface Table {
  readonly schema: Schema;
  readonly committed: Schema;
}

/** What a run does with a batch: the table grows, and the batch is in its columns. */
function take(
  { schema, committed }: Table,
  batch: Batch,
  options: Partial<EvolveOptions> = {},
): { readonly table: Table; readonly batch: Batch; readonly changes: readonly unknown[] } {
  const { splits = () => true } = options;
  const rules = { ...options, committed, splits };
  const first = evolveSchema(schema, batch.schema, rules);
  const split = splitBatch(batch, first.schema, { ...rules, committed, storedType: (type) => type });
  const second = evolveSchema(first.schema, split.batch.schema, { ...rules, variants: split.variants });
  return {
    table: { schema: second.schema, committed },
    batch: conformBatch(split.batch, second.schema),
    changes: [...first.changes, ...second.changes].filter(
      (change) => (change as { kind: string }).kind !== "columnMissing",
    ),
  };
}

const standing = (...fields: Field[]): Table => ({ schema: s(...fields), committed: s(...fields) });
const shape = ({ fields }: Schema): Record<string, string> =>
  Object.fromEntries(fields.map(({ name, type }) => [name, type.kind]));

describe("a value stays where it fits exactly", () => {
  test.each<[ColumnType, ColumnType, unknown[], string, unknown[], unknown[]]>([
    [
      int64,
      float64,
      [1, 0.5, null, -3, NaN, 2 ** 60],
      "x__v_float64",
      [1n, null, null, -3n, null, null],
      [null, 0.5, null, null, NaN, 2 ** 60],
    ],
    [int64, decimal(9, 2), ["7.00", "7.01"], "x__v_decimal", [7n, null], [null, "7.01"]],
    [int32, int64, [5n, 2n ** 40n], "x__v_int64", [5, null], [null, 2n ** 40n]],
    [float64, int64, [5n, 2n ** 53n + 1n], "x__v_int64", [5, null], [null, 2n ** 53n + 1n]],
    [decimal(4, 1), float64, [5, 0.25], "x__v_float64", ["5.0", null], [null, 0.25]],
    [decimal(4, 1), decimal(9, 4), ["5.5000", "0.0001"], "x__v_decimal", ["5.5", null], [null, "0.0001"]],
    // A text is never taken for a number or a time.
    [int64, string, ["12", null], "x__v_string", [null, null], ["12", null]],
    [{ kind: "date" }, string, ["2024-01-01"], "x__v_string", [null], ["2024-01-01"]],
    [{ kind: "boolean" }, int64, [1n], "x__v_int64", [null], [1n]],
    [int64, list(int64), [[1n], []], "x__v_json", [null, null], [[1], []]],
    [int64, struct(f("a", "int8")), [{ a: 1 }], "x__v_json", [null], [{ a: 1 }]],
    [list(int64), int64, [3n], "x__v_int64", [null], [3n]],
    [
      list(int64),
      list(float64),
      [[1, 2], [0.5], null, []],
      "x__v_json",
      [[1n, 2n], null, null, []],
      [null, [0.5], null, null],
    ],
  ])("%j takes %j", (own, incoming, values, variant, main, rest) => {
    for (const vector of [vectorOf(incoming, values), asDictionary(incoming, values)]) {
      const { table, batch, changes } = take(standing(f("x", own, false)), batchOfVectors(["x"], [vector]));
      expect(Object.keys(shape(table.schema))).toEqual(["x", variant]);
      expect(rowsOf(batch)).toEqual(main.map((x, i) => ({ x, [variant]: rest[i] })));
      expect(changes).toEqual([
        { kind: "variantAdded", column: "x", variant, type: table.schema.fields[1]!.type },
      ]);
      // The value is elsewhere, so the column may be null.
      expect(table.schema.fields[0]).toEqual(f("x", own));
    }
  });

  test("maps go as a whole, by keys and by values", () => {
    const map = (key: ColumnType, value: ColumnType): ColumnType => ({
      kind: "map",
      key: f("key", key, false),
      value: f("value", value),
    });
    const values = [new Map([[1n, 1]]), new Map([[1n, 0.5]]), new Map([[2n ** 40n, 1]])];
    const { batch } = take(
      standing(f("x", map(int32, int64))),
      batchOf({ x: [map(int64, float64), values] }),
    );
    expect(rowsOf(batch)).toEqual([
      { x: new Map([[1, 1n]]), x__v_json: null },
      { x: null, x__v_json: { "1": 0.5 } },
      { x: null, x__v_json: { "1099511627776": 1 } },
    ]);
  });

  test("no variant where all fits, and the batch itself where nothing is to do", () => {
    const table = standing(f("x", int64), f("y", string));
    const same = batchOf({ x: [int64, [1n]], y: [string, ["a"]] });
    const options = {
      committed: table.committed,
      splits: () => true,
      storedType: (type: ColumnType) => type,
    };
    expect(splitBatch(same, table.schema, options).batch).toBe(same);
    const doubles = batchOf({ x: [float64, [1, -(2 ** 40)]], y: [string, ["a", "b"]] });
    const { batch, table: after } = take(table, doubles);
    expect(after.schema).toBe(table.schema);
    expect(rowsOf(batch)).toEqual([
      { x: 1n, y: "a" },
      { x: -(2n ** 40n), y: "b" },
    ]);
    expect(batch.columns[1]).toBe(doubles.columns[1]);
    const boundary = take(table, batchOf({ x: [float64, [2 ** 53, 2 ** 53 - 1]] }));
    expect(rowsOf(boundary.batch).map(({ x }) => x)).toEqual([null, 2n ** 53n - 1n]);
  });
});

describe("which variant", () => {
  test("one that holds the value, also of another width; else one of its own", () => {
    const table = standing(f("x", "boolean"), f("x__v_int64", int64), f("x__v_string", string));
    const names = (type: ColumnType, values: unknown[]): string[] =>
      Object.keys(shape(take(table, batchOf({ x: [type, values] })).table.schema)).slice(3);
    expect(names(int32, [1])).toEqual([]);
    expect(names(string, ["a"])).toEqual([]);
    expect(names(decimal(4, 2), ["1.00"])).toEqual(["x__v_decimal"]);
    expect(names({ kind: "uuid" }, ["00000000-0000-0000-0000-00000000000a"])).toEqual(["x__v_uuid"]);
    // A double holds not every 64-bit integer.
    expect(names(float64, [1])).toEqual(["x__v_float64"]);
  });

  test("one that is not committed yet widens; a committed one does where the destination can, else there is another", () => {
    let table = standing(f("x", "boolean"));
    ({ table } = take(table, batchOf({ x: [decimal(4, 2), ["1.25"]] })));
    const wide = take(table, batchOf({ x: [decimal(9, 4), ["1.2345"]] }));
    expect(wide.changes).toEqual([
      { kind: "columnWidened", column: "x__v_decimal", from: decimal(4, 2), to: decimal(9, 4) },
    ]);
    const committed: Table = { schema: table.schema, committed: table.schema };
    const narrow = take(committed, batchOf({ x: [decimal(9, 4), ["1.2345"]] }));
    expect(narrow.changes).toMatchObject([{ kind: "variantAdded", variant: "x__v_decimal_2" }]);
    const widens = take(committed, batchOf({ x: [decimal(9, 4), ["1.2345"]] }), {
      widens: (from, to) => from.kind === to.kind,
    });
    expect(widens.changes).toMatchObject([{ kind: "columnWidened", column: "x__v_decimal" }]);
  });

  test("what the destination stores as text stays apart by what it is", () => {
    const storedType = (type: ColumnType): ColumnType => (type.kind === "json" ? string : type);
    const table = standing(f("x", int64), f("x__v_json", string));
    const options = { committed: table.committed, splits: () => true, storedType };
    const names = (batch: Batch): string[] => [...splitBatch(batch, table.schema, options).variants.keys()];
    expect(names(batchOf({ x: [string, ["a"]] }))).toEqual(["x__v_string"]);
    expect(names(batchOf({ x: [list(int64), [[1n]]] }))).toEqual(["x__v_json"]);
  });

  test("names keep to the limit and to one case, and are found again", () => {
    const owner = "Ωmega_".repeat(5);
    const options = {
      committed: s(f(owner, int64)),
      splits: () => true,
      storedType: (type: ColumnType) => type,
      maxLength: 40,
      foldCase: true,
    };
    const odd = batchOf({ [owner]: [string, ["a"]] });
    const name = (schema: Schema): string => [...splitBatch(odd, schema, options).variants.keys()][0]!;
    const first = name(options.committed);
    expect(first).toMatch(/^Ωmega_.*_[0-9a-f]{8}__v_string$/);
    expect(Buffer.byteLength(first)).toBeLessThanOrEqual(40);
    expect(
      name(s(f(owner, int64), f(first.toUpperCase().replace("__V_STRING", "__v_string"), string))),
    ).toMatch(/^ΩMEGA_/);
    const real = (names: readonly string[]) => (column: string) => names.includes(column);
    expect([
      ...splitBatch(odd, options.committed, { ...options, isReal: real([first]) }).variants.keys(),
    ]).toEqual([`${first}_2`]);
  });
});

test("members of structs have variants beside them, at any depth, in lists too", () => {
  const table = standing(
    f("at", struct(f("a", int64, false), f("in", struct(f("b", int32))))),
    f("l", list(struct(f("p", int64)))),
  );
  const at = struct(f("in", struct(f("b", string))), f("a", float64), f("new", "date"));
  const incoming = batchOf({
    at: [at, [{ a: 1, in: { b: "x" } }, null, { a: 0.5, in: null, new: "2024-01-01" }]],
    l: [list(struct(f("p", float64))), [[{ p: 1 }, { p: 1.5 }], null, []]],
  });
  const { batch, changes, table: after } = take(table, incoming);
  expect(rowsOf(batch)).toEqual([
    {
      at: { a: 1n, in: { b: null, b__v_string: "x" }, new: null, a__v_float64: null },
      l: [
        { p: 1n, p__v_float64: null },
        { p: null, p__v_float64: 1.5 },
      ],
    },
    { at: null, l: null },
    { at: { a: null, in: null, new: "2024-01-01", a__v_float64: 0.5 }, l: [] },
  ]);
  expect(changes).toMatchObject([
    { kind: "columnAdded", column: "at.new" },
    { kind: "variantAdded", column: "at.in.b", variant: "at.in.b__v_string" },
    { kind: "variantAdded", column: "at.a", variant: "at.a__v_float64" },
    { kind: "variantAdded", column: "l[].p", variant: "l[].p__v_float64" },
  ]);
  const again = take({ schema: after.schema, committed: after.schema }, incoming);
  expect(again.table.schema).toEqual(after.schema);
  expect(again.changes).toEqual([]);
  expect(rowsOf(again.batch)).toEqual(rowsOf(batch));
  // What fits leaves no trace in the variants that are there.
  const plain = take(again.table, batchOf({ at: [struct(f("a", int64)), [{ a: 4n }]] }));
  expect(plain.changes).toEqual([]);
  expect(rowsOf(plain.batch)[0]!["at"]).toEqual({ a: 4n, in: null, new: null, a__v_float64: null });
});

describe("changes", () => {
  const table = standing(f("id", int64), f("x", int64), f("x__v_float64", float64), f("y", int64));
  const ops = Uint8Array.of(ChangeOp.update, ChangeOp.update, ChangeOp.update);
  const changesOf = (unchanged: readonly (Uint8Array | undefined)[]): NonNullable<Batch["changes"]> => ({
    ops,
    ordinals: BigInt64Array.of(0n, 1n, 2n),
    unchanged,
  });
  const bits = (batch: Batch): Record<string, boolean[]> =>
    Object.fromEntries(
      batch.schema.fields.map(({ name }, i) => {
        const unchanged = batch.changes!.unchanged?.[i];
        return [name, [0, 1, 2].map((row) => unchanged !== undefined && bitAt(unchanged, row))];
      }),
    );

  test("variants of a written cell are null, of an unchanged one they are unchanged", () => {
    const id = [int64, [1n, 2n, 3n]] as const;
    const with_ = (type: ColumnType, values: unknown[]): Batch => ({
      ...batchOf({ id, x: [type, values] }),
      changes: changesOf([undefined, Uint8Array.of(0b010)]),
    });
    // A value for the variant in the batch, and one for none.
    for (const [batch, variants] of [
      [with_(float64, [1, null, 0.5]), [null, null, 0.5]],
      [with_(int64, [1n, null, 2n]), [null, null, null]],
    ] as const) {
      const taken = take(table, batch);
      expect(rowsOf(taken.batch).map((row) => row["x__v_float64"])).toEqual(variants);
      expect(bits(taken.batch)).toEqual({
        id: [false, false, false],
        x: [false, true, false],
        x__v_float64: [false, true, false],
        y: [true, true, true],
      });
    }
  });

  test("columns that a batch with unchanged cells lacks are unchanged, and null in others", () => {
    const batch = { ...batchOf({ id: [int64, [1n, 2n, 3n]] }), changes: changesOf([undefined]) };
    const all = [true, true, true];
    expect(bits(take(table, batch).batch)).toEqual({
      id: [false, false, false],
      x: all,
      x__v_float64: all,
      y: all,
    });
    const whole = { ...batch, changes: undefined };
    expect(take(table, whole).batch.changes).toBeUndefined();
  });

  test("deletes and unchanged cells need no value in a column that is not nullable", () => {
    const batch: Batch = {
      ...batchOf({ id: [int64, [1n, 2n, 3n]], x: [int64, [null, null, null]] }),
      changes: {
        ops: Uint8Array.of(ChangeOp.delete, ChangeOp.update, ChangeOp.insert),
        ordinals: new BigInt64Array(3),
        unchanged: [undefined, Uint8Array.of(0b010)],
      },
    };
    const schema = s(f("id", int64), f("x", int64, false));
    expect(() => conformBatch(batch, schema)).toThrow(/"x" is not nullable, and row 3/);
    expect(
      conformBatch({ ...batch, changes: { ...batch.changes!, ops } }, s(f("id", int64), f("x", int64))),
    ).toBeDefined();
    const ok = { ...batch.changes!, ops: Uint8Array.of(ChangeOp.delete, ChangeOp.update, ChangeOp.truncate) };
    expect(conformBatch({ ...batch, changes: ok }, schema).length).toBe(3);
  });
});

test("freeze refuses by type and by value", () => {
  const table = standing(f("x", int64));
  const freeze = { contract: "freeze", splits: () => false } as const;
  expect(() => take(table, batchOf({ x: [float64, [0.5]] }), freeze)).toThrow(
    /"x" is int64, and float64 does not fit/,
  );
  const wide = standing(f("x", float64));
  expect(() => take(wide, batchOf({ x: [int64, [2n ** 53n + 1n]] }), freeze)).toThrow(/9007199254740993/);
  // A column that is not committed may have variants as well, in a table that is not either.
  expect(
    evolveSchema(s(f("x", int64)), s(f("x", string)), { committed: undefined, splits: () => true }).changes,
  ).toEqual([]);
  expect(
    evolveSchema(s(f("id", int64), f("x", int64)), s(f("x", string)), {
      committed: s(f("id", int64)),
      splits: () => true,
    }).schema.fields,
  ).toHaveLength(2);
});

test("in-place widening is asked for whole columns", () => {
  const asked: [string, string][] = [];
  const widens = (from: ColumnType, to: ColumnType): boolean => {
    asked.push([from.kind, JSON.stringify(to)]);
    return true;
  };
  const table = standing(f("at", struct(f("a", "int8"), f("l", list(int32)))));
  const incoming = batchOf({ at: [struct(f("a", "int8"), f("l", list(int64))), [{ a: 1, l: [2n ** 40n] }]] });
  const { changes } = take(table, incoming, { widens });
  expect(changes).toEqual([{ kind: "columnWidened", column: "at.l[]", from: int32, to: int64 }]);
  expect(asked).toEqual([["struct", JSON.stringify(struct(f("a", "int8"), f("l", list(int64))))]]);
});

test("whatever comes after a commit, every scalar is kept in its column or in one variant, exactly", () => {
  const scalar = fc.constantFrom<ColumnType>(
    { kind: "boolean" },
    { kind: "int8" },
    int32,
    int64,
    { kind: "float32" },
    float64,
    decimal(5, 2),
    decimal(20, 4),
    { kind: "string" },
    { kind: "date" },
    { kind: "timestamp", zone: "local" },
    { kind: "timestamp", zone: "utc" },
    { kind: "uuid" },
  );
  const column = scalar.chain((type) =>
    fc.record({
      type: fc.constant(type),
      values: fc.array(valueOf(type), { minLength: 1, maxLength: 6 }),
      commit: fc.boolean(),
    }),
  );
  /** One text for equal values, whatever their types. */
  const text = (value: unknown): string => {
    if (value instanceof Date) return value.toISOString();
    if (typeof value === "number") return Number.isInteger(value) ? String(BigInt(value)) : String(value);
    if (typeof value !== "string") return String(value);
    if (/^-?\d+\.\d+$/.test(value)) return value.replace(/\.?0+$/, "").replace(/^-0$/, "0");
    return /^[+-]?\d+-\d\d-\d\d$/.test(value) ? new Date(`${value}T00:00:00Z`).toISOString() : value;
  };
  let variants = 0;
  fc.assert(
    fc.property(scalar, fc.array(column, { minLength: 1, maxLength: 6 }), (own, columns) => {
      let table = standing(f("x", own));
      for (const { type, values, commit } of columns) {
        const given = userReader(vectorOf(type, values));
        const taken = take(table, batchOf({ x: [type, values] }));
        ({ table } = taken);
        variants += taken.changes.length;
        rowsOf(taken.batch).forEach((row, i) => {
          const held = table.schema.fields.filter(({ name }) => row[name] !== null);
          expect(held).toHaveLength(given(i) === null ? 0 : 1);
          const [at] = held;
          if (at === undefined) return;
          const isText = at.type.kind === "string" && type.kind !== "string";
          expect(text(isText ? given(i) : row[at.name])).toBe(text(given(i)));
        });
        if (commit) table = { schema: table.schema, committed: table.schema };
      }
    }),
    { numRuns: 100 },
  );
  expect(variants).toBeGreaterThan(60);
});
