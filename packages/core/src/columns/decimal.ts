import { shortDecimal } from "./digits.ts";

/** 10 to the power of `exponent`, exact. */
export function powerOfTen(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

/** Whether an unscaled value has at most `precision` digits. */
export function fitsPrecision(unscaled: bigint, precision: number): boolean {
  const bound = powerOfTen(precision);
  return unscaled < bound && unscaled > -bound;
}

/** Row `index` of a decimal's array: one 64-bit word a row, or two with the low one first. */
export function readDecimal(values: BigInt64Array, index: number, words: 1 | 2): bigint {
  if (words === 1) return values[index]!;
  return (values[2 * index + 1]! << 64n) | BigInt.asUintN(64, values[2 * index]!);
}

/** Writes row `index` of a decimal's array; the reverse of {@link readDecimal}. */
export function writeDecimal(values: BigInt64Array, index: number, words: 1 | 2, unscaled: bigint): void {
  if (words === 1) {
    values[index] = unscaled;
    return;
  }
  values[2 * index] = BigInt.asIntN(64, unscaled);
  values[2 * index + 1] = unscaled >> 64n;
}

/** An unscaled value as text with exactly `scale` digits after the point. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString();
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  const point = digits.length - scale;
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/**
 * The unscaled value of a number's text (`12.50`, `-.5`, `1e-3`) at `scale`; `undefined` where it is no number, has digits beyond
 * the scale that are not zero, or more digits than `precision`.
 */
export function parseDecimal(text: string, precision: number, scale: number): bigint | undefined {
  const short = shortDecimal(text, scale);
  if (!Number.isNaN(short)) return Math.abs(short) < 10 ** precision ? BigInt(short) : undefined;
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,5}))?$/i.exec(text);
  if (match === null) return undefined;
  const fraction = match[3] ?? "";
  const digits = match[2]! + fraction;
  if (digits === "") return undefined;
  const significant = digits.replace(/^0+/, "");
  if (significant === "") return 0n;
  const shift = scale - fraction.length + Number(match[4] ?? 0);
  if (significant.length + shift > precision) return undefined;
  let unscaled: bigint;
  if (shift >= 0) unscaled = BigInt(significant) * powerOfTen(shift);
  else {
    const cut = significant.length + shift;
    if (cut <= 0 || !/^0*$/.test(significant.slice(cut))) return undefined;
    unscaled = BigInt(significant.slice(0, cut));
  }
  return match[1] === "-" ? -unscaled : unscaled;
}
