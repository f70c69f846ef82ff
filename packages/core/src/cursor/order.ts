import { columnOf, type Batch } from "../columns/batch.ts";
import { materialize } from "../columns/dictionary.ts";
import { scalarAt, type Scalar } from "../columns/scalar.ts";
import { formatScalar, parseScalar } from "../columns/text.ts";
import { isValid, type Vector } from "../columns/vector.ts";
import { AlluviumError } from "../errors.ts";
import type { ColumnKind, ColumnType } from "../schema/types.ts";

/**
 * A value of a cursor column, made to be compared with rows of any type of its family: an integer column that turned into a
 * floating one keeps its place.
 */
export interface Point {
  readonly kind: ColumnKind;
  /** Canonical text, in full precision. */
  readonly text: string;
  readonly family: Family;
  /** Number, or unscaled number of a decimal; bytes of text and uuids. */
  readonly value: number | bigint | Uint8Array;
  /** Digits of `value` after the point; 0 for all but decimals. */
  readonly scale: number;
}

/** Kinds that can be compared with one another. */
type Family = "number" | "timestamp" | "date" | "time" | "text" | "uuid";

const families: { readonly [kind in ColumnKind]?: Family } = {
  int8: "number",
  int16: "number",
  int32: "number",
  int64: "number",
  float32: "number",
  float64: "number",
  decimal: "number",
  timestamp: "timestamp",
  date: "date",
  time: "time",
  string: "text",
  uuid: "uuid",
};

/** The point that a canonical text stands for. `undefined`: the kind has no order, or the text is none of its values. */
export function pointOfText(kind: ColumnKind, text: string): Point | undefined {
  const type = typeOfText(kind, text);
  const scalar = parseScalar(type, text);
  return scalar === undefined ? undefined : pointOfScalar(type, scalar, text);
}

/** The type of a canonical text. */
export function typeOfText(kind: ColumnKind, text: string): ColumnType {
  if (kind === "timestamp") return { kind, zone: text.endsWith("Z") ? "utc" : "local" };
  if (kind !== "decimal") return { kind } as ColumnType;
  const point = text.indexOf(".");
  return { kind, precision: 38, scale: point < 0 ? 0 : text.length - point - 1 };
}

/** The point of a value of `type`. `undefined` where it has no place in an order: a type without one, or NaN. */
export function pointOfScalar(
  type: ColumnType,
  scalar: Scalar,
  text: string = formatScalar(type, scalar),
): Point | undefined {
  const family = families[type.kind];
  if (family === undefined || typeof scalar === "boolean" || Number.isNaN(scalar)) return undefined;
  // A point outlives its batch, whose memory may be used again.
  const value =
    typeof scalar === "string"
      ? new TextEncoder().encode(scalar)
      : typeof scalar === "object"
        ? scalar.slice()
        : scalar;
  return { kind: type.kind, text, family, value, scale: type.kind === "decimal" ? type.scale : 0 };
}

/** Orders two points, negative when `a` comes first; text by its UTF-8 bytes. Throws `ALV_SCHEMA_CONFLICT` across families. */
export function comparePoints(a: Point, b: Point): number {
  if (a.family !== b.family) throw mixed(a.kind, b.kind);
  let [x, y] = [a.value, b.value];
  if (typeof x === "object" || typeof y === "object")
    return compareBytes(x as Uint8Array, 0, (x as Uint8Array).length, y as Uint8Array);
  x = scaled(x, b.scale - a.scale);
  y = scaled(y, a.scale - b.scale);
  return x < y ? -1 : x > y ? 1 : 0;
}

function scaled(value: number | bigint, digits: number): number | bigint {
  if (digits <= 0) return value;
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return BigInt(value) * 10n ** BigInt(digits);
  return value * 10 ** digits;
}

function compareBytes(data: Uint8Array, start: number, end: number, other: Uint8Array): number {
  const length = Math.min(end - start, other.length);
  for (let i = 0; i < length; i++) {
    const difference = data[start + i]! - other[i]!;
    if (difference !== 0) return difference;
  }
  return end - start - other.length;
}

function mixed(kind: ColumnKind, other: ColumnKind): AlluviumError {
  return new AlluviumError(
    "ALV_SCHEMA_CONFLICT",
    `the cursor column holds ${kind} values now and ${other} values before, which have no common order: give the column one type`,
  );
}

