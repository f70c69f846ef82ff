import type { ColumnType } from "@alluvium/core";
import { FixedBuilder } from "@alluvium/core/columns";
import { appendWords, checkFirst, type ColumnReader, type OnSpecial } from "./block.ts";
import { word64Reader } from "./fixed.ts";

// The server counts dates and timestamps from 2000-01-01 (src/include/datatype/timestamp.h); infinities are the extreme integers.
const DAYS_TO_2000 = 10_957;
const MICROS_TO_2000 = 946_684_800_000_000n;
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** `date`: days. All dates of the server (4713 BC to 5874897) fit. */
export function dateReader(onSpecial: OnSpecial): ColumnReader {
  const builder = new FixedBuilder({ kind: "date" }, 1024);
  return {
    builder,
    read(block, column) {
      checkFirst(block, column, 4);
      const { memory, view } = block;
      appendWords(
        block,
        column,
        builder,
        (starts, from, rows, to) => memory.kernel.dates(starts, from, rows, to, DAYS_TO_2000),
        (start) => onSpecial(view.getInt32(start) > 0 ? "infinity" : "-infinity"),
      );
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
      const { memory, view } = block;
      appendWords(
        block,
        column,
        builder,
        (starts, from, rows, to) => memory.kernel.timestamps(starts, from, rows, to, MICROS_TO_2000),
        (start) => {
          const micros = view.getBigInt64(start);
          if (micros === INT64_MAX) onSpecial("infinity");
          else if (micros === INT64_MIN) onSpecial("-infinity");
          else onSpecial("a timestamp after 294247-01-10 04:00:54");
        },
      );
    },
  };
}
