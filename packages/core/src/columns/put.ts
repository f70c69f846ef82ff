import { AlluviumError } from "../errors.ts";
import type { ColumnType } from "../schema/types.ts";
import type { BooleanBuilder, FixedBuilder, ListBuilder, MapBuilder, StructBuilder } from "./builder.ts";
import { coerceScalar, putScalar } from "./coerce.ts";
import {
  bindColumn,
  bindNumbers,
  columnKind,
  createColumn,
  memberPath,
  Mode,
  padBuilder,
  type Column,
  type Group,
} from "./column.ts";
import { rowRefused } from "./refuse.ts";
import { writeText } from "./text-writer.ts";

const MAX_ELEMENTS = 0x7fff_ffff;
const DECIMAL_38: ColumnType = { kind: "decimal", precision: 38, scale: 0 };

/**
 * Puts the enumerable properties of `object` into a group's columns as row `row`. Rows of one shape follow the chain of columns
 * that the last row left; another shape costs a look-up per property that is not where it was. Columns that a row lacks are
 * brought up to date when their next value comes. Returns whether there was any property.
 */
export function putObject(group: Group, object: object, row: number): boolean {
  let previous: Column | undefined;
  let expected = group.first;
  let required = 0;
  for (const key in object) {
    const value = (object as Record<string, unknown>)[key];
    let column = expected;
    if (column === undefined || column.name !== key) {
      column = findColumn(group, previous, object, key);
      if (column === undefined) continue;
    }
    putValue(column, value, row);
    if (column.required) required += 1;
    previous = column;
    expected = column.next;
  }
  if (required !== group.required) refuseMissing(group, object);
  return previous !== undefined;
}

/** Puts a value into a column as row `row`. Nulls are only noted by what is not there. */
export function putValue(column: Column, value: unknown, row: number): void {
  if (value === null || value === undefined) {
    if (column.required) throw refused(column, value, "where null is not allowed");
    return;
  }
  switch (column.mode) {
    case Mode.number:
      if (typeof value === "number") {
        if (column.integral && !isExactInteger(value)) seeFraction(column);
        putDouble(column.builder as FixedBuilder, value, row);
        return;
      }
      break;
    case Mode.float64:
      if (typeof value === "number") {
        putDouble(column.builder as FixedBuilder, value, row);
        return;
      }
      break;
    case Mode.string:
      if (typeof value === "string") {
        const text = column.text!;
        if (text.builder.length !== row) padBuilder(text.builder, row);
        writeText(text, value);
        return;
      }
      break;
    case Mode.boolean:
      if (typeof value === "boolean") {
        const builder = column.builder as BooleanBuilder;
        if (builder.length !== row) padBuilder(builder, row);
        builder.append(value);
        return;
      }
      break;
    case Mode.instant:
      if (value instanceof Date) {
        const micros = value.getTime() * 1000;
        // Beyond 2^53 µs (the year 2255) a double is not exact; an invalid date is NaN. Both go the slow way.
        if (Math.abs(micros) <= Number.MAX_SAFE_INTEGER) {
          putInteger(column.builder as FixedBuilder, micros, row);
          return;
        }
      }
      break;
    case Mode.int64:
      if (typeof value === "number" && isExactInteger(value)) {
        putInteger(column.builder as FixedBuilder, value, row);
        return;
      }
      break;
    case Mode.int32:
      if (typeof value === "number" && (value | 0) === value) {
        const builder = column.builder as FixedBuilder;
        if (builder.length !== row) padBuilder(builder, row);
        builder.reserve(1);
        (builder.values as Int32Array)[builder.length] = value;
        builder.length += 1;
        return;
      }
      break;
    case Mode.decimal64:
      if (typeof value === "number") {
        const unscaled = Math.round(value * column.factor);
        // Up to 15 digits a double has one decimal text; if that reads back as the value, it is the value's own.
        if (Math.abs(unscaled) < column.bound && unscaled / column.factor === value) {
          putInteger(column.builder as FixedBuilder, unscaled, row);
          return;
        }
      }
      break;
    case Mode.list:
      if (Array.isArray(value)) {
        putList(column, value, row);
        return;
      }
      break;
    case Mode.struct:
      if (typeof value === "object" && !Array.isArray(value)) {
        putStruct(column, value, row);
        return;
      }
      break;
    case Mode.map:
      if (value instanceof Map) {
        putEntries(column, value, row);
        return;
      }
      break;
    default:
  }
  putOther(column, value, row);
}

function putDouble(builder: FixedBuilder, value: number, row: number): void {
  if (builder.length !== row) padBuilder(builder, row);
  builder.reserve(1);
  (builder.values as Float64Array)[builder.length] = value;
  builder.length += 1;
}

/** Puts an integer up to 2^53 as 64 bits, by words. */
function putInteger(builder: FixedBuilder, value: number, row: number): void {
  if (builder.length !== row) padBuilder(builder, row);
  builder.reserve(1);
  const at = 2 * builder.length;
  builder.words[at] = value | 0;
  builder.words[at + 1] = Math.floor(value / 4294967296);
  builder.length += 1;
}

function putList(column: Column, values: readonly unknown[], row: number): void {
  const builder = column.builder as ListBuilder;
  if (builder.length !== row) padBuilder(builder, row);
  const child = column.child!;
  const base = builder.child.length;
  const end = base + values.length;
  if (end > MAX_ELEMENTS) throw tooLarge(column, end);
  for (let i = 0; i < values.length; i++) putValue(child, values[i], base + i);
  builder.child.length = end;
  builder.close();
}

function putStruct(column: Column, value: object, row: number): void {
  const builder = column.builder as StructBuilder;
  if (builder.length !== row) padBuilder(builder, row);
  const group = column.group!;
  // What has the members of those before it is a struct; what has none may be anything.
  if (!putObject(group, value, row) && !isStruct(value)) throw mixed(column, value);
  builder.close();
}

