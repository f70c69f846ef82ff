/**
 * Reading numbers from text by hand: several times faster than a pattern, for the forms that nearly all text has. Whoever calls these
 * tries the general form when they say no.
 */

/** The number that the `count` digits from `start` make; NaN where one is no digit, or is missing. */
export function digitsAt(text: string, start: number, count: number): number {
  let value = 0;
  for (let i = start; i < start + count; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/**
 * A number's text of up to 15 digits, times 10 to the power of `scale`; NaN for any other text, and where digits other than zero are
 * beyond the scale. Such a number is exact as a double.
 */
export function shortDecimal(text: string, scale: number): number {
  const isNegative = text.charCodeAt(0) === 45;
  const start = isNegative ? 1 : 0;
  const point = text.indexOf(".");
  const whole = (point < 0 ? text.length : point) - start;
  const fraction = point < 0 ? 0 : text.length - point - 1;
  if (whole < 1 || fraction > scale || whole + scale > 15 || (point >= 0 && fraction === 0))
    return Number.NaN;
  let value = digitsAt(text, start, whole);
  if (fraction > 0) value = value * 10 ** fraction + digitsAt(text, point + 1, fraction);
  value *= 10 ** (scale - fraction);
  // A negative zero is none: there is one decimal zero.
  return isNegative ? 0 - value : value;
}

/** The bytes of `digits` hexadecimal digits, hyphens passed over; `undefined` where there is another character or another number. */
export function hexBytes(text: string, digits: number): Uint8Array | undefined {
  const bytes = new Uint8Array(digits >> 1);
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 45) continue;
    const lower = code | 32;
    const digit = code >= 48 && code <= 57 ? code - 48 : lower >= 97 && lower <= 102 ? lower - 87 : -1;
    if (digit < 0 || count === digits) return undefined;
    bytes[count >> 1] = (bytes[count >> 1]! << 4) | digit;
    count += 1;
  }
  return count === digits ? bytes : undefined;
}
