import type { ColumnType } from "@alluvium/core";
import { FixedBuilder } from "@alluvium/core/columns";
import { checkFirst, markNull, type ColumnReader, type OnSpecial } from "./block.ts";
import { word64Reader } from "./fixed.ts";

// The server counts dates and timestamps from 2000-01-01 (src/include/datatype/timestamp.h); infinities are the extreme integers.
const DAYS_TO_2000 = 10_957;
const MICROS_TO_2000 = 946_684_800_000_000;
const MICROS_LOW = MICROS_TO_2000 % 2 ** 32;
const MICROS_HIGH = Math.floor(MICROS_TO_2000 / 2 ** 32);
const INT32_MAX = 0x7fff_ffff;
const INT32_MIN = -0x8000_0000;

/** `date`: days. All dates of the server (4713 BC to 5874897) fit. */
export function dateReader(onSpecial: OnSpecial): ColumnReader {
  const builder = new FixedBuilder({ kind: "date" }, 1024);
  return {
    builder,
    read(block, column) {
      checkFirst(block, column, 4);
      const { view, starts, rows, stride } = block;
      builder.reserve(rows);
      const { words } = builder;
      let row = builder.length;
      for (let at = column * stride, end = at + rows; at < end; at++, row++) {
        const start = starts[at]!;
        if (start < 0) {
          markNull(builder, row);
          continue;
        }
        const days = view.getInt32(start);
        if (days === INT32_MAX || days === INT32_MIN) {
          onSpecial(days > 0 ? "infinity" : "-infinity");
          markNull(builder, row);
        } else words[row] = days + DAYS_TO_2000;
      }
      builder.length = row;
    },
  };
}

/** `time`: microseconds since midnight, 24:00 included. */
export function timeReader(): ColumnReader {
  return word64Reader({ kind: "time" });
}

/**
 * `timestamp` and `timestamptz`: microseconds. The server's last 9.5 months before 294277 lie beyond int64 microseconds since 1970; they
 * are as special as the infinities.
 */
export function timestampReader(type: ColumnType, onSpecial: OnSpecial): ColumnReader {
  const builder = new FixedBuilder(type, 1024);
  return {
    builder,
    read(block, column) {
      checkFirst(block, column, 8);
      const { view, starts, rows, stride } = block;
      builder.reserve(rows);
      const { words } = builder;
      let row = builder.length;
      for (let at = column * stride, end = at + rows; at < end; at++, row++) {
        const start = starts[at]!;
        if (start < 0) {
          markNull(builder, row);
          continue;
        }
        const wireHigh = view.getInt32(start);
        const wireLow = view.getUint32(start + 4);
        const low = wireLow + MICROS_LOW;
        const high = wireHigh + MICROS_HIGH + (low >= 2 ** 32 ? 1 : 0);
        const infinite =
          (wireHigh === INT32_MAX && wireLow === 0xffff_ffff) || (wireHigh === INT32_MIN && wireLow === 0);
        if (infinite || high > INT32_MAX) {
          onSpecial(
            !infinite ? "a timestamp after 294247-01-10 04:00:54" : wireHigh > 0 ? "infinity" : "-infinity",
          );
          markNull(builder, row);
        } else {
          words[2 * row] = low;
          words[2 * row + 1] = high;
        }
      }
      builder.length = row;
    },
  };
}
