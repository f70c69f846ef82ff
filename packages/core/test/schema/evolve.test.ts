import { describe, expect, test } from "vitest";
import { evolveSchema, type EvolveOptions } from "../../src/schema/evolve.ts";
import type { ColumnType, Field, Schema } from "../../src/schema/types.ts";

const f = (name: string, type: ColumnType | ColumnType["kind"], nullable = true, id?: number): Field => ({
  name,
  type: typeof type === "string" ? ({ kind: type } as ColumnType) : type,
  nullable,
  ...(id !== undefined && { id }),
});
const s = (...fields: Field[]): Schema => ({ fields });
const struct = (...fields: Field[]): ColumnType => ({ kind: "struct", fields });
const list = (type: ColumnType): ColumnType => ({ kind: "list", element: f("element", type) });
const decimal = (precision: number, scale: number): ColumnType => ({ kind: "decimal", precision, scale });
const evolve = (current: Schema | undefined, incoming: Schema, options: Partial<EvolveOptions> = {}) =>
  evolveSchema(current, incoming, { committed: false, ...options });
const kinds = (schema: Schema): string =>
  schema.fields.map(({ name, type }) => `${name} ${type.kind}`).join(", ");

describe("growing", () => {
  test("a first schema is taken as it is", () => {
    const incoming = s(f("id", "int64", false), f("note", "null"));
    for (const current of [undefined, s()])
      expect(evolve(current, incoming, { committed: undefined })).toEqual({
        schema: incoming,
        changes: [{ kind: "tableCreated" }],
      });
    expect(evolve(undefined, incoming).schema).toBe(incoming);
  });

  test("the same again changes nothing, and gives the same object", () => {
    const current = s(f("id", "int64"), f("at", struct(f("lat", "float64"))));
    const { schema, changes } = evolve(current, s(f("at", struct(f("lat", "float64"))), f("id", "int32")), {
      committed: true,
    });
    expect(schema).toBe(current);
    expect(changes).toEqual([]);
  });

  test("new columns come last and may be null; ids and names stay", () => {
    const current = s(f("id", "int64", false, 1), f("Name", "string", true, 2));
    const { schema, changes } = evolve(
      current,
      s(f("new", "date", false), f("name", "string"), f("id", "int64", false)),
      {
        committed: true,
        foldCase: true,
      },
    );
    expect(schema.fields).toEqual([...current.fields, f("new", "date")]);
    expect(changes).toEqual([{ kind: "columnAdded", column: "new", type: { kind: "date" } }]);
  });

  test("null-only columns are bound late, without a change until then", () => {
    const first = evolve(s(f("id", "int64")), s(f("id", "int64"), f("x", "null")), { committed: true });
    expect(first.changes).toEqual([]);
    expect(kinds(first.schema)).toBe("id int64, x null");
    const bound = evolve(first.schema, s(f("id", "int64"), f("x", "uuid")), { committed: true });
    expect(bound.changes).toEqual([{ kind: "columnBound", column: "x", type: { kind: "uuid" } }]);
    expect(evolve(bound.schema, s(f("id", "int64"), f("x", "null")), { committed: true })).toEqual({
      schema: bound.schema,
      changes: [],
    });
  });

  test("a column that is missing is reported, and may be null from now on", () => {
    const { schema, changes } = evolve(s(f("id", "int64"), f("x", "string", false)), s(f("id", "int64")), {
      committed: true,
    });
    expect(schema.fields[1]).toEqual(f("x", "string", true));
    expect(changes).toEqual([{ kind: "columnMissing", column: "x" }]);
  });

  test("not null is relaxed, never tightened", () => {
    expect(
      evolve(s(f("x", "int8", false)), s(f("x", "int8")), { committed: true }).schema.fields[0]!.nullable,
    ).toBe(true);
    expect(evolve(s(f("x", "int8")), s(f("x", "int8", false))).schema.fields[0]!.nullable).toBe(true);
  });

  test("members grow like columns, at any depth", () => {
    const current = s(f("items", list(struct(f("sku", "string"), f("at", "date")))));
    const incoming = s(f("items", list(struct(f("sku", "string"), f("price", struct(f("net", "int64")))))));
    const { schema, changes } = evolve(current, incoming, { committed: true });
    expect(schema).toEqual(
      s(f("items", list(struct(f("sku", "string"), f("at", "date"), f("price", struct(f("net", "int64"))))))),
    );
    expect(changes).toEqual([
      { kind: "columnMissing", column: "items[].at" },
      { kind: "columnAdded", column: "items[].price", type: struct(f("net", "int64")) },
    ]);
  });
});

