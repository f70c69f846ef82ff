import { describe, expect, test } from "vitest";
import type { ColumnType, Schema } from "@alluvium/core";
import {
  checkNames,
  deltaSchema,
  schemaOf,
  storedType,
  type DeltaField,
  type DeltaStruct,
  type DeltaType,
} from "../../src/delta/types.ts";
import { describeSchema, tableSchema } from "../../src/delta/write/partitions.ts";
import { mergeSchema } from "../../src/delta/write/schema.ts";

const column = (name: string, type: ColumnType, nullable = true): Schema["fields"][number] => ({
  name,
  type,
  nullable,
});
const string: ColumnType = { kind: "string" };

describe("types", () => {
  const all: readonly (readonly [ColumnType, DeltaType])[] = [
    [{ kind: "boolean" }, "boolean"],
    [{ kind: "int8" }, "byte"],
    [{ kind: "int16" }, "short"],
    [{ kind: "int32" }, "integer"],
    [{ kind: "int64" }, "long"],
    [{ kind: "float32" }, "float"],
    [{ kind: "float64" }, "double"],
    [{ kind: "decimal", precision: 38, scale: 10 }, "decimal(38,10)"],
    [string, "string"],
    [{ kind: "binary" }, "binary"],
    [{ kind: "date" }, "date"],
    [{ kind: "timestamp", zone: "utc" }, "timestamp"],
    [{ kind: "timestamp", zone: "local" }, "timestamp_ntz"],
  ];

  test("every type there and back, nested", () => {
    const fields = all.flatMap(([type], i) => [
      column(`c${i}`, type, false),
      column(`l${i}`, { kind: "list", element: column("element", type) }),
      column(`m${i}`, { kind: "map", key: column("key", string, false), value: column("value", type) }),
      column(`s${i}`, { kind: "struct", fields: [column("x", type, false)] }),
    ]);
    const delta = deltaSchema({ fields });
    expect(all.map((_, i) => delta.fields[4 * i]!.type)).toEqual(all.map(([, type]) => type));
    expect(schemaOf(JSON.parse(JSON.stringify(delta)) as DeltaStruct)).toEqual({ fields });
    expect(fields.map(({ type }) => storedType(type))).toEqual(fields.map(({ type }) => type));
  });

  test("what Delta has no type for becomes text, nested too", () => {
    for (const kind of ["time", "uuid", "json"] as const) {
      expect(storedType({ kind })).toEqual(string);
      expect(
        storedType({
          kind: "struct",
          fields: [column("a", { kind: "list", element: column("element", { kind }) })],
        }),
      ).toEqual({
        kind: "struct",
        fields: [column("a", { kind: "list", element: column("element", string) })],
      });
    }
  });

  test("columns of unknown type are left out", () => {
    const unknown: ColumnType = { kind: "null" };
    const { fields } = deltaSchema({
      fields: [
        column("a", unknown),
        column("b", string),
        column("c", { kind: "list", element: column("element", unknown) }),
        column("d", { kind: "struct", fields: [column("x", unknown), column("y", string)] }),
        column("e", { kind: "struct", fields: [column("x", unknown)] }),
      ],
    });
    expect(fields.map(({ name }) => name)).toEqual(["b", "d"]);
    expect(schemaOf({ type: "struct", fields }).fields[1]!.type).toEqual({
      kind: "struct",
      fields: [column("y", string)],
    });
  });

  test.each(["variant", "interval day", "decimal(39,0)", "decimal(5,7)"])("%s is refused by name", (type) => {
    const field = { name: "c", type, nullable: true, metadata: {} };
    expect(() => schemaOf({ type: "struct", fields: [field] })).toThrow(
      `column "c" has the Delta type "${type}"`,
    );
  });
});

describe("names", () => {
  const check =
    (...fields: Schema["fields"][number][]) =>
    () =>
      checkNames("t", deltaSchema({ fields }));

  test.each(["a b", "a,b", "a;b", "{", "}", "(", ")", "a\nb", "a\tb", "a=b", ""])("%j is refused", (name) => {
    expect(check(column(name, string))).toThrow(/cannot be stored/);
    expect(
      check(
        column("s", {
          kind: "list",
          element: column("element", { kind: "struct", fields: [column(name, string)] }),
        }),
      ),
    ).toThrow(`"s.element.${name}" of table "t"`);
  });

  test("case alone tells nothing apart", () => {
    expect(check(column("Id", string), column("id", string))).toThrow(
      'column "id" of table "t" cannot stand beside "Id"',
    );
    expect(check(column("ä", string), column("a.b", string), column("_", string))).not.toThrow();
  });
});

