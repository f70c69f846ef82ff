import type { TimestampType } from "@alluvium/core";
import { daysOf, FixedBuilder } from "@alluvium/core/columns";
import type { Buffer } from "node:buffer";
import { Form } from "../cells.ts";
import { markNull, putMisfit, type CellReader, type OnMisfit } from "./cell-reader.ts";

const DAY_MICROS = 86_400_000_000;
const DASH = 45;
const COLON = 58;
/** The first year whose months are remembered, and how many years are. */
const FIRST_YEAR = 1900;
const YEARS = 256;
const UNKNOWN = -0x8000_0000;

/** Days from 1970 to the day before each month, as far as they were needed. */
const months: Int32Array = new Int32Array(YEARS * 12).fill(UNKNOWN);

/** Days from 1970 to the day that ten bytes `2024-02-29` name; NaN where they name none. */
function dayAt(bytes: Buffer, at: number): number {
  if (bytes[at + 4] !== DASH || bytes[at + 7] !== DASH) return Number.NaN;
  const year = two(bytes, at) * 100 + two(bytes, at + 2);
  const month = two(bytes, at + 5);
  const day = two(bytes, at + 8);
  const index = (year - FIRST_YEAR) * 12 + month - 1;
  // Days up to the 28th are in every month.
  if (!(day >= 1 && day <= 28 && month >= 1 && month <= 12 && index >= 0 && index < months.length))
    return year >= 0 && month >= 0 && day >= 0 ? (daysOf(year, month, day) ?? Number.NaN) : Number.NaN;
  let before = months[index]!;
  if (before === UNKNOWN) before = months[index] = daysOf(year, month, 1)! - 1;
  return before + day;
}

/** The number that two digits make; far below zero where one is no digit. */
function two(bytes: Buffer, at: number): number {
  const a = bytes[at]! - 48;
  const b = bytes[at + 1]! - 48;
  return a >= 0 && a <= 9 && b >= 0 && b <= 9 ? a * 10 + b : -1_000_000;
}

/** `date`: `2024-02-29`; all else is a misfit. */
export function dateReader(onMisfit: OnMisfit): CellReader {
  const builder = new FixedBuilder({ kind: "date" }, 1024);
  return {
    builder,
    read(cells, column) {
      const { bytes, starts, ends, rows, stride } = cells;
      builder.reserve(rows);
      const { words } = builder;
      let row = builder.length;
      for (let at = column * stride, stop = at + rows; at < stop; at++, row++) {
        const packed = starts[at]!;
        if ((packed & 3) === Form.null) {
          markNull(builder, row);
          continue;
        }
        const start = packed >> 2;
        const days = ends[at]! - start === 10 ? dayAt(bytes, start) : Number.NaN;
        if (days === days) words[row] = days;
        else putMisfit(builder, row, cells, column, at, onMisfit);
      }
      builder.length = row;
    },
  };
}

/**
 * `timestamp`: `2024-02-29T04:05:06.789Z`, without the `Z` where local, and a space for the `T`; all else, offsets as well, is a misfit. Beyond the year 2255 microseconds
 * are more than a double holds, so that is one, too.
 */
export function timestampReader(type: TimestampType, onMisfit: OnMisfit): CellReader {
  const builder = new FixedBuilder(type, 1024);
  const isUtc = type.zone === "utc";
  return {
    builder,
    read(cells, column) {
      const { bytes, starts, ends, rows, stride } = cells;
      builder.reserve(rows);
      const { words } = builder;
      let row = builder.length;
      for (let at = column * stride, stop = at + rows; at < stop; at++, row++) {
        const packed = starts[at]!;
        if ((packed & 3) === Form.null) {
          markNull(builder, row);
          continue;
        }
        const micros = microsAt(bytes, packed >> 2, ends[at]!, isUtc);
        if (Number.isSafeInteger(micros)) {
          words[2 * row] = micros | 0;
          words[2 * row + 1] = Math.floor(micros / 4_294_967_296);
        } else putMisfit(builder, row, cells, column, at, onMisfit);
      }
      builder.length = row;
    },
  };
}

function microsAt(bytes: Buffer, start: number, stop: number, isUtc: boolean): number {
  let end = stop;
  if (isUtc) {
    if (bytes[end - 1] !== 90) return Number.NaN;
    end -= 1;
  }
  const size = end - start;
  if (size < 19 || size === 20 || size > 26) return Number.NaN;
  const between = bytes[start + 10];
  if ((between !== 84 && between !== 32) || bytes[start + 13] !== COLON || bytes[start + 16] !== COLON)
    return Number.NaN;
  const hours = two(bytes, start + 11);
  const minutes = two(bytes, start + 14);
  const seconds = two(bytes, start + 17);
  if (!(hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60 && seconds >= 0 && seconds < 60))
    return Number.NaN;
  let fraction = 0;
  if (size > 19) {
    if (bytes[start + 19] !== 46) return Number.NaN;
    for (let i = start + 20; i < end; i++) {
      const digit = bytes[i]! - 48;
      if (digit < 0 || digit > 9) return Number.NaN;
      fraction = fraction * 10 + digit;
    }
    for (let i = size; i < 26; i++) fraction *= 10;
  }
  return dayAt(bytes, start) * DAY_MICROS + (hours * 3600 + minutes * 60 + seconds) * 1_000_000 + fraction;
}
