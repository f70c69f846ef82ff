import type { ColumnType } from "../schema/types.ts";
import {
  createBuilder,
  type Builder,
  type BytesBuilder,
  type FixedBuilder,
  type ListBuilder,
  type MapBuilder,
} from "./builder.ts";
import { finishColumn } from "./column-finish.ts";
import { Mode, padBuilder, type Column, type Group } from "./column.ts";
import { jsonReader } from "./json.ts";
import { jsonTextOf } from "./json-text.ts";
import { isSaid } from "./said-type.ts";
import { formatScalar, parseScalar } from "./text.ts";
import { textWriter, writeText } from "./text-writer.ts";
import { isValid } from "./vector.ts";

/**
 * Puts a value of another kind than an inferred column's into it as row `row`: from now on the column holds JSON text, and so do its rows so far.
 * False for what is no data: functions, dates that are no point in time, objects that hold themselves. Keys of maps stay of one kind.
 */
export function putMixed(column: Column, value: unknown, row: number): boolean {
  if (column.typed || column.required) return false;
  const { type } = column.builder;
  const before = type.kind === "json" ? type.mixed : type;
  const text = typeof value === "string" ? textIn(column, value, before) : jsonTextOf(value);
  if (text === undefined) return false;
  if (type.kind !== "json") becomeMixed(column, row);
  padBuilder(column.builder, row);
  writeText(column.text!, text);
  return true;
}

/** A text as JSON; one that says what the column was has the form by which that is known again. */
function textIn({ context }: Column, value: string, before: ColumnType | undefined): string {
  const scalar = before && isSaid(value, before, context.infer) ? parseScalar(before, value) : undefined;
  return JSON.stringify(scalar === undefined ? value : formatScalar(before!, scalar));
}

function becomeMixed(column: Column, rows: number): void {
  const { mode, builder, text, integral, child, keys, group, context } = column;
  const vector = finishColumn(snapshot(column, rows), rows);
  const type: ColumnType = { kind: "json", mixed: vector.type };
  const texts = createBuilder(type) as BytesBuilder;
  context.undo.push(() => {
    Object.assign(column, { mode, builder, text, integral, child, keys, group });
  });
  column.mode = Mode.scalar;
  column.builder = texts;
  column.text = textWriter(texts);
  column.child = column.keys = column.group = undefined;
  const read = jsonReader(vector);
  for (let row = 0; row < rows; row++)
    if (isValid(vector, row)) writeText(column.text, read(row));
    else texts.appendNull();
}

/** The first `rows` rows of a column, to be finished without any change to the column itself: it is needed again if the row is refused. */
function snapshot(column: Column, rows: number): Column {
  const { builder, mode } = column;
  if (mode !== Mode.unknown) padBuilder(builder, rows);
  const copy: Column = { ...column, builder: copyOf(builder) };
  if (copy.builder.length > rows) copy.builder.truncate(rows);
  switch (mode) {
    case Mode.number:
      // They become integers in place.
      (copy.builder as FixedBuilder).values = (builder as FixedBuilder).values.slice();
      break;
    case Mode.list: {
      const own = copy.builder as ListBuilder;
      (own as { child: Builder }).child = copyOf(own.child);
      copy.child = snapshot(column.child!, own.child.length);
      break;
    }
    case Mode.map: {
      const own = copy.builder as { -readonly [Key in keyof MapBuilder]: MapBuilder[Key] };
      own.keys = copyOf(own.keys);
      own.values = copyOf(own.values);
      copy.keys = snapshot(column.keys!, own.keys.length);
      copy.child = snapshot(column.child!, own.keys.length);
      break;
    }
    case Mode.struct:
      copy.group = copyOfGroup(column.group!, rows);
      break;
    default:
  }
  return copy;
}

function copyOfGroup(group: Group, rows: number): Group {
  const columns = new Map(Array.from(group.columns, ([name, column]) => [name, snapshot(column, rows)]));
  return { ...group, columns };
}

/** A builder that shares its arrays with `builder`: finishing it takes none of them away. */
function copyOf<Kind extends Builder>(builder: Kind): Kind {
  return Object.assign(Object.create(Object.getPrototypeOf(builder) as object) as Kind, builder);
}
