import { Buffer } from "node:buffer";
import { AlluviumError } from "../errors.ts";
import type { ColumnType } from "../schema/types.ts";
import { formatDate, formatTime, formatTimestamp, parseDate, parseTime, parseTimestamp } from "./calendar.ts";
import { formatDecimal, parseDecimal } from "./decimal.ts";
import { hexBytes, shortDecimal } from "./digits.ts";
import type { Scalar } from "./scalar.ts";

const INTEGERS: Readonly<Partial<Record<ColumnType["kind"], number>>> = {
  int8: 8,
  int16: 16,
  int32: 32,
  int64: 64,
};

/** Bits of an integer type, `undefined` for others. */
export function integerBits(type: ColumnType): number | undefined {
  return INTEGERS[type.kind];
}

/**
 * The canonical text of a value: integers in decimal, decimals with all digits of their scale, floats as the shortest text that
 * reads back (`NaN`, `Infinity`, `-0` included), `2024-02-29`, `04:05:06.789`, `2024-02-29T04:05:06.789000Z` (no `Z` when local),
 * uuid in lower case, binary in lower-case hex, booleans `true` and `false`, text and JSON as they are.
 * Equal values of a type have equal text, and {@link parseScalar} gives the value back.
 */
export function formatScalar(type: ColumnType, value: Scalar): string {
  switch (type.kind) {
    case "decimal":
      return formatDecimal(value as bigint, type.scale);
    case "date":
      return formatDate(value as number);
    case "time":
      return formatTime(value as bigint);
    case "timestamp":
      return formatTimestamp(value as bigint, type.zone);
    case "float64":
      return Object.is(value, -0) ? "-0" : String(value);
    case "float32":
      return formatFloat32(value as number);
    case "binary":
      return hexOf(value as Uint8Array);
    case "uuid": {
      const hex = hexOf(value as Uint8Array);
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join(
        "-",
      );
    }
    case "null":
    case "list":
    case "struct":
    case "map":
      throw new AlluviumError("ALV_INTERNAL", `a ${type.kind} is no scalar`);
    default:
      return String(value as boolean | number | bigint | string);
  }
}

/**
 * The value that a text stands for, exactly, or `undefined` where it stands for none of the type or for one out of its range.
 * Reads what {@link formatScalar} writes and the usual variants: signs, exponents and `.5` of decimals, a space for the `T`,
 * UTC offsets, uuids in upper case or without hyphens. Integers and decimals never pass through a double.
 */
export function parseScalar(type: ColumnType, text: string): Scalar | undefined {
  switch (type.kind) {
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "int8":
    case "int16":
    case "int32":
    case "int64": {
      const bits = integerBits(type)!;
      const short = shortDecimal(text, 0);
      if (bits === 64 && !Number.isNaN(short)) return BigInt(short);
      if (!/^[+-]?\d{1,40}$/.test(text)) return undefined;
      const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
      if (BigInt.asIntN(bits, value) !== value) return undefined;
      return bits === 64 ? value : Number(value);
    }
    case "float32":
    case "float64":
      return parseFloatText(type.kind, text);
    case "decimal":
      return parseDecimal(text, type.precision, type.scale);
    case "date":
      return parseDate(text);
    case "time":
      return parseTime(text);
    case "timestamp":
      return parseTimestamp(text, type.zone);
    case "uuid":
      return text.length === 32 || /^.{8}-.{4}-.{4}-.{4}-.{12}$/.test(text) ? hexBytes(text, 32) : undefined;
    case "binary":
      return text.length % 2 === 0 && !text.includes("-") ? hexBytes(text, text.length) : undefined;
    case "string":
      return text;
    case "json":
      return isJson(text) ? text : undefined;
    default:
      return undefined;
  }
}

function formatFloat32(value: number): string {
  if (!Number.isFinite(value) || value === 0) return Object.is(value, -0) ? "-0" : String(value);
  // Six digits always survive a float32, nine always identify it.
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

function parseFloatText(kind: "float32" | "float64", text: string): number | undefined {
  if (text === "NaN") return Number.NaN;
  if (!/^[+-]?(?:Infinity|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/i.test(text)) return undefined;
  const value = Number(text);
  if (kind === "float64") return value;
  const single = Math.fround(value);
  return Number.isFinite(value) && !Number.isFinite(single) ? undefined : single;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