/** Compares the rows of a column without making values of them. */
export interface ColumnOrder extends Comparers {
  /** The value of a row that is not null; throws `ALV_VALUE_UNREPRESENTABLE` for NaN. */
  readonly pointAt: (row: number) => Point;
  readonly isNull: (row: number) => boolean;
  readonly hasNulls: boolean;
}

interface Comparers {
  /** Orders two rows that are not null. */
  readonly compareRows: (a: number, b: number) => number;
  /** Orders rows that are not null against a point. */
  readonly comparerTo: (point: Point) => (row: number) => number;
}

/** The order of a batch's column; see {@link orderOf}. */
export function orderIn(batch: Batch, column: string): ColumnOrder {
  const found = columnOf(batch, column);
  return orderOf(found && materialize(found), column);
}

/** The order of a plain vector (no dictionary); of a column that is not there: only nulls. Throws `ALV_CONFIG` where the type has none. */
export function orderOf(vector: Vector | undefined, column: string): ColumnOrder {
  if (vector === undefined || vector.layout === "null") return nullOrder;
  const { type } = vector;
  const { kind } = type;
  const family = families[kind];
  if (family === undefined)
    throw new AlluviumError(
      "ALV_CONFIG",
      `column ${JSON.stringify(column)} is of type ${kind}, which has no order: a cursor needs a number, a date, a time, a timestamp, a uuid or text`,
    );
  const pointAt = (row: number): Point => {
    const point = pointOfScalar(type, scalarAt(vector, row)!);
    if (point !== undefined) return point;
    throw new AlluviumError(
      "ALV_VALUE_UNREPRESENTABLE",
      `column ${JSON.stringify(column)} is the cursor and holds NaN, which has no place in its order: replace it at the source, or choose another column`,
    );
  };
  const scale = kind === "decimal" ? type.scale : 0;
  const fast = fastOrder(vector, pointAt);
  return {
    compareRows: fast?.compareRows ?? ((a, b) => comparePoints(pointAt(a), pointAt(b))),
    comparerTo: (point) => {
      if (point.family !== family) throw mixed(kind, point.kind);
      const compare = point.scale === scale ? fast?.comparerTo(point.value) : undefined;
      return compare ?? ((row) => comparePoints(pointAt(row), point));
    },
    pointAt,
    isNull: (row) => !isValid(vector, row),
    hasNulls: vector.nullCount > 0,
  };
}

/** Comparisons that make no value per row, where the layout allows it, with points of the same kind of value. */
interface FastOrder {
  readonly compareRows: (a: number, b: number) => number;
  readonly comparerTo: (value: Point["value"]) => ((row: number) => number) | undefined;
}

function fastOrder(vector: Vector, pointAt: (row: number) => Point): FastOrder | undefined {
  const { type } = vector;
  if (vector.layout === "bytes") {
    const { data, offsets } = vector;
    const compare = (row: number, other: Uint8Array): number =>
      compareBytes(data, offsets[row]!, offsets[row + 1]!, other);
    return {
      compareRows: (a, b) => compare(a, data.subarray(offsets[b]!, offsets[b + 1]!)),
      comparerTo: (value) => (row) => compare(row, value as Uint8Array),
    };
  }
  if (vector.layout !== "fixed" || type.kind === "uuid") return undefined;
  const { values } = vector;
  if (!(values instanceof BigInt64Array)) {
    // pointAt is the one that refuses NaN.
    const at = (row: number): number =>
      Number.isNaN(values[row]!) ? Number(pointAt(row).value) : values[row]!;
    return {
      compareRows: (a, b) => at(a) - at(b) || 0,
      comparerTo: (value) => (typeof value === "number" ? (row) => at(row) - value || 0 : undefined),
    };
  }
  if (type.kind === "decimal" && type.precision > 18) return undefined;
  // As two 32-bit words, so that no bigint is made per row.
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  const compare = (row: number, high: number, low: number): number =>
    words[2 * row + 1]! - high || (words[2 * row]! >>> 0) - low;
  return {
    compareRows: (a, b) => compare(a, words[2 * b + 1]!, words[2 * b]! >>> 0),
    comparerTo: (value) => {
      if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value) return undefined;
      const [high, low] = [Number(value >> 32n), Number(BigInt.asUintN(32, value))];
      return (row) => compare(row, high, low);
    },
  };
}

const nullOrder: ColumnOrder = {
  compareRows: () => 0,
  comparerTo: () => () => 0,
  pointAt: () => {
    throw new AlluviumError("ALV_INTERNAL", "a null has no place in an order");
  },
  isNull: () => true,
  hasNulls: true,
};
