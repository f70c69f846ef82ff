import fc from "fast-check";
import { vectorOf } from "../../src/columns/values.ts";
import type { Vector } from "../../src/columns/vector.ts";
import type { ColumnType, Field } from "../../src/schema/types.ts";

/** Types without members. */
export const scalarType: fc.Arbitrary<ColumnType> = fc.oneof(
  fc.constantFrom<ColumnType>(
    { kind: "boolean" },
    { kind: "int8" },
    { kind: "int16" },
    { kind: "int32" },
    { kind: "int64" },
    { kind: "float32" },
    { kind: "float64" },
    { kind: "string" },
    { kind: "binary" },
    { kind: "date" },
    { kind: "time" },
    { kind: "timestamp", zone: "utc" },
    { kind: "timestamp", zone: "local" },
    { kind: "uuid" },
    { kind: "json" },
  ),
  fc
    .tuple(fc.integer({ min: 1, max: 38 }), fc.nat())
    .map(([precision, n]): ColumnType => ({ kind: "decimal", precision, scale: n % (precision + 1) })),
);

const member = (name: string, type: ColumnType): Field => ({ name, type, nullable: true });

/** Types of any kind but `null`, nested a few levels deep. */
export const columnType: fc.Arbitrary<ColumnType> = fc.letrec<{ type: ColumnType }>((tie) => ({
  type: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalarType,
    tie("type").map((element): ColumnType => ({ kind: "list", element: member("element", element) })),
    fc
      .dictionary(fc.constantFrom("a", "b", "c", "d"), tie("type"), { minKeys: 1, maxKeys: 3 })
      .map((members): ColumnType => ({
        kind: "struct",
        fields: Object.entries(members).map(([name, type]) => member(name, type)),
      })),
    fc
      .tuple(fc.constantFrom<ColumnType>({ kind: "string" }, { kind: "int64" }), tie("type"))
      .map(([key, value]): ColumnType => ({
        kind: "map",
        key: { name: "key", type: key, nullable: false },
        value: member("value", value),
      })),
  ),
})).type;

const int = (bits: number): fc.Arbitrary<number> =>
  fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const two = (n: number): string => String(n).padStart(2, "0");

/** Values of a type as user code sees them, in canonical form; nulls included. */
export function valueOf(type: ColumnType): fc.Arbitrary<unknown> {
  return fc.option(presentValueOf(type), { freq: 5 });
}

function presentValueOf(type: ColumnType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "int8":
      return int(8);
    case "int16":
      return int(16);
    case "int32":
      return int(32);
    case "int64":
      return int64;
    case "float32":
      return fc.float();
    case "float64":
      return fc.double();
    case "decimal": {
      const bound = 10n ** BigInt(type.precision) - 1n;
      return fc.bigInt({ min: -bound, max: bound }).map((unscaled) => {
        if (type.scale === 0) return String(unscaled);
        const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(type.scale + 1, "0");
        return `${unscaled < 0n ? "-" : ""}${digits.slice(0, -type.scale)}.${digits.slice(-type.scale)}`;
      });
    }
    case "string":
      return fc.string({ unit: "binary", maxLength: 60 });
    case "binary":
      return fc.uint8Array({ maxLength: 60 });
    case "date":
      return fc
        .date({ min: new Date("-009999-01-01"), max: new Date("+012000-12-31"), noInvalidDate: true })
        .map((date) => date.toISOString().split("T")[0]);
    case "time":
      return fc
        .tuple(fc.nat(23), fc.nat(59), fc.nat(59), fc.nat(999_999))
        .map(([h, m, s, f]) =>
          `${two(h)}:${two(m)}:${two(s)}.${String(f).padStart(6, "0")}`.replace(/\.?0+$/, (zeros) =>
            zeros.startsWith(".") ? "" : zeros.replace(/0+$/, ""),
          ),
        );
    case "timestamp":
      return fc.date({ noInvalidDate: true });
    case "uuid":
      return fc.uuid();
    case "json":
      return fc
        .jsonValue({ maxDepth: 2 })
        .filter((value) => value !== null)
        .map((value) => JSON.parse(JSON.stringify(value)) as unknown)
        .filter((value) => !/\d{16}/.test(JSON.stringify(value)));
    case "list":
      return fc.array(valueOf(type.element.type), { maxLength: 4 });
    case "struct":
      return fc.record(Object.fromEntries(type.fields.map((field) => [field.name, valueOf(field.type)])));
    case "map": {
      const key = type.key.type.kind === "string" ? fc.string({ maxLength: 5 }) : int64;
      return fc
        .array(fc.tuple<[unknown, unknown]>(key, valueOf(type.value.type)), { maxLength: 4 })
        .map((entries) => new Map(entries));
    }
  }
}

/** A type with some of its values. */
export const column: fc.Arbitrary<{ readonly type: ColumnType; readonly values: unknown[] }> =
  columnType.chain((type) => fc.array(valueOf(type), { maxLength: 20 }).map((values) => ({ type, values })));

/** The same rows by reference: every second value is also in the dictionary unused. */
export function asDictionary(type: ColumnType, values: readonly unknown[]): Vector {
  const present = values.filter((value) => value !== null);
  const codes = new Int32Array(values.length);
  const validity = new Uint8Array((values.length + 7) >> 3);
  let next = present.length;
  values.forEach((value, row) => {
    if (value === null) return;
    // Backwards, so that code and row differ.
    codes[row] = --next;
    validity[row >> 3]! |= 1 << (row & 7);
  });
  const nullCount = values.length - present.length;
  return {
    layout: "dictionary",
    type,
    length: values.length,
    nullCount,
    validity: nullCount > 0 ? validity : undefined,
    codes,
    dictionary: vectorOf(type, present.toReversed()),
  };
}