describe("derived partition columns", () => {
  const schema: Schema = { fields: [column("id", string), column("at", { kind: "timestamp", zone: "utc" })] };

  test("stand in the table as ordinary columns and are found again", () => {
    const partitionBy = [
      { column: "id" },
      { column: "at", transform: "day" },
      { column: "at", transform: "year", name: "y" },
    ] as const;
    const delta = tableSchema("t", schema, partitionBy);
    expect(schemaOf(delta).fields.slice(2)).toEqual([
      column("at_day", { kind: "date" }),
      column("y", { kind: "int32" }),
    ]);
    expect(describeSchema(JSON.parse(JSON.stringify(delta)) as DeltaStruct, ["id", "at_day", "y"])).toEqual({
      schema,
      partitionBy: [
        { column: "id" },
        { column: "at", transform: "day", name: "at_day" },
        { column: "at", transform: "year", name: "y" },
      ],
    });
  });

  test.each([
    [[{ column: "gone" }], 'partitioned by "gone", which is no column'],
    [[{ column: "at", transform: "day", name: "ID" }], 'the partition column "ID" has the name of a column'],
  ] as const)("%j is refused", (partitionBy, message) => {
    expect(() => tableSchema("t", schema, partitionBy)).toThrow(message);
  });
});

describe("merging", () => {
  const field = (name: string, type: DeltaType, nullable = true, metadata = {}): DeltaField => ({
    name,
    type,
    nullable,
    metadata,
  });
  const struct = (...fields: DeltaField[]): DeltaStruct => ({ type: "struct", fields });
  const merge = (base: DeltaStruct, ours: DeltaStruct, nulls = false, mayRelax = true): DeltaStruct =>
    mergeSchema(base, ours, { table: "t", mayHoldNulls: () => nulls, mayRelax });
  const base = struct(field("a", "long", true, { comment: "kept" }), field("s", struct(field("x", "long"))));

  test("nothing new leaves the schema as it is", () => {
    expect(merge(base, struct(field("s", struct(field("x", "long"))), field("a", "long")))).toBe(base);
    expect(merge(base, struct(field("a", "long")))).toBe(base);
  });

  test("columns and members are added at the end, nullable", () => {
    const ours = struct(
      field("b", "date", false),
      field("a", "long"),
      field("s", struct(field("y", "long", false), field("x", "long"))),
    );
    expect(merge(base, ours)).toEqual(
      struct(
        field("a", "long", true, { comment: "kept" }),
        field("s", struct(field("x", "long"), field("y", "long"))),
        field("b", "date"),
      ),
    );
  });

  test("a void column is bound", () => {
    expect(merge(struct(field("a", "void")), struct(field("a", "date")))).toEqual(struct(field("a", "date")));
  });

  test.each<[DeltaType, DeltaType]>([
    ["long", "string"],
    ["integer", "long"],
    ["decimal(5,2)", "decimal(6,2)"],
    ["timestamp", "timestamp_ntz"],
    [{ type: "array", elementType: "long", containsNull: true }, "long"],
    [
      { type: "array", elementType: "long", containsNull: true },
      { type: "array", elementType: "date", containsNull: true },
    ],
  ])("%j is not %j", (stored, ours) => {
    expect(() => merge(struct(field("a", stored)), struct(field("a", ours)))).toThrow(
      /column "a(\.element)?" is .* in the table and .* in this load/,
    );
  });

  test("another spelling of a name is refused", () => {
    expect(() => merge(base, struct(field("A", "long")))).toThrow('column "A" is spelled "a" in the table');
  });

  test("NOT NULL stays while no nulls come, is dropped by its owner, and refused to others", () => {
    const strict = struct(field("a", "long", false));
    expect(merge(strict, struct(field("a", "long", false)), true)).toBe(strict);
    expect(merge(strict, struct(field("a", "long")), false)).toBe(strict);
    expect(merge(strict, struct(field("a", "long")), true)).toEqual(struct(field("a", "long")));
    expect(() => merge(strict, struct(field("a", "long")), true, false)).toThrow(
      /"a" is NOT NULL in the table/,
    );
    expect(() => merge(strict, struct(field("b", "long")), true, false)).toThrow(/no such column/);
  });
});
