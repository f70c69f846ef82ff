import type { ColumnType, Schema } from "@alluvium/core";
import { nullVector, parseJson, type Batch, type Vector } from "@alluvium/core/columns";
import { Form, type Cells } from "../text/cells.ts";
import { booleanReader } from "../text/read/booleans.ts";
import type { CellReader, OnMisfit } from "../text/read/cell-reader.ts";
import { decimalReader, floatReader, integerReader } from "../text/read/numbers.ts";
import { dateReader, timestampReader } from "../text/read/temporal.ts";
import { textReader } from "../text/read/texts.ts";

import type { Shape } from "./shape.ts";

/** Columns of lines of one shape, for what they are known to hold. */
export interface ShapeColumns {
  /** Rows since the last `finish`. */
  readonly length: number;
  readonly byteLength: number;
  /** Appends rows up to the first with a value that its column is not known to hold; gives how many those are. */
  read(cells: Cells): number;
  /** Hands over the rows, and what gives their arrays back. */
  finish(): { readonly batch: Batch; readonly release: () => void };
}

const POINT = 46;

/**
 * Columns that read the values of a shape as the appender would: texts only from quotes, numbers only from digits. `undefined` where a column has a type
 * that is not read from bytes, or none yet, or one that may not be null is missing.
 */
export function createShapeColumns(
  shape: Shape,
  schema: Schema,
  isDeclared: (column: string) => boolean,
): ShapeColumns | undefined {
  const places = new Map(shape.names.map((name, i) => [name, i]));
  if (shape.names.some((name) => !schema.fields.some((field) => field.name === name))) return undefined;
  /** The first row of the cells being read with a value that its column is not known to hold. */
  let stop = 0;
  const readers: {
    readonly reader: CellReader;
    readonly index: number;
    readonly isText: boolean;
    readonly isRequired: boolean;
  }[] = [];
  const order: (CellReader | ColumnType)[] = [];
  for (const { name, type, nullable } of schema.fields) {
    const index = places.get(name);
    if (index === undefined) {
      if (!nullable) return undefined;
      order.push(type);
      continue;
    }
    const reader = readerOf(type, isDeclared(name), (text, row, cell) => {
      if (type.kind === "int64" && /^-?\d{16,19}$/.test(text)) {
        const value = parseJson(text) as number | bigint;
        if (BigInt.asIntN(64, BigInt(value)) === BigInt(value)) return BigInt(value);
      }
      if (type.kind === "float64") {
        const value = parsed(text);
        if (typeof value === "number") return value;
      }
      void row;
      stop = Math.min(stop, cell);
      return undefined;
    });
    if (reader === undefined) return undefined;
    const isText = type.kind === "string" || type.kind === "date" || type.kind === "timestamp";
    readers.push({ reader, index, isText, isRequired: !nullable });
    order.push(reader);
  }
  let length = 0;
  return {
    get length() {
      return length;
    },
    get byteLength() {
      let sum = 0;
      for (const { reader } of readers) sum += reader.builder.byteLength;
      return sum;
    },
    read(cells) {
      stop = cells.rows;
      for (const { reader, index, isText, isRequired } of readers) {
        stop = Math.min(stop, firstOther(cells, index, isText, isRequired));
        reader.read(cells, index);
      }
      length += stop;
      if (stop < cells.rows) for (const { reader } of readers) reader.builder.truncate(length);
      return stop;
    },
    finish() {
      const vectors = order.map((part): Vector =>
        "builder" in part ? part.builder.finish() : nullVector(part, length),
      );
      const batch: Batch = { schema, length, columns: vectors };
      length = 0;
      let isOut = true;
      return {
        batch,
        release() {
          if (!isOut) return;
          isOut = false;
          order.forEach((part, i) => {
            if ("builder" in part) part.builder.recycle(vectors[i]!);
          });
        },
      };
    },
  };
}

/** The first row whose value is a text where none belongs, or none where one does. */
function firstOther(
  { starts, rows, stride }: Cells,
  index: number,
  isText: boolean,
  isRequired: boolean,
): number {
  let row = 0;
  for (let at = index * stride; row < rows; row++, at++) {
    const form = starts[at]! & 3;
    if (form === Form.null ? isRequired : (form !== Form.plain) !== isText) break;
  }
  return row;
}

function readerOf(type: ColumnType, isDeclared: boolean, onMisfit: OnMisfit): CellReader | undefined {
  switch (type.kind) {
    case "string":
      return textReader();
    case "int64":
      return integerReader(onMisfit, true);
    case "float64":
      return floatReader(type, POINT, onMisfit);
    case "boolean":
      return booleanReader(onMisfit);
    case "decimal":
      return type.precision <= 18 && isDeclared ? decimalReader(type, POINT, onMisfit) : undefined;
    case "date":
      return dateReader(onMisfit);
    case "timestamp":
      return timestampReader(type, onMisfit);
    default:
      return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
