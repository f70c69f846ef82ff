import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ColumnType,
  type Field,
  type Json,
  type PipelineState,
  type SchemaChange,
} from "@alluvium/core";
import {
  canonicalJson,
  decodeSchema,
  decodeSchemaChange,
  decodeState,
  encodeSchema,
  encodeSchemaChange,
  encodeState,
  schemaHash,
} from "@alluvium/core/state";

const scalars: readonly ColumnType[] = [
  ...(
    [
      "null",
      "boolean",
      "int8",
      "int16",
      "int32",
      "int64",
      "float32",
      "float64",
      "string",
      "binary",
      "date",
      "time",
      "uuid",
      "json",
    ] as const
  ).map((kind) => ({ kind })),
  { kind: "decimal", precision: 38, scale: 9 },
  { kind: "timestamp", zone: "utc" },
  { kind: "timestamp", zone: "local" },
];

const fields = fc.letrec<{ type: ColumnType; field: Field }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(...scalars),
    fc.record({ kind: fc.constant("list" as const), element: tie("field") }),
    fc.record({ kind: fc.constant("struct" as const), fields: fc.array(tie("field"), { maxLength: 3 }) }),
    fc.record({ kind: fc.constant("map" as const), key: tie("field"), value: tie("field") }),
  ),
  field: fc.record(
    { name: fc.string({ unit: "grapheme" }), type: tie("type"), nullable: fc.boolean(), id: fc.nat() },
    { requiredKeys: ["name", "type", "nullable"] },
  ),
})).field;

const throughJson = (json: Json): Json => JSON.parse(JSON.stringify(json)) as Json;

const example: PipelineState = {
  incarnation: "00112233445566778899aabbccddeeff",
  sequence: 7,
  loadId: "0198c0de-0000-7000-8000-000000000000",
  streams: {
    orders: {
      cursor: { at: "9223372036854775807", rows: ["1", null, true] },
      cursorVersion: 2,
      identity: { table: "public.orders", column: "updated_at" },
      loadId: "0198c0de-0000-7000-8000-000000000000",
      committedAt: "2026-01-02T03:04:05.678Z",
    },
    __proto__x: { cursor: null, cursorVersion: 1, identity: null, loadId: "l", committedAt: "t" },
  },
  tables: {
    orders: {
      stream: "orders",
      resource: "Orders",
      schema: {
        fields: [
          { name: "id", type: { kind: "int64" }, nullable: false, id: 1 },
          {
            name: "items",
            nullable: true,
            type: {
              kind: "list",
              element: {
                name: "element",
                nullable: true,
                type: {
                  kind: "struct",
                  fields: [
                    { name: "price", type: { kind: "decimal", precision: 18, scale: 2 }, nullable: true },
                  ],
                },
              },
            },
          },
          {
            name: "tags",
            nullable: true,
            type: {
              kind: "map",
              key: { name: "key", type: { kind: "string" }, nullable: false },
              value: { name: "value", type: { kind: "timestamp", zone: "local" }, nullable: true },
            },
          },
        ],
      },
      columns: { id: "ID", items: "items", tags: "tags" },
      primaryKey: ["id"],
      disposition: "replace",
      rows: 0,
      parked: { loadId: "0198c0de-0000-7000-8000-00000000000a", reason: "the table is gone" },
    },
  },
};

describe("schema codec", () => {
  test("every schema survives being stored", () => {
    fc.assert(
      fc.property(fc.array(fields, { maxLength: 4 }), (list) => {
        expect(decodeSchema(throughJson(encodeSchema({ fields: list })))).toEqual({ fields: list });
      }),
    );
  });
  test("the hash tells schemas apart by everything that matters, and by nothing else", () => {
    const of = (field: Partial<Field>): string =>
      schemaHash({ fields: [{ name: "a", type: { kind: "int64" }, nullable: true, ...field }] });
    expect(of({})).toBe(of({}));
    const others = [
      of({}),
      of({ name: "b" }),
      of({ nullable: false }),
      of({ id: 1 }),
      of({ type: { kind: "decimal", precision: 18, scale: 2 } }),
      of({ type: { kind: "decimal", precision: 18, scale: 3 } }),
    ];
    expect(new Set(others).size).toBe(others.length);
  });
  test("an unknown type is named", () => {
    for (const type of ["int128", "decimal(1)", { union: [] }, 5, null])
      expect(() => decodeSchema([{ name: "a", nullable: true, type }])).toThrow(/no column type|no column/);
    expect(() => decodeSchema({})).toThrow(expect.objectContaining({ code: "ALV_STATE_INVALID" }));
  });
});

