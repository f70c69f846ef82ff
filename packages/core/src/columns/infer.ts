import type { AlluviumError } from "../errors.ts";
import type { ColumnType } from "../schema/types.ts";
import type { FixedBuilder } from "./builder.ts";
import { putScalar } from "./coerce.ts";
import { bindColumn, bindNumbers, columnKind, Mode, type Column, type Group } from "./column.ts";
import { isListLike, isStruct } from "./data-shape.ts";
import { isRawJson } from "./raw-json.ts";
import { saidType } from "./said-type.ts";
import { rowRefused } from "./refuse.ts";

const DECIMAL_38: ColumnType = { kind: "decimal", precision: 38, scale: 0 };

/** Gives a column the type of its first value. */
export function bindTo(column: Column, value: unknown): void {
  const { mode, builder, context } = column;
  context.undo.push(() => {
    column.mode = mode;
    column.builder = builder;
    column.text = column.child = column.keys = column.group = undefined;
  });
  if (typeof value === "number") bindNumbers(column);
  else bindColumn(column, typeOfValue(column, value));
  // A point in time is no reading of a clock.
  const { type } = column.builder;
  if (type.kind === "timestamp" && type.zone === "local") column.mode = Mode.scalar;
}

function typeOfValue(column: Column, value: unknown): ColumnType {
  const unknown = { type: { kind: "null" }, nullable: true } as const;
  switch (typeof value) {
    case "string":
      return saidType(value, column.context.infer) ?? { kind: "string" };
    case "boolean":
      return { kind: "boolean" };
    case "bigint":
      return BigInt.asIntN(64, value) === value ? { kind: "int64" } : DECIMAL_38;
    case "object":
      if (value instanceof Date) return { kind: "timestamp", zone: "utc" };
      if (value instanceof Uint8Array || value instanceof ArrayBuffer) return { kind: "binary" };
      if (Array.isArray(value) || isListLike(value))
        return { kind: "list", element: { name: "element", ...unknown } };
      if (value instanceof Map)
        return {
          kind: "map",
          key: { name: "key", type: unknown.type, nullable: false },
          value: { name: "value", ...unknown },
        };
      if (isRawJson(value)) return decimalOf(value.rawJSON);
      if (isStruct(value)) return { kind: "struct", fields: [] };
      break;
    default:
  }
  throw refused(
    column,
    value,
    'has no column type: turn it into plain data in map(), or give the column the hint { type: "json" }',
  );
}

/** The decimal of a number by its digits: as many after the point as it has, and all the others before it. */
function decimalOf(text: string): ColumnType {
  const scale = /^-?\d+\.(\d{1,38})$/.exec(text)?.[1]?.length;
  return scale === undefined ? { kind: "json" } : { kind: "decimal", precision: 38, scale };
}

/** Changes an inferred column so that it takes `value` as well; false where no type holds both. */
export function convert(column: Column, value: unknown): boolean {
  const { mode, builder } = column;
  if (mode === Mode.number && column.integral && typeof value === "bigint") {
    const wide = BigInt.asIntN(64, value) !== value;
    const values = (builder as FixedBuilder).values as Float64Array;
    replaceBuilder(column, wide ? DECIMAL_38 : { kind: "int64" }, (row) => BigInt(values[row]!));
    return true;
  }
  if (mode === Mode.int64 && typeof value === "bigint" && BigInt.asIntN(64, value) !== value) {
    const values = (builder as FixedBuilder).values as BigInt64Array;
    replaceBuilder(column, DECIMAL_38, (row) => values[row]!);
    return true;
  }
  if (mode === Mode.int64 && typeof value === "number") {
    const values = (builder as FixedBuilder).values as BigInt64Array;
    for (let row = 0; row < builder.length; row++)
      if (BigInt(Number(values[row]!)) !== values[row]! && !isNull(builder, row)) return false;
    replaceBuilder(column, { kind: "float64" }, (row) => Number(values[row]!));
    column.mode = Mode.number;
    column.integral = false;
    return true;
  }
  return false;
}

function replaceBuilder(column: Column, type: ColumnType, read: (row: number) => number | bigint): void {
  const { mode, builder, integral } = column;
  column.context.undo.push(() => {
    column.mode = mode;
    column.builder = builder;
    column.integral = integral;
  });
  bindColumn(column, type);
  column.builder.reserve(builder.length);
  for (let row = 0; row < builder.length; row++)
    if (isNull(builder, row)) column.builder.appendNull();
    else putScalar(column.builder, read(row));
}

function isNull(builder: { readonly validity: Uint8Array }, row: number): boolean {
  return ((builder.validity[row >> 3]! >> (row & 7)) & 1) === 0;
}

/** The error of a value that a column cannot hold. */
export function refused(at: Column | Group, value: unknown, why: string): AlluviumError {
  return rowRefused(at.context.row, at.path, value, why);
}

/** The error of a value of another kind than the column's. */
export function mixed(column: Column, value: unknown): AlluviumError {
  const kind = columnKind(column);
  if (value instanceof Date && Number.isNaN(value.getTime()))
    return refused(column, value, "is no point in time: mend it in read or map()");
  if (column.typed)
    return refused(
      column,
      value,
      `has no exact form as ${kind}: mend it in map(), or give the column a type that holds it`,
    );
  return refused(
    column,
    value,
    `is a ${nameOf(value)}, the column holds ${kind}: give it a hint, such as columns: { ${JSON.stringify(column.path.split(/[.[{]/, 1)[0])}: { type: "json" } }, or change the value in map()`,
  );
}

function nameOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return typeof value;
  return Array.isArray(value) ? "list" : (value.constructor?.name ?? "object");
}
