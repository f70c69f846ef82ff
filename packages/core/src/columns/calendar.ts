import { digitsAt } from "./digits.ts";

/** Microseconds of a day. */
export const DAY_MICROS = 86_400_000_000;

const LAST_DAY = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Days from 1970-01-01 to a day of the proleptic Gregorian calendar; `undefined` where there is no such day.
 *
 * Source: https://howardhinnant.github.io/date_algorithms.html#days_from_civil
 */
export function daysOf(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1) return undefined;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (day > LAST_DAY[month - 1]! + (leap && month === 2 ? 1 : 0)) return undefined;
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** Year, month and day of a count of days since 1970-01-01: the reverse of {@link daysOf}. */
export function civilOf(days: number): { year: number; month: number; day: number } {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1,
  };
}

/** A day as ISO text: `2024-02-29`; years outside 0000–9999 in expanded form, `+012024-02-29`. */
export function formatDate(days: number): string {
  const { year, month, day } = civilOf(days);
  const digits =
    year >= 0 && year <= 9999
      ? String(year).padStart(4, "0")
      : (year < 0 ? "-" : "+") + String(Math.abs(year)).padStart(6, "0");
  return `${digits}-${two(month)}-${two(day)}`;
}

/** Microseconds since midnight as `04:05:06.789`, without trailing zeros. */
export function formatTime(micros: bigint): string {
  return clock(Number(micros)).replace(/\.?0+$/, "");
}

/** Microseconds since 1970 as `2024-02-29T04:05:06.789000`, and `Z` for an instant. */
export function formatTimestamp(micros: bigint, zone: "utc" | "local"): string {
  const day = BigInt(DAY_MICROS);
  let days = micros / day;
  let rest = micros % day;
  if (rest < 0n) {
    rest += day;
    days -= 1n;
  }
  return `${formatDate(Number(days))}T${clock(Number(rest))}${zone === "utc" ? "Z" : ""}`;
}

/** Year, month, day, hours, minutes, seconds, fraction, offset: all but the day may be missing. */
const TIMESTAMP =
  /^(\d{4}|[+-]\d{6,7})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?: ?([Zz]|[+-]\d\d(?::?\d\d(?::?\d\d)?)?))?)?$/;

/** Days since 1970 of an ISO day; `undefined` where the text is none or the day beyond 32 bits. */
export function parseDate(text: string): number | undefined {
  if (text.length === 10 && text[4] === "-" && text[7] === "-") {
    const days = daysOf(digitsAt(text, 0, 4), digitsAt(text, 5, 2), digitsAt(text, 8, 2));
    if (!Number.isNaN(days)) return days;
  }
  const match = TIMESTAMP.exec(text);
  const days = match === null || match[4] !== undefined ? undefined : dayOf(match);
  return days === undefined || days !== (days | 0) ? undefined : days;
}

/** Microseconds since midnight of an ISO time, `24:00` included; `undefined` where the text is none, or finer than microseconds. */
export function parseTime(text: string): bigint | undefined {
  const match = TIMESTAMP.exec(`1970-01-01T${text}`);
  const micros = match === null || match[8] !== undefined ? undefined : timeOf(match);
  return micros === undefined ? undefined : BigInt(micros);
}

/**
 * Microseconds since 1970 of an ISO date and time, or of a day's midnight. An instant (`utc`) without an offset is read as UTC;
 * a wall clock reading (`local`) must have none. `undefined` where the text is not so, or finer than microseconds.
 */
export function parseTimestamp(text: string, zone: "utc" | "local"): bigint | undefined {
  const usual = usualTimestamp(text, zone);
  if (!Number.isNaN(usual)) return BigInt(usual);
  const match = TIMESTAMP.exec(text);
  if (match === null || (match[8] !== undefined && zone === "local")) return undefined;
  const [days, time] = [dayOf(match), timeOf(match)];
  if (days === undefined || time === undefined) return undefined;
  const micros = BigInt(days) * BigInt(DAY_MICROS) + BigInt(time) - BigInt(offsetOf(match[8]));
  return BigInt.asIntN(64, micros) === micros ? micros : undefined;
}

function dayOf(match: readonly string[]): number | undefined {
  return daysOf(Number(match[1]), Number(match[2]), Number(match[3]));
}

/** `2024-02-29T04:05:06.789Z`, without the `Z` where local: NaN for any other form. */
function usualTimestamp(text: string, zone: "utc" | "local"): number {
  const end = zone === "utc" ? text.length - 1 : text.length;
  if (end < 19 || end === 20 || end > 26 || (zone === "utc" && text[end] !== "Z")) return Number.NaN;
  if (text[4] !== "-" || text[7] !== "-" || text[10] !== "T" || text[13] !== ":" || text[16] !== ":")
    return Number.NaN;
  if (end > 19 && text[19] !== ".") return Number.NaN;
  const days = daysOf(digitsAt(text, 0, 4), digitsAt(text, 5, 2), digitsAt(text, 8, 2)) ?? Number.NaN;
  const [hours, minutes, seconds] = [digitsAt(text, 11, 2), digitsAt(text, 14, 2), digitsAt(text, 17, 2)];
  if (!(hours < 24 && minutes < 60 && seconds < 60)) return Number.NaN;
  const fraction = end > 19 ? digitsAt(text, 20, end - 20) * 10 ** (26 - end) : 0;
  const micros = days * DAY_MICROS + ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + fraction;
  // Beyond 2^53 µs, the year 2255, a double is not exact.
  return Number.isSafeInteger(micros) ? micros : Number.NaN;
}

function timeOf(match: readonly (string | undefined)[]): number | undefined {
  const [hours, minutes, seconds] = [4, 5, 6].map((i) => Number(match[i] ?? 0)) as [number, number, number];
  const fraction = (match[7] ?? "").replace(/0+$/, "");
  if (minutes > 59 || seconds > 59 || fraction.length > 6) return undefined;
  const micros = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + Number(fraction.padEnd(6, "0"));
  return micros > DAY_MICROS ? undefined : micros;
}

function offsetOf(offset: string = "Z"): number {
  const [hours, minutes, seconds] = [1, 3, 5].map((at) =>
    Number(offset.replaceAll(":", "").slice(at, at + 2)),
  );
  const micros = ((hours! * 60 + minutes!) * 60 + seconds!) * 1_000_000;
  return offset.startsWith("-") ? -micros : micros;
}

function clock(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = String(micros % 1_000_000).padStart(6, "0");
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${fraction}`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