describe("state codec", () => {
  test("a state survives being stored", () => {
    expect(decodeState(throughJson(encodeState(example)))).toEqual(example);
    const [name, table] = Object.entries(example.tables)[0]!;
    const versions = { ...example, tables: { [name]: { ...table, validity: ["from", "to", "active"] } } };
    expect(decodeState(throughJson(encodeState(versions)))).toEqual(versions);
  });

  test("nested tables come back as they were, in a version that older readers refuse", () => {
    const [name, table] = Object.entries(example.tables)[0]!;
    const nested = {
      ...example,
      tables: {
        [name]: { ...table, nesting: { default: "tables", depth: null, paths: { a: "json" } } },
        [`${name}__items`]: { ...table, nested: { root: name, parent: name, path: "/items" } },
      },
    };
    const stored = throughJson(encodeState(nested));
    expect(stored).toMatchObject({ version: 2 });
    expect(decodeState(stored)).toEqual(nested);
  });

  test("what is JSON because of its values comes back as it was, in a version that older readers refuse", () => {
    const [name, table] = Object.entries(example.tables)[0]!;
    const mixed = { ...example, tables: { [name]: { ...table, json: [["x"], ["a", "[]", "b.c"]] } } };
    const stored = throughJson(encodeState(mixed));
    expect(stored).toMatchObject({ version: 2 });
    expect(decodeState(stored)).toEqual(mixed);
  });

  // What is stored must stay readable for ever. If this fails, the stored form has changed: raise `stateVersion`, teach `decodeState`
  // the old form, keep this text as a test of it, and only then put the new hash here.
  test("the stored form is the one that was decided on", () => {
    const text = canonicalJson(encodeState(example));
    expect(createHash("sha256").update(text).digest("hex")).toBe(
      "ac1b80ab988cb954588e0d233991d216121e8fbbc4ed1823c1caabef67df0c65",
    );
  });

  test("a newer version is refused by name", () => {
    expect(() => decodeState({ ...(encodeState(example) as object), version: 3 })).toThrow(
      expect.objectContaining({
        code: "ALV_STATE_INVALID",
        message: expect.stringMatching(/version 3.*up to 2/),
      }),
    );
  });

  test("damage anywhere is an error that names the place, never a wrong state", () => {
    const whole = encodeState(example) as { readonly [key: string]: Json };
    const broken: readonly [unknown, RegExp][] = [
      [null, /state is null/],
      [{ ...whole, version: "1" }, /state\.version/],
      [{ ...whole, sequence: -1 }, /state\.sequence is -1/],
      [{ ...whole, sequence: 1.5 }, /state\.sequence/],
      [{ ...whole, loadId: undefined }, /state\.loadId is missing/],
      [{ ...whole, streams: [] }, /state\.streams/],
      [{ ...whole, streams: { a: { cursor: 1 } } }, /state\.streams\.a\.cursorVersion/],
      [{ ...whole, tables: { t: {} } }, /state\.tables\.t/],
      [
        { ...whole, tables: { t: { columns: {}, primaryKey: [], validity: "a" } } },
        /tables\.t\.validity is "a"/,
      ],
      [
        {
          ...whole,
          tables: {
            t: {
              columns: {},
              primaryKey: [],
              stream: "t",
              resource: "t",
              schema: [],
              disposition: "append",
              nested: { root: "t" },
            },
          },
        },
        /tables\.t\.nested\.parent is missing/,
      ],
    ];
    for (const [value, message] of broken)
      expect(() => decodeState(value as Json)).toThrow(
        expect.objectContaining({ code: "ALV_STATE_INVALID", message: expect.stringMatching(message) }),
      );
  });
});

test("canonical JSON sorts keys at every depth and leaves out what is not there", () => {
  expect(canonicalJson({ b: [{ d: 1, c: null }], a: "ü\n" })).toBe('{"a":"ü\\n","b":[{"c":null,"d":1}]}');
  expect(canonicalJson({ a: undefined } as unknown as Json)).toBe("{}");
});

describe("changes of tables", () => {
  const type: ColumnType = {
    kind: "struct",
    fields: [{ name: "at", type: { kind: "timestamp", zone: "local" }, nullable: true }],
  };
  test.for<SchemaChange>([
    { kind: "tableCreated" },
    { kind: "columnAdded", column: "a", type },
    { kind: "columnBound", column: "a", type: { kind: "decimal", precision: 9, scale: 2 } },
    { kind: "columnWidened", column: "a", from: { kind: "int32" }, to: { kind: "string" } },
    { kind: "variantAdded", column: "a", variant: "a__v_struct", type },
    { kind: "columnMissing", column: "a" },
    { kind: "dispositionChanged", from: "append", to: "string" },
  ])("$kind comes back as it was", (change) => {
    expect(decodeSchemaChange(throughJson(encodeSchemaChange(change)))).toEqual(change);
  });
  test.for<Json>([
    null,
    "tableCreated",
    { kind: "columnRenamed", column: "a" },
    { kind: "columnAdded", column: "a" },
    { kind: "columnMissing", column: 3 },
  ])("%j is refused", (json) => {
    expect(() => decodeSchemaChange(json)).toThrow(expect.objectContaining({ code: "ALV_STATE_INVALID" }));
  });
});