describe("types", () => {
  test("widen while they are not committed", () => {
    const { schema, changes } = evolve(s(f("x", "int64")), s(f("x", "float64")));
    expect(kinds(schema)).toBe("x float64");
    expect(changes).toEqual([
      { kind: "columnWidened", column: "x", from: { kind: "int64" }, to: { kind: "float64" } },
    ]);
  });

  test("of columns added since the last commit still widen", () => {
    const current = s(
      f("id", "int64"),
      f("fresh", "int64"),
      f("bound", "int64"),
      f("at", struct(f("a", "int8"), f("b", "int8"))),
    );
    const committed = s(f("id", "int64"), f("bound", "null"), f("at", struct(f("a", "int8"))));
    const incoming = (a: ColumnType["kind"]): Schema =>
      s(
        f("id", "int64"),
        f("fresh", "float64"),
        f("bound", "float64"),
        f("at", struct(f("a", a), f("b", "int16"))),
      );
    expect(
      evolve(current, incoming("int8"), { committed }).changes.map(
        (change) => "column" in change && change.column,
      ),
    ).toEqual(["fresh", "bound", "at.b"]);
    expect(() => evolve(current, incoming("int16"), { committed })).toThrow(/"at\.a" is int8, and int16/);
  });

  test.each<[ColumnType, ColumnType]>([
    [{ kind: "int64" }, { kind: "int32" }],
    [{ kind: "float64" }, { kind: "int64" }],
    [decimal(18, 2), decimal(10, 2)],
    [decimal(21, 2), { kind: "int64" }],
    [{ kind: "timestamp", zone: "local" }, { kind: "date" }],
    [{ kind: "string" }, { kind: "uuid" }],
    [{ kind: "string" }, { kind: "int64" }],
    [{ kind: "json" }, struct(f("a", "int8"))],
  ])("committed %j holds %j", (committed, incoming) => {
    const current = s(f("x", committed));
    expect(evolve(current, s(f("x", incoming)), { committed: true })).toEqual({
      schema: current,
      changes: [],
    });
  });

  test.each<[ColumnType, ColumnType, string]>([
    [
      { kind: "int32" },
      { kind: "int64" },
      'table "t", column "x" is int32, and int64 does not fit it; the type of a committed column',
    ],
    [{ kind: "int64" }, { kind: "float64" }, "is int64, and float64 does not fit"],
    [decimal(10, 2), decimal(12, 2), "is decimal(10,2), and decimal(12,2) does not fit"],
    [decimal(18, 2), { kind: "int64" }, "is decimal(18,2), and int64 does not fit"],
    [{ kind: "int64" }, { kind: "string" }, "is int64, and string does not fit it; no type holds both"],
    [{ kind: "string" }, struct(f("a", "int8")), "is string, and struct<a: int8> does not fit"],
    [list({ kind: "int8" }), { kind: "int8" }, "is list<int8>, and int8 does not fit"],
  ])("committed %j refuses %j", (committed, incoming, message) => {
    expect(() => evolve(s(f("x", committed)), s(f("x", incoming)), { committed: true, table: "t" })).toThrow(
      expect.objectContaining({ code: "ALV_SCHEMA_CONFLICT", message: expect.stringContaining(message) }),
    );
  });

  test("that nothing holds together are refused before the commit too", () => {
    expect(() => evolve(s(f("x", "int64")), s(f("x", "boolean")))).toThrow(
      /"x" is int64, and boolean.*column hint/,
    );
  });
});

describe("contract and names", () => {
  const current = s(f("id", "int64"), f("x", "null"), f("at", struct(f("a", "int8"))));
  test("freeze refuses what is new to a committed table", () => {
    const options = { committed: true, contract: "freeze" } as const;
    const refused = (incoming: Schema): void => {
      expect(() => evolve(current, incoming, options)).toThrow(
        expect.objectContaining({ code: "ALV_SCHEMA_CONFLICT", message: expect.stringContaining("freeze") }),
      );
    };
    refused(s(...current.fields, f("new", "int8")));
    refused(s(f("id", "int64"), f("x", "int8")));
    refused(s(f("id", "int64"), f("at", struct(f("a", "int8"), f("b", "int8")))));
    expect(evolve(current, s(f("id", "int64"), f("later", "null")), options).changes).toHaveLength(2);
    expect(
      kinds(
        evolve(s(f("id", "int64")), s(f("id", "int64"), f("new", "int8")), { ...options, committed: false })
          .schema,
      ),
    ).toBe("id int64, new int8");
  });

  test("two columns of one name", () => {
    expect(() => evolve(undefined, s(f("ID", "int8"), f("id", "int8")), { foldCase: true })).toThrow(
      expect.objectContaining({
        code: "ALV_NAME_COLLISION",
        message: expect.stringMatching(/"id" and column "ID"/),
      }),
    );
    expect(kinds(evolve(s(f("ID", "int8")), s(f("ID", "int8"), f("id", "int8"))).schema)).toBe(
      "ID int8, id int8",
    );
  });
});
