import { AlluviumError, type ColumnType } from "@alluvium/core";
import { isScalar } from "@alluvium/core/columns";
import { sameType } from "@alluvium/core/schema";

/**
 * The type that a column has in a table here: `int8` becomes `int16`, structs, maps, and lists of anything but scalars become `json`; everything
 * else stays.
 */
export function storedType(type: ColumnType): ColumnType {
  switch (type.kind) {
    case "int8":
      return { kind: "int16" };
    case "struct":
    case "map":
      return { kind: "json" };
    case "list": {
      if (type.element.type.kind !== "null" && !isScalar(type.element.type)) return { kind: "json" };
      return {
        kind: "list",
        element: { name: "element", type: storedType(type.element.type), nullable: true },
      };
    }
    default:
      return type;
  }
}

const integers: Readonly<Partial<Record<ColumnType["kind"], { bits: number; digits: number }>>> = {
  int16: { bits: 16, digits: 5 },
  int32: { bits: 32, digits: 10 },
  int64: { bits: 64, digits: 19 },
};

/**
 * Whether `ALTER COLUMN … TYPE` takes every value of `from` to the same value in `to`: integers to wider integers, to numerics with room for all
 * their digits and to floats that hold them all, `real` to `double precision`, numerics to numerics with at least as many digits on both
 * sides of the point, a date to its midnight, and arrays of these.
 */
export function widens(from: ColumnType, to: ColumnType): boolean {
  if (sameType(from, to)) return true;
  if (from.kind === "list" && to.kind === "list") return widens(from.element.type, to.element.type);
  const whole = integers[from.kind];
  switch (to.kind) {
    case "int32":
    case "int64":
      return whole !== undefined && whole.bits < integers[to.kind]!.bits;
    case "decimal":
      if (whole !== undefined) return to.precision - to.scale >= whole.digits;
      return (
        from.kind === "decimal" &&
        to.scale >= from.scale &&
        to.precision - to.scale >= from.precision - from.scale
      );
    case "float32":
      return from.kind === "int16";
    case "float64":
      return from.kind === "float32" || from.kind === "int16" || from.kind === "int32";
    case "timestamp":
      return from.kind === "date" && to.zone === "local";
    default:
      return false;
  }
}

const names: Readonly<Partial<Record<ColumnType["kind"], string>>> = {
  boolean: "boolean",
  int8: "smallint",
  int16: "smallint",
  int32: "integer",
  int64: "bigint",
  float32: "real",
  float64: "double precision",
  string: "text",
  binary: "bytea",
  date: "date",
  time: "time",
  uuid: "uuid",
};

/** The type of a column as `CREATE TABLE` and `CAST` name it. */
export function typeName(type: ColumnType, json: "jsonb" | "json"): string {
  switch (type.kind) {
    case "decimal":
      return `numeric(${type.precision},${type.scale})`;
    case "timestamp":
      return type.zone === "utc" ? "timestamptz" : "timestamp";
    case "json":
      return json;
    case "list":
      return `${typeName(type.element.type, json)}[]`;
    default: {
      const name = names[type.kind];
      if (name !== undefined) return name;
      throw new AlluviumError("ALV_INTERNAL", `${type.kind} is not a type that is stored in PostgreSQL`);
    }
  }
}

const builtin: ReadonlyMap<number, ColumnType> = new Map<number, ColumnType>([
  [16, { kind: "boolean" }],
  [17, { kind: "binary" }],
  [20, { kind: "int64" }],
  [21, { kind: "int16" }],
  [23, { kind: "int32" }],
  [25, { kind: "string" }],
  [114, { kind: "json" }],
  [700, { kind: "float32" }],
  [701, { kind: "float64" }],
  [1043, { kind: "string" }],
  [1082, { kind: "date" }],
  [1083, { kind: "time" }],
  [1114, { kind: "timestamp", zone: "local" }],
  [1184, { kind: "timestamp", zone: "utc" }],
  [2950, { kind: "uuid" }],
  [3802, { kind: "json" }],
]);
const NUMERIC = 1700;

/**
 * The column type of a type in the catalogue, by its object id (they never change: src/include/catalog/pg_type.dat) and modifier, or for an
 * array by those of its element; `undefined` for a type that none of ours is stored as: `numeric` without digits, `timestamp(3)`, enums …
 */
export function typeOf(oid: number, modifier: number, isArray: boolean): ColumnType | undefined {
  const type = oid === NUMERIC ? decimalOf(modifier) : scalarOf(oid, modifier);
  if (!isArray || type === undefined) return type;
  return { kind: "list", element: { name: "element", type, nullable: true } };
}

function scalarOf(oid: number, modifier: number): ColumnType | undefined {
  const type = builtin.get(oid);
  // `time(3)` and `timestamp(0)` round what they are given.
  return modifier >= 0 && (type?.kind === "time" || type?.kind === "timestamp") && modifier < 6
    ? undefined
    : type;
}

function decimalOf(modifier: number): ColumnType | undefined {
  if (modifier < 4) return undefined;
  const packed = modifier - 4;
  const precision = (packed >> 16) & 0xffff;
  // The scale is signed, in 11 bits, since PostgreSQL 15 (numeric_typmod_scale).
  const scale = ((packed & 0x7ff) ^ 1024) - 1024;
  return precision <= 38 && scale >= 0 && scale <= precision
    ? { kind: "decimal", precision, scale }
    : undefined;
}