function putEntries(column: Column, entries: Iterable<readonly [unknown, unknown]>, row: number): void {
  const builder = column.builder as MapBuilder;
  if (builder.length !== row) padBuilder(builder, row);
  let at = builder.keys.length;
  for (const [key, value] of entries) {
    if (at === MAX_ELEMENTS) throw tooLarge(column, at);
    putValue(column.keys!, key, at);
    putValue(column.child!, value, at);
    at += 1;
  }
  builder.keys.length = at;
  builder.values.length = at;
  builder.close();
}

/** Values that are not what the column mostly holds: of another kind, or the first one. */
function putOther(column: Column, value: unknown, row: number): void {
  if (column.mode === Mode.unknown) {
    bindTo(column, value);
    putValue(column, value, row);
    return;
  }
  if (column.mode === Mode.list && isListLike(value)) {
    putList(column, Array.from<unknown>(value), row);
    return;
  }
  if (column.mode === Mode.map && column.typed && isStruct(value)) {
    putEntries(column, Object.entries(value), row);
    return;
  }
  if (!column.typed && convert(column, value)) {
    putValue(column, value, row);
    return;
  }
  const stored = isCoercible(column, value) ? coerceScalar(column.builder.type, value) : undefined;
  if (stored === undefined) throw mixed(column, value);
  padBuilder(column.builder, row);
  if (typeof stored === "string") writeText(column.text!, stored);
  else putScalar(column.builder, stored);
}

/** Inferred columns take only values of their own kind; those whose type was given take every exact form of it. */
function isCoercible(column: Column, value: unknown): boolean {
  if (column.typed) return column.mode < Mode.list || column.mode > Mode.map;
  switch (column.mode) {
    case Mode.number:
      return typeof value === "bigint";
    case Mode.int64:
      return typeof value === "bigint";
    case Mode.instant:
      return value instanceof Date;
    case Mode.scalar:
      return column.builder.type.kind === "binary"
        ? value instanceof Uint8Array || value instanceof ArrayBuffer
        : typeof value === "bigint" || typeof value === "number";
    default:
      return false;
  }
}

/** Gives a column the type of its first value. */
function bindTo(column: Column, value: unknown): void {
  const { mode, builder, context } = column;
  context.undo.push(() => {
    column.mode = mode;
    column.builder = builder;
    column.text = column.child = column.keys = column.group = undefined;
  });
  if (typeof value === "number") bindNumbers(column);
  else bindColumn(column, typeOfValue(column, value));
}

function typeOfValue(column: Column, value: unknown): ColumnType {
  const unknown = { type: { kind: "null" }, nullable: true } as const;
  switch (typeof value) {
    case "string":
      return { kind: "string" };
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

/** Changes an inferred column so that it takes `value` as well; false where no type holds both. */
function convert(column: Column, value: unknown): boolean {
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

function seeFraction(column: Column): void {
  column.integral = false;
  column.context.undo.push(() => {
    column.integral = true;
  });
}

/** The column of a property that is not where the plan expected it; `undefined` for an inherited property. */
function findColumn(
  group: Group,
  previous: Column | undefined,
  object: object,
  key: string,
): Column | undefined {
  if (!Object.hasOwn(object, key)) return undefined;
  let column = group.columns.get(key);
  if (column === undefined) {
    if (group.depth > 0 && !isStruct(object))
      throw refused(group, object, "is not a plain object, as the values before it were");
    const { context } = group;
    column = createColumn(key, memberPath(group, key), group.depth, context);
    group.columns.set(key, column);
    const { first } = group;
    const next = previous?.next;
    context.undo.push(() => {
      group.columns.delete(key);
      if (previous === undefined) group.first = first;
      else previous.next = next;
    });
  }
  if (previous === undefined) group.first = column;
  else previous.next = column;
  return column;
}

function refuseMissing(group: Group, object: object): never {
  for (const column of group.columns.values())
    if (column.required && !Object.hasOwn(object, column.name))
      throw refused(column, undefined, "where null is not allowed");
  throw new AlluviumError("ALV_INTERNAL", `required columns of ${group.path} were miscounted`);
}

function isExactInteger(value: number): boolean {
  return (value | 0) === value || (Number.isInteger(value) && Math.abs(value) <= 9007199254740992);
}

/** Plain objects, and instances of classes with data of their own that do not say how else they are written (`toJSON`). */
function isStruct(value: unknown): value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  if (ArrayBuffer.isView(value) || value instanceof Map || value instanceof Set || value instanceof Date)
    return false;
  return typeof (value as { toJSON?: unknown }).toJSON !== "function" && Object.keys(value).length > 0;
}

/** What stands for a list beside arrays: sets, and typed arrays of numbers other than bytes. */
function isListLike(value: unknown): value is Float64Array | ReadonlySet<unknown> {
  if (value instanceof Set) return true;
  return ArrayBuffer.isView(value) && !(value instanceof Uint8Array) && !(value instanceof DataView);
}

function refused(at: Column | Group, value: unknown, why: string): AlluviumError {
  return rowRefused(at.context.row, at.path, value, why);
}

function mixed(column: Column, value: unknown): AlluviumError {
  const kind = columnKind(column);
  if (column.typed) return refused(column, value, `is not exactly a ${kind}`);
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

function tooLarge(column: Column, elements: number): AlluviumError {
  return new AlluviumError(
    "ALV_VALUE_TOO_LARGE",
    `row ${column.context.row}, column "${column.path}": a batch holds at most ${MAX_ELEMENTS} elements of a column, ${elements} were asked for`,
  );
}
