import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { Batch } from "../../src/columns/batch.ts";
import { rowsOf } from "../../src/columns/rows.ts";
import { vectorOf } from "../../src/columns/values.ts";
import { boundSchema } from "../../src/schema/bound.ts";
import { conformBatch } from "../../src/schema/conform.ts";
import { evolveSchema } from "../../src/schema/evolve.ts";
import type { ColumnType, Field, Schema } from "../../src/schema/types.ts";
import { columnType, valueOf } from "../columns/arbitrary.ts";
import { outcomeOf } from "../columns/outcome.ts";

// Properties take a while on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 });

const f = (name: string, type: ColumnType["kind"], nullable = true): Field => ({
  name,
  type: { kind: type } as ColumnType,
  nullable,
});
const batchOf = (schema: Schema, rows: readonly Record<string, unknown>[]): Batch => ({
  schema,
  length: rows.length,
  columns: schema.fields.map(({ name, type }) =>
    vectorOf(
      type,
      rows.map((row) => row[name] ?? null),
    ),
  ),
});
const batch = batchOf({ fields: [f("b", "int32"), f("a", "string")] }, [{ b: 1, a: "x" }, { a: "y" }]);

test("columns are put in order, filled and cast; the vectors stay where nothing is to do", () => {
  const schema: Schema = { fields: [f("a", "string"), f("b", "int64"), f("c", "date")] };
  const conformed = conformBatch(batch, schema);
  expect(conformed.schema).toBe(schema);
  expect(rowsOf(conformed)).toEqual([
    { a: "x", b: 1n, c: null },
    { a: "y", b: null, c: null },
  ]);
  expect(conformed.columns[0]).toBe(batch.columns[1]);
});

test("nothing to do: the same batch, or the same vectors under another schema object", () => {
  expect(conformBatch(batch, batch.schema)).toBe(batch);
  const conformed = conformBatch(batch, structuredClone(batch.schema));
  expect(conformed.columns).toBe(batch.columns);
});

describe("refusals", () => {
  const wide = batchOf({ fields: [f("b", "int64")] }, [{ b: 2n ** 53n + 1n }]);
  test.each<[string, Batch, Schema, string, RegExp]>([
    [
      "null where none is allowed",
      batch,
      { fields: [f("a", "string"), f("b", "int32", false)] },
      "ALV_ROW_INVALID",
      /table "t", column "b".*row 2/,
    ],
    [
      "a required column that is missing",
      batch,
      { fields: [f("a", "string"), f("b", "int32"), f("c", "int8", false)] },
      "ALV_ROW_INVALID",
      /"c".*row 1/,
    ],
    [
      "a value that does not fit",
      wide,
      { fields: [f("b", "float64")] },
      "ALV_SCHEMA_CONFLICT",
      /"b".*int64.*9007199254740993.*float64/,
    ],
    [
      "a column that the table lacks",
      batch,
      { fields: [f("a", "string")] },
      "ALV_SCHEMA_CONFLICT",
      /"b" \(int32\)/,
    ],
  ])("%s", (_, of, schema, code, message) => {
    expect(() => conformBatch(of, schema, { table: "t" })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  test("a column of which nothing is known may be dropped", () => {
    const unknown = batchOf({ fields: [f("a", "string"), f("n", "null")] }, [{ a: "x" }]);
    expect(rowsOf(conformBatch(unknown, { fields: [f("a", "string")] }))).toEqual([{ a: "x" }]);
  });
});

test("names match exactly, or else but for their case", () => {
  const schema: Schema = { fields: [f("B", "int32"), f("A", "string")] };
  expect(conformBatch(batch, schema).columns).toEqual(batch.columns);
  const both: Schema = { fields: [f("B", "string"), f("b", "int32"), f("a", "string")] };
  expect(rowsOf(conformBatch(batch, both))[0]).toEqual({ B: null, b: 1, a: "x" });
});

test("changes follow their columns", () => {
  const changes = {
    ops: new Uint8Array(2),
    ordinals: new BigInt64Array(2),
    unchanged: [undefined, Uint8Array.of(1)],
  };
  const conformed = conformBatch(
    { ...batch, changes },
    { fields: [f("a", "string"), f("c", "int8"), f("b", "int32")] },
  );
  expect(conformed.changes).toEqual({
    ...changes,
    unchanged: [Uint8Array.of(1), Uint8Array.of(0xff), undefined],
  });
});

test("batches of any schemas conform to what evolution makes of them, every value kept", () => {
  const related = fc.record(
    {
      a: fc.constantFrom<ColumnType>(
        { kind: "int8" },
        { kind: "int64" },
        { kind: "decimal", precision: 9, scale: 2 },
      ),
      b: fc.constantFrom<ColumnType>(
        { kind: "date" },
        { kind: "timestamp", zone: "local" },
        { kind: "null" },
      ),
      c: fc.oneof({ weight: 9, arbitrary: fc.constant<ColumnType>({ kind: "string" }) }, columnType),
    },
    { requiredKeys: [] },
  );
  const batches = fc
    .array(related, { minLength: 1, maxLength: 4 })
    .chain((schemas) =>
      fc.tuple(
        ...schemas.map((types) =>
          fc
            .array(
              fc.record(
                Object.fromEntries(Object.entries(types).map(([name, type]) => [name, valueOf(type)])),
              ),
              { maxLength: 4 },
            )
            .map((rows) =>
              batchOf(
                { fields: Object.entries(types).map(([name, type]) => ({ name, type, nullable: true })) },
                rows as Record<string, unknown>[],
              ),
            ),
        ),
      ),
    );
  let conformed = 0;
  fc.assert(
    fc.property(batches, (all) => {
      let schema: Schema | undefined;
      const results: Batch[] = [];
      const outcome = outcomeOf(() => {
        for (const { schema: incoming } of all)
          ({ schema } = evolveSchema(schema, incoming, { committed: false }));
        for (const each of all) results.push(conformBatch(each, schema!));
      });
      expect(["done", "ALV_SCHEMA_CONFLICT"]).toContain(outcome);
      results.forEach((result, n) => {
        const each = all[n]!;
        expect(result.schema).toBe(schema);
        expect(result.columns.map((column) => column.length)).toEqual(schema!.fields.map(() => each.length));
        result.columns.forEach((column, i) => {
          const source = each.schema.fields.findIndex((field) => field.name === schema!.fields[i]!.name);
          expect(column.nullCount).toBe(source < 0 ? each.length : each.columns[source]!.nullCount);
        });
        conformed += 1;
      });
    }),
    { numRuns: 120 },
  );
  expect(conformed).toBeGreaterThan(100);
});

test("what is not known yet is left out of what is written", () => {
  const unknown: ColumnType = { kind: "null" };
  const element = (type: ColumnType): ColumnType => ({
    kind: "list",
    element: { name: "element", type, nullable: true },
  });
  const field = (name: string, type: ColumnType): Field => ({ name, type, nullable: true });
  const schema: Schema = {
    fields: [
      f("id", "int64"),
      field("n", unknown),
      field("l", element(unknown)),
      field("s", { kind: "struct", fields: [] }),
      field("t", { kind: "struct", fields: [field("x", unknown), f("y", "int8")] }),
      field("m", { kind: "map", key: f("key", "string", false), value: field("value", element(unknown)) }),
    ],
  };
  expect(boundSchema(schema)).toEqual({
    fields: [f("id", "int64"), field("t", { kind: "struct", fields: [f("y", "int8")] })],
  });
  const known: Schema = { fields: [f("id", "int64"), field("l", element({ kind: "int8" }))] };
  expect(boundSchema(known)).toBe(known);
});
