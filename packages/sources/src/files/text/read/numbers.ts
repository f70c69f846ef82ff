import type { ColumnType, DecimalType } from "@alluvium/core";
import { FixedBuilder } from "@alluvium/core/columns";
import { Form } from "../cells.ts";
import { markNull, putMisfit, type CellReader, type OnMisfit } from "./cell-reader.ts";

const MINUS = 45;
const ZERO = 48;
const POINT = 46;
/** Up to so many digits a double holds every integer. */
const DIGITS = 15;
/** Powers of ten that doubles hold. */
const POWERS: readonly number[] = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

/** `int64` in up to 15 digits, as formatting gives it, and `17.00` where `zeros` says so; all else is a misfit. */
export function integerReader(onMisfit: OnMisfit, zeros: boolean = false): CellReader {
  const builder = new FixedBuilder({ kind: "int64" }, 1024);
  return {
    builder,
    read(cells, column) {
      const { bytes, starts, ends, rows, stride } = cells;
      builder.reserve(rows);
      const { words } = builder;
      let row = builder.length;
      for (let at = column * stride, stop = at + rows; at < stop; at++, row++) {
        const packed = starts[at]!;
        const end = ends[at]!;
        if (packed & 3) {
          if ((packed & 3) === Form.null) {
            markNull(builder, row);
            continue;
          }
        }
        let i = packed >> 2;
        const isNegative = bytes[i] === MINUS;
        if (isNegative) i += 1;
        const digits = end - i;
        let digit = bytes[i]! - ZERO;
        if (
          digits < 1 ||
          digits > DIGITS ||
          (digit === 0 && (isNegative || (digits > 1 && !(zeros && bytes[i + 1] === POINT))))
        ) {
          putMisfit(builder, row, cells, column, at, onMisfit);
          continue;
        }
        if (digits < 10) {
          // Stays a small integer all the way.
          let value = 0;
          for (;;) {
            if (digit < 0 || digit > 9) break;
            value = (value * 10 + digit) | 0;
            if (++i >= end) break;
            digit = bytes[i]! - ZERO;
          }
          if (i < end && !(zeros && areZeros(bytes, i, end))) {
            putMisfit(builder, row, cells, column, at, onMisfit);
            continue;
          }
          if (isNegative) value = -value | 0;
          words[2 * row] = value;
          words[2 * row + 1] = value >> 31;
          continue;
        }
        let value = 0;
        for (;;) {
          if (digit < 0 || digit > 9) break;
          value = value * 10 + digit;
          if (++i >= end) break;
          digit = bytes[i]! - ZERO;
        }
        if (i < end) {
          putMisfit(builder, row, cells, column, at, onMisfit);
          continue;
        }
        if (isNegative) value = -value;
        words[2 * row] = value | 0;
        words[2 * row + 1] = Math.floor(value / 4_294_967_296);
      }
      builder.length = row;
    },
  };
}

/** Whether `bytes[at, end)` is a point and nothing but zeros after it. */
function areZeros(bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at] !== POINT || at + 1 >= end) return false;
  for (let i = at + 1; i < end; i++) if (bytes[i] !== ZERO) return false;
  return true;
}

/** `decimal` of up to 18 digits, as long as 15 say the value; all else is a misfit. `point` is the byte before the fraction. */
export function decimalReader(type: DecimalType, point: number, onMisfit: OnMisfit): CellReader {
  const builder = new FixedBuilder(type, 1024);
  const { precision, scale } = type;
  const bound = Math.min(10 ** precision, 10 ** DIGITS);
  return {
    builder,
    read(cells, column) {
      const { bytes, starts, ends, rows, stride } = cells;
      builder.reserve(rows);
      const { words } = builder;
      let row = builder.length;
      for (let at = column * stride, stop = at + rows; at < stop; at++, row++) {
        const packed = starts[at]!;
        const end = ends[at]!;
        if ((packed & 3) === Form.null) {
          markNull(builder, row);
          continue;
        }
        let i = packed >> 2;
        const isNegative = bytes[i] === MINUS;
        if (isNegative) i += 1;
        const first = i;
        let value = 0;
        let digit = 0;
        while (i < end && (digit = bytes[i]! - ZERO) >= 0 && digit <= 9) {
          value = value * 10 + digit;
          i += 1;
        }
        const whole = i - first;
        let places = scale;
        let fits = whole > 0 && (whole === 1 || bytes[first] !== ZERO);
        if (i < end && bytes[i] === point) {
          const start = ++i;
          while (i < end && (digit = bytes[i]! - ZERO) >= 0 && digit <= 9) {
            value = value * 10 + digit;
            i += 1;
          }
          places = scale - (i - start);
          if (i === start) fits = false;
        }
        if (!fits || i < end || places < 0 || end - first > DIGITS + 1) {
          putMisfit(builder, row, cells, column, at, onMisfit);
          continue;
        }
        value *= POWERS[places]!;
        if (value >= bound) {
          putMisfit(builder, row, cells, column, at, onMisfit);
          continue;
        }
        if (isNegative) value = -value;
        words[2 * row] = value | 0;
        words[2 * row + 1] = Math.floor(value / 4_294_967_296);
      }
      builder.length = row;
    },
  };
}

/**
 * `float64` in up to 15 digits without an exponent: digits as an integer, divided by a power of ten, both of which doubles hold, is the double next to what
 * the text says. All else is a misfit.
 *
 * Source: W. D. Clinger, How to read floating point numbers accurately, https://doi.org/10.1145/93542.93557
 */
export function floatReader(type: ColumnType, point: number, onMisfit: OnMisfit): CellReader {
  const builder = new FixedBuilder(type, 1024);
  return {
    builder,
    read(cells, column) {
      const { bytes, starts, ends, rows, stride } = cells;
      builder.reserve(rows);
      const values = builder.values as Float64Array;
      let row = builder.length;
      for (let at = column * stride, stop = at + rows; at < stop; at++, row++) {
        const packed = starts[at]!;
        const end = ends[at]!;
        if ((packed & 3) === Form.null) {
          markNull(builder, row);
          continue;
        }
        let i = packed >> 2;
        const isNegative = bytes[i] === MINUS;
        if (isNegative) i += 1;
        const first = i;
        let value = 0;
        let digit = 0;
        while (i < end && (digit = bytes[i]! - ZERO) >= 0 && digit <= 9) {
          value = value * 10 + digit;
          i += 1;
        }
        const whole = i - first;
        let places = 0;
        let fits = whole > 0 && (whole === 1 || bytes[first] !== ZERO);
        if (i < end && bytes[i] === point) {
          const start = ++i;
          while (i < end && (digit = bytes[i]! - ZERO) >= 0 && digit <= 9) {
            value = value * 10 + digit;
            i += 1;
          }
          places = i - start;
          if (places === 0) fits = false;
        }
        if (!fits || i < end || end - first > DIGITS + 1 || (end - first > DIGITS && places === 0)) {
          putMisfit(builder, row, cells, column, at, onMisfit);
          continue;
        }
        if (places > 0) value /= POWERS[places]!;
        values[row] = isNegative ? -value : value;
      }
      builder.length = row;
    },
  };
}
