import type { ColumnType } from "@alluvium/core";
import { isValid, type Vector } from "@alluvium/core/columns";

/** Where cells are written: one piece of memory, as bytes and as numbers in network order. */
export interface Target {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Writes the values of one column in the binary format of its type. What is null never gets here. */
export interface CellWriter {
  /** Bytes that a value takes at most; a function where it depends on the value. */
  readonly size: number | ((row: number) => number);
  /** Writes the value of a row at an offset; returns the offset after it. */
  readonly write: (target: Target, row: number, at: number) => number;
}

/** What cells are written for. */
export interface CellContext {
  /** Name of the table, for messages. */
  readonly table: string;
  /** Name of the column, for messages. */
  readonly column: string;
  /** How JSON is kept. */
  readonly json: "jsonb" | "json";
}

/** Object ids of the element types of arrays (src/include/catalog/pg_type.dat); they never change. */
export function elementOid(type: ColumnType, json: "jsonb" | "json"): number {
  switch (type.kind) {
    case "boolean":
      return 16;
    case "binary":
      return 17;
    case "int64":
      return 20;
    case "int8":
    case "int16":
      return 21;
    case "int32":
      return 23;
    case "float32":
      return 700;
    case "float64":
      return 701;
    case "decimal":
      return 1700;
    case "date":
      return 1082;
    case "time":
      return 1083;
    case "timestamp":
      return type.zone === "utc" ? 1184 : 1114;
    case "uuid":
      return 2950;
    case "json":
      return json === "jsonb" ? 3802 : 114;
    default:
      return 25;
  }
}

/** Bytes that the value of a row takes at most; none where it is null. */
export function cellSize({ size }: CellWriter, vector: Vector, row: number): number {
  if (!isValid(vector, row)) return 0;
  return typeof size === "number" ? size : size(row);
}

/** Writes a length and a value, or that there is none (-1). */
export function writeCell(
  { write }: CellWriter,
  vector: Vector,
  target: Target,
  row: number,
  at: number,
): number {
  if (!isValid(vector, row)) {
    target.view.setInt32(at, -1);
    return at + 4;
  }
  const end = write(target, row, at + 4);
  target.view.setInt32(at, end - at - 4);
  return end;
}
