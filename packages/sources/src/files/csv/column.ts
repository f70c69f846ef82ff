import type { ColumnType, Field } from "@alluvium/core";
import {
  coerceScalar,
  describeValue,
  isScalar,
  NullBuilder,
  parseScalar,
  type Scalar,
  type Vector,
} from "@alluvium/core/columns";
import { exactFloat } from "../text/exact-float.ts";
import { cellText, Form, type Cells } from "../text/cells.ts";
import { mixedVector } from "./mixed-vector.ts";
import { nestedReader } from "../text/read/nested.ts";
import { booleanReader } from "../text/read/booleans.ts";
import type { CellReader, OnMisfit } from "../text/read/cell-reader.ts";
import { decimalReader, floatReader, integerReader } from "../text/read/numbers.ts";
import { scalarReader } from "../text/read/scalars.ts";
import { dateReader, timestampReader } from "../text/read/temporal.ts";
import { textReader } from "../text/read/texts.ts";
import { createTally, isDouble, isInstant, isNumber, isReading } from "../text/said.ts";

/** A column of CSV files, over the batches and files of a table. */
export interface CsvColumn {
  readonly name: string;
  /** Its type by now; of kind `null` while no cell had a value. */
  readonly type: ColumnType;
  /** Bytes of the rows so far. */
  readonly byteLength: number;
  /** Appends the cells of a column. */
  read(cells: Cells, index: number): void;
  /** Hands over the rows so far. */
  finish(): Vector;
  /** Takes back the arrays of a vector that it handed over, which nobody reads any more. */
  recycle(vector: Vector): void;
}

/** What columns go by. */
export interface ColumnOptions {
  /** What stands between whole and fraction of a number. */
  readonly point: "." | ",";
  /** Told of a cell that a column of declared type does not hold: its row is null in the column. */
  readonly refuse: (cell: number, column: string, why: string) => void;
}

const NULL: ColumnType = { kind: "null" };
const NULL_REMEDY = "fill it in, or let the column be null (nullable: true)";
/** Why a row is refused for a null. */
const NULL_REFUSED = `is null where null is not allowed: ${NULL_REMEDY}`;
/** Why it is for a column that its file lacks. */
export const missingRefused: string = `is null where null is not allowed, since the file has no such column: ${NULL_REMEDY}`;

/** A column whose type was declared: a cell that it does not hold refuses its row. */
export function declaredColumn(field: Field, { point, refuse }: ColumnOptions): CsvColumn {
  const { name, type, nullable } = field;
  const onMisfit: OnMisfit = (text, _, cell) => {
    const scalar = coerced(type, type.kind === "string" ? text : plainNumber(text, point));
    if (scalar === undefined)
      refuse(
        cell,
        name,
        `${describeValue(text)} has no exact form as ${type.kind}: mend the file, or give the column a type that holds it`,
      );
    return scalar;
  };
  const reader = isScalar(type)
    ? readerOf(type, point, onMisfit)
    : nestedReader(field, (cell, why) => refuse(cell, name, why));
  return {
    name,
    type,
    get byteLength() {
      return reader.builder.byteLength;
    },
    read(cells, index) {
      if (!nullable)
        for (let cell = 0, at = index * cells.stride; cell < cells.rows; cell++, at++)
          if ((cells.starts[at]! & 3) === Form.null) refuse(cell, name, NULL_REFUSED);
      reader.read(cells, index);
    },
    finish: () => reader.builder.finish(),
    recycle: (vector) => reader.builder.recycle(vector),
  };
}

/**
 * A column whose type follows its cells: the first ones that it reads decide. A later one that is none of the type makes the rows of its batch mixed, as
 * values of several kinds are everywhere; the next batches have the type again.
 */
