import type { ColumnType, DecimalType } from "../schema/types.ts";
import { DAY_MICROS } from "./calendar.ts";
import { dayMicros } from "./coerce.ts";
import { fitsPrecision, powerOfTen } from "./decimal.ts";
import { saysSame } from "./says-same.ts";
import type { Scalar } from "./scalar.ts";
import { formatScalar, integerBits, parseScalar } from "./text.ts";

/** Turns a stored value of one type into one of another; `undefined` where it has no exact form there. */
export type Convert = (value: Scalar) => Scalar | undefined;

/** How values of `from` become values of `to`, both scalar; `undefined` where no value does. */
export function converter(from: ColumnType, to: ColumnType): Convert | undefined {
  if (to.kind === "string") return (value) => formatScalar(from, value);
  const toBits = integerBits(to);
  if (integerBits(from) !== undefined) {
    if (toBits !== undefined) return (value) => toInteger(BigInt(value as number | bigint), toBits);
    if (to.kind === "decimal") return (value) => rescale(BigInt(value as number | bigint), 0, to);
    if (to.kind === "float64" || to.kind === "float32")
      return (value) => integerToFloat(value as number | bigint, to.kind);
    return undefined;
  }
  if (from.kind === "float32" || from.kind === "float64") {
    if (to.kind === "float64") return (value) => value;
    if (to.kind === "decimal")
      return (value) => (Number.isSafeInteger(value) ? rescale(BigInt(value as number), 0, to) : undefined);
    if (to.kind === "float32")
      return (value) => (Object.is(Math.fround(value as number), value) ? value : undefined);
    if (toBits === undefined) return undefined;
    return (value) => (Number.isSafeInteger(value) ? toInteger(BigInt(value as number), toBits) : undefined);
  }
  if (from.kind === "decimal") {
    if (to.kind === "decimal") return (value) => rescale(value as bigint, from.scale, to);
    if (toBits === undefined) return undefined;
    const whole: DecimalType = { kind: "decimal", precision: 38, scale: 0 };
    return (value) => {
      const integer = rescale(value as bigint, from.scale, whole);
      return integer === undefined ? undefined : toInteger(integer, toBits);
    };
  }
  if (from.kind === "date" && to.kind === "timestamp" && to.zone === "local")
    return (value) => toInteger(dayMicros(value as number), 64);
  return undefined;
}

/**
 * How values of `from` become values of `to` where a user asks for it: as by {@link converter}, and also texts what they say (`parseScalar`:
 * ISO forms of dates and times, numbers in digits), floats decimals by their shortest text and back, timestamps at midnight dates. A text or
 * decimal becomes a float only where the float's own text says the same.
 */
export function explicitConverter(from: ColumnType, to: ColumnType): Convert | undefined {
  const isFloat = to.kind === "float64" || to.kind === "float32";
  if (from.kind === "string" && to.kind !== "string" && to.kind !== "json")
    return (value) => {
      const parsed = parseScalar(to, value as string);
      return parsed === undefined || (isFloat && !saysSame(formatScalar(to, parsed), value as string))
        ? undefined
        : parsed;
    };
  if (from.kind === "decimal" && isFloat)
    return (value) => {
      const text = formatScalar(from, value);
      const parsed = parseScalar(to, text);
      return parsed !== undefined && saysSame(formatScalar(to, parsed), text) ? parsed : undefined;
    };
  if (to.kind === "decimal" && from.kind.startsWith("float"))
    return (value) => parseScalar(to, formatScalar(from, value));
  if (from.kind === "timestamp" && to.kind === "date")
    return (value) => {
      const micros = value as bigint;
      return micros % BigInt(DAY_MICROS) === 0n ? Number(micros / BigInt(DAY_MICROS)) : undefined;
    };
  return converter(from, to);
}

function toInteger(value: bigint, bits: number): number | bigint | undefined {
  if (BigInt.asIntN(bits, value) !== value) return undefined;
  return bits === 64 ? value : Number(value);
}

function integerToFloat(value: number | bigint, kind: "float32" | "float64"): number | undefined {
  const float = kind === "float32" ? Math.fround(Number(value)) : Number(value);
  return BigInt(float) === BigInt(value) ? float : undefined;
}

function rescale(unscaled: bigint, scale: number, to: DecimalType): bigint | undefined {
  let value = unscaled;
  if (to.scale >= scale) value *= powerOfTen(to.scale - scale);
  else {
    const divisor = powerOfTen(scale - to.scale);
    if (value % divisor !== 0n) return undefined;
    value /= divisor;
  }
  return fitsPrecision(value, to.precision) ? value : undefined;
}
