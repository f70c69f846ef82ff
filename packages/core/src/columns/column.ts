import { AlluviumError } from "../errors.ts";
import { describeType } from "../schema/describe.ts";
import type { ColumnType, Field } from "../schema/types.ts";
import {
  BytesBuilder,
  FixedBuilder,
  ListBuilder,
  MapBuilder,
  NullBuilder,
  StructBuilder,
  createBuilder,
  type Builder,
} from "./builder.ts";
import type { InferOptions } from "./said-type.ts";
import { textWriter, type TextWriter } from "./text-writer.ts";

/**
 * How the values of a column are put. `number` holds inferred numbers as doubles and becomes `int64` when it is finished unless a
 * fraction was seen; `int64` and `float64` are those types; `scalar` goes through `coerceScalar`.
 */
export const Mode = {
  unknown: 0,
  boolean: 1,
  number: 2,
  float64: 3,
  int64: 4,
  string: 5,
  instant: 6,
  list: 7,
  struct: 8,
  map: 9,
  int32: 10,
  decimal64: 11,
  scalar: 12,
} as const;
/** One of {@link Mode}. */
export type Mode = (typeof Mode)[keyof typeof Mode];

/** What the columns of one appender share. */
export interface AppendContext {
  /** Number of the row being appended, from 1. */
  row: number;
  /** Which texts are more than text. */
  readonly infer: InferOptions;
  /** The type that a column is to have by its name alone. */
  readonly typeOf: (column: string) => ColumnType | undefined;
  /** Rows that a fresh builder has room for. */
  readonly rows: number;
  /** What takes back the changes of plan that the row being appended made, should it be refused. */
  readonly undo: (() => void)[];
}

/** A column that rows are put into. All have the same properties, so that the code that puts values sees one shape. */
export interface Column {
  readonly name: string;
  /** The name with those of its parents: `items[].price`. */
  readonly path: string;
  readonly depth: number;
  readonly context: AppendContext;
  /** Whether the type was given; otherwise it follows the values. */
  readonly typed: boolean;
  /** Whether null is refused. */
  readonly required: boolean;
  mode: Mode;
  /** `NullBuilder`s count the rows of children: the columns below hold the values. */
  builder: Builder;
  text: TextWriter | undefined;
  /** Of mode `number`: no fraction was seen yet. */
  integral: boolean;
  /** Of mode `decimal64`: 10 to the power of the scale, and the bound of the unscaled value. */
  factor: number;
  bound: number;
  /** Elements of a list, values of a map. */
  child: Column | undefined;
  /** Keys of a map. */
  keys: Column | undefined;
  /** Members of a struct. */
  group: Group | undefined;
  /** The column that came after this one in the last row: the plan by which rows of one shape are put without a look-up. */
  next: Column | undefined;
  /** The type as last finished, kept so that it stays the same object while it does not change. */
  lastType: ColumnType;
}

/** The columns of a table, or the members of a struct. */
export interface Group {
  readonly path: string;
  readonly depth: number;
  readonly context: AppendContext;
  readonly columns: Map<string, Column>;
  /** The column that came first in the last row. */
  first: Column | undefined;
  /** How many columns refuse null. */
  required: number;
}

/** Deeper values are taken for a cycle. */
const MAX_DEPTH = 100;

const NULL: ColumnType = { kind: "null" };

/** A group with a typed column for each field. */
export function typedGroup(
  fields: readonly Field[],
  path: string,
  depth: number,
  context: AppendContext,
): Group {
  const group: Group = { path, depth, context, columns: new Map(), first: undefined, required: 0 };
  let previous: Column | undefined;
  for (const { name, type, nullable } of fields) {
    const column = createColumn(name, memberPath(group, name), depth, context, type, !nullable);
    group.columns.set(name, column);
    if (!nullable) group.required += 1;
    if (previous === undefined) group.first = column;
    else previous.next = column;
    previous = column;
  }
  return group;
}

/** The path of a member of a group. */
export function memberPath(group: Group, name: string): string {
  return group.path === "" ? name : `${group.path}.${name}`;
}

