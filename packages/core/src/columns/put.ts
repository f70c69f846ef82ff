import { AlluviumError } from "../errors.ts";
import type { BooleanBuilder, FixedBuilder, ListBuilder, MapBuilder, StructBuilder } from "./builder.ts";
import { coerceScalar, putScalar } from "./coerce.ts";
import { createColumn, memberPath, Mode, padBuilder, type Column, type Group } from "./column.ts";
import { isListLike, isStruct } from "./data-shape.ts";
import { isRawJson } from "./raw-json.ts";
import { isSaid } from "./said-type.ts";
import { bindTo, convert, mixed, refused } from "./infer.ts";
import { putMixed } from "./mixed.ts";
import { writeText } from "./text-writer.ts";

const MAX_ELEMENTS = 0x7fff_ffff;
const NO_NULL =
  "where null is not allowed: fill it in, or let the schema or the hint (nullable: true) allow it";

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
    if (column.required) throw refused(column, value, NO_NULL);
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
  // Typed arrays have indexes for properties. What has the members of those before it is a struct; what has none may be anything.
  if (ArrayBuffer.isView(value) || (!putObject(group, value, row) && !isStruct(value))) {
    if (putMixed(column, value, row)) return;
    throw mixed(column, value);
  }
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
  if (stored === undefined) {
    if (putMixed(column, value, row)) return;
    throw mixed(column, value);
  }
  padBuilder(column.builder, row);
  if (typeof stored === "string") writeText(column.text!, stored);
  else putScalar(column.builder, stored);
}

/** Inferred columns take only values of their own kind; those whose type was given take every exact form of it. */
function isCoercible(column: Column, value: unknown): boolean {
  const { mode, builder, context } = column;
  if (column.typed) return mode < Mode.list || mode > Mode.map;
  const { type } = builder;
  switch (type.kind) {
    case "float64":
    case "int64":
      return typeof value === "bigint";
    case "decimal":
      return typeof value === "bigint" || typeof value === "number" || isRawJson(value);
    case "binary":
      return value instanceof Uint8Array || value instanceof ArrayBuffer;
    case "timestamp":
      if (value instanceof Date) return type.zone === "utc";
      return typeof value === "string" && isSaid(value, type, context.infer);
    case "date":
    case "uuid":
      return typeof value === "string" && isSaid(value, type, context.infer);
    default:
      return false;
  }
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
    if (group.depth > 0 && !isStruct(object)) {
      if (isRawJson(object)) return undefined;
      throw refused(group, object, "is not a plain object, as the values before it were");
    }
    const { context } = group;
    const type = group.depth === 0 ? context.typeOf(key) : undefined;
    column = createColumn(key, memberPath(group, key), group.depth, context, type);
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
    if (column.required && !Object.hasOwn(object, column.name)) throw refused(column, undefined, NO_NULL);
  throw new AlluviumError("ALV_INTERNAL", `required columns of ${group.path} were miscounted`);
}

function isExactInteger(value: number): boolean {
  return (value | 0) === value || (Number.isInteger(value) && Math.abs(value) <= 9007199254740992);
}

function tooLarge(column: Column, elements: number): AlluviumError {
  return new AlluviumError(
    "ALV_VALUE_TOO_LARGE",
    `row ${column.context.row}, column "${column.path}": a batch holds at most ${MAX_ELEMENTS} elements of a column, ${elements} were asked for`,
  );
}
