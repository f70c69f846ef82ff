import type { CellWriter, Target } from "./cell.ts";

/**
 * `numeric` in the binary format (numeric_recv in src/backend/utils/adt/numeric.c): number of base-10000 digits, weight (the first digit
 * counts 10000^weight), sign, places shown, then the digits, 16 bits each; zero digits at either end are left out.
 */
const NEGATIVE = 0x4000;
const BASE = 10_000;
const POWERS = [1, 10, 100, 1000] as const;
/** A 128-bit number has at most 39 digits; with up to 3 zeros behind them, 11 base-10000 digits. */
const MOST_DIGITS = 11;

/** Decimals as exact numerics. `words`: 64-bit words of a value, as pairs of `halves`. */
export function numericCells(halves: Int32Array, words: 1 | 2, scale: number): CellWriter {
  // Zeros behind the last place, so that the point stands between two base-10000 digits.
  const power = POWERS[(4 - (scale % 4)) % 4]!;
  const after = Math.ceil(scale / 4);
  const most = Number.MAX_SAFE_INTEGER / power;
  const digits = new Uint16Array(MOST_DIGITS + 1);

  function finish({ view }: Target, at: number, count: number, negative: boolean): number {
    let end = 0;
    while (end < count && digits[end] === 0) end += 1;
    let start = count;
    while (start > end && digits[start - 1] === 0) start -= 1;
    view.setInt16(at, start - end);
    view.setInt16(at + 2, start === end ? 0 : start - after - 1);
    view.setUint16(at + 4, negative && start > end ? NEGATIVE : 0);
    view.setInt16(at + 6, scale);
    let to = at + 8;
    for (let i = start - 1; i >= end; i--, to += 2) view.setUint16(to, digits[i]!);
    return to;
  }

  return {
    size: 8 + 2 * (MOST_DIGITS + 1),
    write(target, row, at) {
      const first = 2 * words * row;
      const high = halves[first + 1]!;
      if (words === 1 || isSignOf(halves, first)) {
        const value = high * 4_294_967_296 + (halves[first]! >>> 0);
        const size = Math.abs(value);
        // Then the sum above is exact, and so is the product.
        if (size <= most) {
          let rest = size * power;
          let count = 0;
          while (rest > 0) {
            const next = Math.floor(rest / BASE);
            digits[count++] = rest - next * BASE;
            rest = next;
          }
          return finish(target, at, count, value < 0);
        }
      }
      let value = 0n;
      for (let i = 2 * words - 1; i >= 0; i--) {
        const word = halves[first + i]!;
        value = (value << 32n) | BigInt(i === 2 * words - 1 ? word : word >>> 0);
      }
      let rest = (value < 0n ? -value : value) * BigInt(power);
      let count = 0;
      for (; rest > 0n; rest /= 10_000n) digits[count++] = Number(rest % 10_000n);
      return finish(target, at, count, value < 0n);
    },
  };
}

/** Whether the high word of a 128-bit number only repeats the sign of the low one. */
function isSignOf(halves: Int32Array, first: number): boolean {
  const sign = halves[first + 1]! >> 31;
  return halves[first + 2] === sign && halves[first + 3] === sign;
}
