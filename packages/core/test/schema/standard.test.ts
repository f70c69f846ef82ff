import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import * as mini from "zod/mini";
import { createAppender } from "../../src/columns/append.ts";
import { rowsOf } from "../../src/columns/rows.ts";
import { describeType } from "../../src/schema/describe.ts";
import { schemaOf } from "../../src/schema/standard.ts";
import { typed, type RowSchema } from "../../src/typed.ts";

/** `name: type?` of each column, `?` where it may be null. */
function columnsOf(schema: RowSchema<unknown, unknown>): Record<string, string> | undefined {
  const fields = schemaOf(schema)?.fields;
  return (
    fields && Object.fromEntries(fields.map((f) => [f.name, describeType(f.type) + (f.nullable ? "?" : "")]))
  );
}

describe("zod", () => {
  test("each kind of schema", () => {
    const tree: z.ZodType = z.object({
      get child() {
        return tree;
      },
    });
    const row = z.object({
      int: z.int(),
      alsoInt: z.number().int().min(1),
      int32: z.int32(),
      uint32: z.uint32(),
      number: z.number(),
      big: z.bigint(),
      uint64: z.uint64(),
      text: z.string().min(1),
      uuid: z.uuid(),
      flag: z.boolean(),
      when: z.date(),
      optional: z.string().optional(),
      nullish: z.int().nullish(),
      preset: z.string().optional().default("x"),
      presetNull: z.string().nullable().default("x"),
      state: z.enum(["open", "paid"]),
      level: z.literal([1, 2]),
      mixed: z.literal(["a", 1]),
      either: z.union([z.int(), z.number(), z.null()]),
      neither: z.union([z.string(), z.boolean()]),
      tags: z.array(z.string()),
      labels: z.set(z.string()),
      point: z.tuple([z.number(), z.number()]),
      counts: z.record(z.string(), z.int()),
      index: z.map(z.int(), z.string().nullable()),
      address: z.object({ city: z.string(), zip: z.string().optional() }),
      both: z.intersection(z.object({ a: z.int() }), z.object({ b: z.int() })),
      parsed: z.preprocess(Number, z.number()),
      computed: z.string().transform((text) => text.length),
      anything: z.any(),
      fixed: z.string().readonly(),
      caught: z.string().catch("x"),
      total: z.string().meta({ column: { type: "decimal", precision: 18, scale: 2 } }),
      maybeTotal: z
        .string()
        .meta({ column: { type: "decimal", precision: 18, scale: 2 } })
        .nullable(),
      tree,
    });
    expect(columnsOf(row)).toEqual({
      int: "int64",
      alsoInt: "int64",
      int32: "int32",
      uint32: "int64",
      number: "float64",
      big: "int64",
      uint64: "decimal(20,0)",
      text: "string",
      uuid: "string",
      flag: "boolean",
      when: "timestamp(utc)",
      optional: "string?",
      nullish: "int64?",
      preset: "string",
      presetNull: "string?",
      state: "string",
      level: "int64",
      mixed: "null",
      either: "float64?",
      neither: "null",
      tags: "list<string>",
      labels: "list<string>",
      point: "list<float64>",
      counts: "map<string, int64>",
      index: "map<int64, string>",
      address: "struct<city: string, zip: string>",
      both: "struct<a: int64, b: int64>",
      parsed: "float64",
      computed: "null?",
      anything: "null?",
      fixed: "string",
      caught: "string",
      total: "decimal(18,2)",
      maybeTotal: "decimal(18,2)?",
      tree: "struct<child: null>",
    });
  });

  test("mini, with its own way to metadata", () => {
    const total = mini.string();
    total.register(mini.globalRegistry, {
      column: { type: "decimal", precision: 9, scale: 3, nullable: true },
    });
    const row = mini.object({
      id: mini.int(),
      n: mini.number().check(mini.int()),
      t: mini.optional(mini.date()),
      total,
    });
    expect(columnsOf(row)).toEqual({ id: "int64", n: "int64", t: "timestamp(utc)?", total: "decimal(9,3)?" });
  });

  test("unions of objects are one struct", () => {
    const event = z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("a"), x: z.int() }),
      z.object({ kind: z.literal("b"), y: z.string() }),
    ]);
    expect(columnsOf(event)).toEqual({ kind: "string", x: "int64?", y: "string?" });
  });

  test("rows go into the columns that the schema describes", () => {
    const row = z.object({
      id: z.int(),
      score: z.number(),
      extra: z.any(),
      counts: z.record(z.string(), z.number()),
      total: z.string().meta({ column: { type: "decimal", precision: 18, scale: 2 } }),
    });
    const schema = schemaOf(row)!;
    const appender = createAppender({ schema });
    appender.append(row.parse({ id: 1, score: 2, extra: ["a"], counts: { a: 1 }, total: "1.5" }));
    const batch = appender.finish();
    expect(batch.schema.fields.map((field) => describeType(field.type))).toEqual([
      "int64",
      "float64",
      "list<string>",
      "map<string, float64>",
      "decimal(18,2)",
    ]);
    expect(rowsOf(batch)).toEqual([
      { id: 1n, score: 2, extra: ["a"], counts: new Map([["a", 1]]), total: "1.50" },
    ]);
    expect(() => appender.append({ id: null, score: 1 })).toThrow(/row 2, column "id": null/);
  });

  test("what is no object has no columns", () => {
    expect(schemaOf(z.string())).toBeUndefined();
  });
});

describe("other libraries", () => {
  test("without JSON Schema the rows decide", () => {
    expect(schemaOf(v.object({ id: v.number() }))).toBeUndefined();
    expect(schemaOf(typed<{ id: number }>())).toBeUndefined();
  });

  function library(json: unknown): RowSchema {
    const output = (): unknown => {
      if (json instanceof Error) throw json;
      return json;
    };
    const validate = (value: unknown) => ({ value });
    return { "~standard": { version: 1, vendor: "other", validate, jsonSchema: { output } } } as RowSchema;
  }

  test("JSON Schema", () => {
    const schema = library({
      type: "object",
      required: ["id", "tags", "kind", "price"],
      properties: {
        id: { type: "integer" },
        name: { type: ["string", "null"] },
        tags: { type: "array", items: { type: "string" } },
        kind: { enum: ["a", "b"] },
        price: { type: "string", column: { type: "decimal", precision: 10, scale: 4 } },
        size: { anyOf: [{ type: "integer" }, { type: "number" }] },
        counts: { type: "object", additionalProperties: { type: "integer" } },
        nested: { type: "object", properties: { a: { const: true } } },
        other: { $ref: "#/$defs/x" },
      },
    });
    expect(columnsOf(schema)).toEqual({
      id: "int64",
      name: "string?",
      tags: "list<string>",
      kind: "string",
      price: "decimal(10,4)",
      size: "float64?",
      counts: "map<string, int64>?",
      nested: "struct<a: boolean>?",
      other: "null?",
    });
  });

  test("a library that throws leaves it to the rows", () => {
    expect(schemaOf(library(new Error("unrepresentable")))).toBeUndefined();
  });
});
