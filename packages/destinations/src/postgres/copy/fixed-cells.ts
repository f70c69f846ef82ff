import { AlluviumError } from "@alluvium/core";
import {
  bitAt,
  civilOf,
  decimalWords,
  formatScalar,
  type BooleanVector,
  type FixedVector,
  type StructVector,
  type MapVector,
} from "@alluvium/core/columns";
import type { CellContext, CellWriter } from "./cell.ts";
import { numericCells } from "./numeric-cells.ts";
import { refuseValue } from "./refuse-value.ts";

/**
 * Days from 1970-01-01 to 2000-01-01, from which PostgreSQL counts. Its first day is 4713-11-24 BC, the last one 5874897-12-31; the
 * greatest and the least number mean the infinities (src/include/datatype/timestamp.h).
 */
const EPOCH_DAYS = 10_957;
const FIRST_DAY = -2_440_588;
const LAST_DAY = 2_145_042_905;

/**
 * 946 684 800 000 000 µs from 1970 to 2000, and the first timestamp, -210 866 803 200 000 000 µs since 1970, as a high and a low word. The last
 * one is beyond 64 bits since 1970.
 */
const EPOCH = { high: 220_417, low: 993_517_568 };
const FIRST = { high: -49_096_254, low: 2_086_109_184 };

/** Booleans, numbers, decimals, dates, times and uuids: what has one width in memory. */
export function fixedCells(
  vector: BooleanVector | FixedVector | StructVector | MapVector,
  context: CellContext,
): CellWriter {
  if (vector.layout === "boolean") {
    const { values } = vector;
    return {
      size: 1,
      write({ bytes }, row, at) {
        bytes[at] = bitAt(values, row) ? 1 : 0;
        return at + 1;
      },
    };
  }
  if (vector.layout !== "fixed")
    throw new AlluviumError("ALV_INTERNAL", `${vector.type.kind} is not a type that is stored here`);
  const { type, values } = vector;
  switch (type.kind) {
    case "int8":
    case "int16":
      return {
        size: 2,
        write({ view }, row, at) {
          view.setInt16(at, values[row] as number);
          return at + 2;
        },
      };
    case "int32":
      return {
        size: 4,
        write({ view }, row, at) {
          view.setInt32(at, values[row] as number);
          return at + 4;
        },
      };
    case "float32":
      return {
        size: 4,
        write({ view }, row, at) {
          view.setFloat32(at, values[row] as number);
          return at + 4;
        },
      };
    case "float64":
      return {
        size: 8,
        write({ view }, row, at) {
          view.setFloat64(at, values[row] as number);
          return at + 8;
        },
      };
    case "date":
      return {
        size: 4,
        write({ view }, row, at) {
          const days = values[row] as number;
          if (days < FIRST_DAY || days > LAST_DAY)
            throw refuseValue(context, row, `the date ${yearText(days)}`, "-4713-11-24 … 5874897-12-31");
          view.setInt32(at, days - EPOCH_DAYS);
          return at + 4;
        },
      };
    case "int64":
    case "time": {
      const halves = halvesOf(values);
      return {
        size: 8,
        write({ view }, row, at) {
          view.setInt32(at, halves[2 * row + 1]!);
          view.setInt32(at + 4, halves[2 * row]!);
          return at + 8;
        },
      };
    }
    case "timestamp": {
      const halves = halvesOf(values);
      return {
        size: 8,
        write({ view }, row, at) {
          const low = halves[2 * row]! >>> 0;
          const high = halves[2 * row + 1]!;
          if (high < FIRST.high || (high === FIRST.high && low < FIRST.low)) {
            const text = formatScalar(type, values[row]!);
            throw refuseValue(context, row, `the timestamp ${text}`, "its first is -4713-11-24");
          }
          const rest = low - EPOCH.low;
          view.setInt32(at, high - EPOCH.high - (rest < 0 ? 1 : 0));
          view.setInt32(at + 4, rest);
          return at + 8;
        },
      };
    }
    case "uuid":
      return {
        size: 16,
        write({ bytes }, row, at) {
          for (let i = 0, from = 16 * row; i < 16; i++) bytes[at + i] = values[from + i] as number;
          return at + 16;
        },
      };
    case "decimal":
      return numericCells(halvesOf(values), decimalWords(type.precision), type.scale);
    default:
      throw new AlluviumError("ALV_INTERNAL", `${type.kind} is not a type that is stored here`);
  }
}

/** 64-bit values as 32-bit words, the low one first: no bigint is made for any. */
function halvesOf({ buffer, byteOffset, byteLength }: FixedVector["values"]): Int32Array {
  return new Int32Array(buffer, byteOffset, byteLength >> 2);
}

function yearText(days: number): string {
  const { year, month, day } = civilOf(days);
  return `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}