/** A column; without a type, or of type `null`, one whose type follows its values. */
export function createColumn(
  name: string,
  path: string,
  depth: number,
  context: AppendContext,
  type: ColumnType = NULL,
  required: boolean = false,
): Column {
  const column: Column = {
    name,
    path,
    depth,
    context,
    typed: type.kind !== "null",
    required,
    mode: Mode.unknown,
    builder: new NullBuilder(NULL, 0),
    text: undefined,
    integral: false,
    factor: 0,
    bound: 0,
    child: undefined,
    keys: undefined,
    group: undefined,
    next: undefined,
    lastType: type,
  };
  if (depth > MAX_DEPTH)
    throw new AlluviumError(
      "ALV_ROW_INVALID",
      `row ${context.row}, column "${path.split(/[.[{]/, 1)[0]}" is nested more than ${MAX_DEPTH} levels deep. If it holds itself, leave that out in map(); else store it as text`,
    );
  if (type.kind !== "null") bindColumn(column, type);
  return column;
}

/** Gives a column of mode `unknown` its type; what it has so far are nulls, which it takes over lazily. */
export function bindColumn(column: Column, type: ColumnType): void {
  const { path, depth, context } = column;
  const { rows } = context;
  switch (type.kind) {
    case "list": {
      const { element } = type;
      column.mode = Mode.list;
      column.builder = new ListBuilder(type, rows, new NullBuilder(NULL, 0));
      column.child = createColumn(
        "element",
        `${path}[]`,
        depth + 1,
        context,
        element.type,
        !element.nullable,
      );
      break;
    }
    case "map": {
      const { key, value } = type;
      column.mode = Mode.map;
      column.builder = new MapBuilder(type, rows, new NullBuilder(NULL, 0), new NullBuilder(NULL, 0));
      column.keys = createColumn("key", `${path}{key}`, depth + 1, context, key.type, true);
      column.child = createColumn("value", `${path}{}`, depth + 1, context, value.type, !value.nullable);
      break;
    }
    case "struct":
      column.mode = Mode.struct;
      column.builder = new StructBuilder(type, rows, []);
      column.group = typedGroup(type.fields, path, depth + 1, context);
      break;
    default:
      column.builder = createBuilder(type, rows);
      column.mode = scalarMode(type);
      if (column.builder instanceof BytesBuilder) column.text = textWriter(column.builder);
      if (type.kind === "decimal" && column.mode === Mode.decimal64) {
        column.factor = 10 ** type.scale;
        column.bound = Math.min(10 ** type.precision, 1e15);
      }
  }
}

/** Gives a column of mode `unknown` inferred numbers. */
export function bindNumbers(column: Column): void {
  column.builder = new FixedBuilder({ kind: "float64" }, column.context.rows);
  column.mode = Mode.number;
  column.integral = true;
}

function scalarMode(type: ColumnType): Mode {
  switch (type.kind) {
    case "boolean":
      return Mode.boolean;
    case "float64":
      return Mode.float64;
    case "int64":
      return Mode.int64;
    case "int32":
      return Mode.int32;
    case "string":
      return Mode.string;
    case "timestamp":
      return Mode.instant;
    case "decimal":
      return type.precision <= 18 ? Mode.decimal64 : Mode.scalar;
    default:
      return Mode.scalar;
  }
}

/** Brings a builder to `row` rows: rows that lacked the column are null. */
export function padBuilder(builder: Builder, row: number): void {
  const missing = row - builder.length;
  if (missing <= 0) return;
  builder.reserve(missing);
  for (let i = 0; i < missing; i++) builder.setNull();
}

/** Takes back the rows from `row` on, at any depth. */
export function truncateColumn(column: Column, row: number): void {
  const { builder } = column;
  if (builder.length > row) builder.truncate(row);
  switch (column.mode) {
    case Mode.list:
      truncateColumn(column.child!, (builder as ListBuilder).child.length);
      break;
    case Mode.map:
      truncateColumn(column.keys!, (builder as MapBuilder).keys.length);
      truncateColumn(column.child!, (builder as MapBuilder).keys.length);
      break;
    case Mode.struct:
      for (const member of column.group!.columns.values()) truncateColumn(member, row);
      break;
    default:
  }
}

/** Bytes that the rows so far take. */
export function columnBytes(column: Column): number {
  let bytes = column.builder.byteLength;
  if (column.child !== undefined) bytes += columnBytes(column.child);
  if (column.keys !== undefined) bytes += columnBytes(column.keys);
  if (column.group !== undefined)
    for (const member of column.group.columns.values()) bytes += columnBytes(member);
  return bytes;
}

/** What a column holds, for messages. */
export function columnKind(column: Column): string {
  if (column.mode === Mode.number) return column.integral ? "int64" : "float64";
  return describeType(column.builder.type);
}
