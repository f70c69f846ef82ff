import { Buffer } from "node:buffer";
import type { ColumnType } from "../schema/types.ts";
import { DAY_MICROS } from "./calendar.ts";
import {
  decimalWords,
  type BooleanBuilder,
  type Builder,
  type BytesBuilder,
  type FixedBuilder,
} from "./builder.ts";
import { fitsPrecision, parseDecimal, powerOfTen, writeDecimal } from "./decimal.ts";
import { isRawJson } from "./raw-json.ts";
import { writtenJson } from "./json-text.ts";
import type { Scalar } from "./scalar.ts";
import { formatScalar, integerBits, parseScalar } from "./text.ts";

/**
 * A value of user code as what a column of `type` stores, when that is exact; `undefined` otherwise.
 *
 * Numbers, bigints and their texts go into integers and decimals when they fit (a number counts as its shortest text: 19.99 is
 * exact at scale 2); `float32` rounds, as asked; text takes numbers, bigints, booleans and dates in canonical form; dates and times
 * take ISO text or a `Date` (a `date` only one at midnight UTC, a `timestamp` also bigint µs); `json` takes whatever
 * `JSON.stringify` does, and what that would lose: bigints, NaN and the infinities, bytes, sets and Maps.
 */
export function coerceScalar(type: ColumnType, value: unknown): Scalar | undefined {
  if (typeof value === "object" && isRawJson(value) && type.kind !== "json")
    return coerceDigits(type, value.rawJSON);
  switch (type.kind) {
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "int8":
    case "int16":
    case "int32":
    case "int64":
      return coerceInteger(type, value);
    case "float64":
    case "float32":
      return coerceFloat(type.kind, value);
    case "decimal":
      if (typeof value === "string") return parseDecimal(value, type.precision, type.scale);
      if (typeof value === "number") return parseDecimal(String(value), type.precision, type.scale);
      if (typeof value !== "bigint") return undefined;
      return inPrecision(value * powerOfTen(type.scale), type.precision);
    case "string":
      return coerceText(value);
    case "binary":
      return value instanceof Uint8Array
        ? value
        : value instanceof ArrayBuffer
          ? new Uint8Array(value)
          : undefined;
    case "date": {
      if (typeof value === "string") return parseScalar(type, value);
      const days = value instanceof Date ? value.getTime() / 86_400_000 : Number.NaN;
      return Number.isInteger(days) ? days : undefined;
    }
    case "time":
      return typeof value === "string" ? parseScalar(type, value) : undefined;
    case "timestamp":
      if (typeof value === "string") return parseScalar(type, value);
      if (typeof value === "bigint") return BigInt.asIntN(64, value) === value ? value : undefined;
      return value instanceof Date && !Number.isNaN(value.getTime())
        ? BigInt(value.getTime()) * 1000n
        : undefined;
    case "uuid":
      if (value instanceof Uint8Array) return value.length === 16 ? value : undefined;
      return typeof value === "string" ? parseScalar(type, value) : undefined;
    case "json":
      return writtenJson(value);
    default:
      return undefined;
  }
}

/** Appends a stored value to the builder of its type. */
export function putScalar(builder: Builder, value: Scalar): void {
  const { type } = builder;
  switch (type.kind) {
    case "boolean":
      (builder as BooleanBuilder).append(value as boolean);
      return;
    case "string":
    case "json": {
      const bytes = Buffer.from(value as string);
      (builder as BytesBuilder).appendBytes(bytes, 0, bytes.length);
      return;
    }
    case "binary":
      (builder as BytesBuilder).appendBytes(value as Uint8Array, 0, (value as Uint8Array).length);
      return;
    default: {
      const fixed = builder as FixedBuilder;
      fixed.reserve(1);
      const row = fixed.length;
      if (type.kind === "uuid") (fixed.values as Uint8Array).set(value as Uint8Array, 16 * row);
      else if (type.kind === "decimal")
        writeDecimal(fixed.values as BigInt64Array, row, decimalWords(type.precision), value as bigint);
      else fixed.values[row] = value as number;
      fixed.length = row + 1;
    }
  }
}

/** A number by its digits goes into numbers that say the same, and into text as it is. */
function coerceDigits(type: ColumnType, text: string): Scalar | undefined {
  if (type.kind === "string") return text;
  if (type.kind !== "decimal" && integerBits(type) === undefined) return undefined;
  return parseScalar(type, text);
}

function coerceInteger(type: ColumnType, value: unknown): number | bigint | undefined {
  if (typeof value === "string") return parseScalar(type, value) as number | bigint | undefined;
  if (typeof value === "number" && !(Number.isInteger(value) && Math.abs(value) <= 2 ** 53)) return undefined;
  if (typeof value !== "number" && typeof value !== "bigint") return undefined;
  const bits = integerBits(type)!;
  const integer = BigInt(value);
  if (BigInt.asIntN(bits, integer) !== integer) return undefined;
  return bits === 64 ? integer : Number(integer);
}

function coerceFloat(kind: "float32" | "float64", value: unknown): number | undefined {
  if (typeof value === "bigint") {
    const float = kind === "float32" ? Math.fround(Number(value)) : Number(value);
    return Number.isFinite(float) && BigInt(float) === value ? float : undefined;
  }
  if (typeof value !== "number") return undefined;
  if (kind === "float64") return value;
  const single = Math.fround(value);
  return Number.isFinite(value) && !Number.isFinite(single) ? undefined : single;
}

function coerceText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number") return formatScalar({ kind: "float64" }, value);
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (!(value instanceof Date)) return undefined;
  const micros = coerceScalar({ kind: "timestamp", zone: "utc" }, value);
  return micros === undefined ? undefined : formatScalar({ kind: "timestamp", zone: "utc" }, micros);
}

function inPrecision(unscaled: bigint, precision: number): bigint | undefined {
  return fitsPrecision(unscaled, precision) ? unscaled : undefined;
}

/** Midnight UTC of a count of days, in µs. */
export function dayMicros(days: number): bigint {
  return BigInt(days) * BigInt(DAY_MICROS);
}