export function detectedColumn(
  name: string,
  known: ColumnType | undefined,
  { point }: Pick<ColumnOptions, "point">,
): CsvColumn {
  let type = known ?? NULL;
  let reader: CellReader | undefined;
  /** Rows of a column that has no type yet. */
  let nulls = 0;
  let misfits: (readonly [row: number, text: string])[] = [];
  if (known !== undefined && known.kind !== "null") bind(known);

  function bind(next: ColumnType): void {
    type = next;
    reader = readerOf(next, point, (text, row) => {
      const scalar = saidScalar(next, plainNumber(text, point));
      if (scalar === undefined) misfits.push([row, text]);
      return scalar;
    });
  }

  /** The type of the cells that a column without one reads; `undefined` where all are null. */
  function detect(cells: Cells, index: number): ColumnType | undefined {
    const tally = createTally();
    for (let row = 0; row < cells.rows; row++) {
      const text = cellText(cells, index, row);
      if (text !== null && !tally.add(plainNumber(text, point))) break;
    }
    return tally.type();
  }

  /** What the values of a batch tell for the next ones: fractions among integers are numbers all the same. */
  function learn(texts: readonly (readonly [number, string])[]): void {
    if (type.kind === "int64" && texts.every(([, text]) => isDouble(plainNumber(text, point))))
      bind({ kind: "float64" });
  }

  return {
    name,
    get type() {
      return type;
    },
    get byteLength() {
      return reader?.builder.byteLength ?? 0;
    },
    read(cells, index) {
      if (reader === undefined) {
        const found = detect(cells, index);
        if (found === undefined) {
          nulls += cells.rows;
          return;
        }
        bind(found);
        const { builder } = reader!;
        builder.reserve(nulls);
        for (; nulls > 0; nulls--) builder.setNull();
      }
      reader!.read(cells, index);
    },
    finish() {
      if (reader === undefined) {
        const builder = new NullBuilder(NULL, 0);
        builder.length = nulls;
        nulls = 0;
        return builder.finish();
      }
      const vector = reader.builder.finish();
      if (misfits.length === 0) return vector;
      const texts = misfits.map(([row, text]): readonly [number, string] => [row, text]);
      misfits = [];
      const mixed = mixedVector(vector, texts, (text) => plainNumber(text, point));
      reader.builder.recycle(vector);
      learn(texts);
      return mixed;
    },
    recycle: (vector) => reader?.builder.recycle(vector),
  };
}

function readerOf(type: ColumnType, point: "." | ",", onMisfit: OnMisfit): CellReader {
  const byte = point.charCodeAt(0);
  switch (type.kind) {
    case "string":
      return textReader();
    case "int64":
      return integerReader(onMisfit);
    case "float64":
      return floatReader(type, byte, onMisfit);
    case "decimal":
      return type.precision <= 18 ? decimalReader(type, byte, onMisfit) : scalarReader(type, onMisfit);
    case "boolean":
      return booleanReader(onMisfit);
    case "date":
      return dateReader(onMisfit);
    case "timestamp":
      return timestampReader(type, onMisfit);
    default:
      return scalarReader(type, onMisfit);
  }
}

/** A text with a point where it has a number's comma; a number with a point is then none. */
function plainNumber(text: string, point: "." | ","): string {
  if (point === ".") return text;
  if (/^-?\d+,\d+(?:[eE][+-]?\d+)?$/.test(text)) return text.replace(",", ".");
  return /^-?\d+\.\d+(?:[eE][+-]?\d+)?$/.test(text) ? `'${text}` : text;
}

/** What a column of declared type stores for a text, in any exact form of the type. */
function coerced(type: ColumnType, text: string): Scalar | undefined {
  if (type.kind === "json" || type.kind === "binary" || type.kind === "boolean")
    return parseScalar(type, text);
  if (type.kind === "float64" || type.kind === "float32") return exactFloat(type, text);
  return coerceScalar(type, text);
}

/** What a column of detected type stores for a text that says that it is of the type. */
function saidScalar(type: ColumnType, text: string): Scalar | undefined {
  switch (type.kind) {
    case "int64":
      return isNumber(text) && text !== "-0" && !text.includes(".") ? parseScalar(type, text) : undefined;
    case "decimal":
      return isNumber(text) ? parseScalar(type, text) : undefined;
    case "float64":
      return isDouble(text) ? Number(text) : undefined;
    case "timestamp":
      return (type.zone === "utc" ? isInstant : isReading)(text) ? parseScalar(type, text) : undefined;
    default:
      return undefined;
  }
}
