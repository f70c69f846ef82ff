import { validityColumns } from "@alluvium/core";
import type { SourceRow } from "./history.ts";

/** Rows as sorted texts. Null and absent are the same, and so are members of structs without a value. */
export function texts(rows: readonly SourceRow[]): string[] {
  return rows.map(text).sort();
}

/**
 * Versions as sorted texts: each row with the places of its times among all times of its key, so that they are compared by order and by
 * which of them are the same, not by the clock.
 */
export function versionTexts(rows: readonly SourceRow[], primaryKey: readonly string[]): string[] {
  const { from, to } = validityColumns;
  const keyOf = (row: SourceRow): string => primaryKey.map((column) => valueText(row[column])).join("/");
  const times = new Map<string, bigint[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const known = times.get(key) ?? [];
    for (const time of [row[from], row[to]])
      if (time !== null && time !== undefined) known.push(micros(time));
    times.set(key, known);
  }
  return rows
    .map((row) => {
      const sorted = [...new Set(times.get(keyOf(row)))].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      const place = (time: unknown): number | null =>
        time === null || time === undefined ? null : sorted.indexOf(micros(time));
      return text({ ...row, [from]: place(row[from]), [to]: place(row[to]) });
    })
    .sort();
}

function text(row: SourceRow): string {
  return Object.keys(row)
    .sort()
    .map((name) => [name, valueText(row[name])] as const)
    .filter(([, value]) => value !== "null")
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype)
    return `{${text(value as SourceRow)}}`;
  return String(value as string);
}

/** A time in µs since 1970: a number of them, or text. A `Date` would lose what tells versions apart. */
function micros(time: unknown): bigint {
  if (typeof time === "bigint" || typeof time === "number") return BigInt(time);
  if (typeof time !== "string") throw new Error("times are read as µs or text");
  const [, seconds, fraction = "", zone = "Z"] =
    /^(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d(?::?\d\d)?)?$/.exec(time) ?? [];
  if (seconds === undefined) throw new Error(`${time} is no time`);
  const zoned = zone.length === 3 ? `${zone}:00` : zone;
  return (
    BigInt(Date.parse(`${seconds.replace(" ", "T")}${zoned}`)) * 1000n +
    BigInt(fraction.padEnd(6, "0").slice(0, 6))
  );
}
