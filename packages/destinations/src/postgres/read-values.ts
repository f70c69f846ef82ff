import { parseJson } from "../sql/read-json.ts";

/** Object ids of types whose text is not yet in user form (they never change: src/include/catalog/pg_type.dat). */
const oids = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  json: 114,
  float4: 700,
  float8: 701,
  timestamp: 1114,
  timestamptz: 1184,
  jsonb: 3802,
} as const;

/** Types of arrays, by their object ids, with those of their elements. */
const elementOf: ReadonlyMap<number, number> = new Map([
  [199, oids.json],
  [1000, oids.bool],
  [1001, oids.bytea],
  [1005, oids.int2],
  [1007, oids.int4],
  [1016, oids.int8],
  [1021, oids.float4],
  [1022, oids.float8],
  [1115, oids.timestamp],
  [1185, oids.timestamptz],
  [3807, oids.jsonb],
  // text, varchar, date, time, numeric, uuid: the text is the value.
  [1009, 25],
  [1015, 1043],
  [1182, 1082],
  [1183, 1083],
  [1231, 1700],
  [2951, 2950],
]);

/**
 * A value of PostgreSQL, by the text that it sends in a session in UTC, in user form: `int8` as bigint, timestamps as `Date` (a local one as
 * if it were UTC; the infinities, which no `Date` has, as an invalid one), `bytea` as bytes, JSON parsed, arrays as arrays; decimals, dates, times
 * and all else as text.
 */
export function userValue(text: string | null, type: number): unknown {
  if (text === null) return null;
  const element = elementOf.get(type);
  if (element !== undefined) return arrayOf(text, element);
  switch (type) {
    case oids.bool:
      return text === "t";
    case oids.bytea:
      return new Uint8Array(Buffer.from(text.slice(2), "hex"));
    case oids.int8:
      return BigInt(text);
    case oids.int2:
    case oids.int4:
    case oids.float4:
    case oids.float8:
      return Number(text);
    case oids.timestamp:
    case oids.timestamptz:
      return dateOf(text);
    case oids.json:
    case oids.jsonb:
      return parseJson(text);
    default:
      return text;
  }
}

function dateOf(text: string): Date {
  const match = /^(\d{4,})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:\+00)?( BC)?$/.exec(text);
  if (match === null) return new Date(Number.NaN);
  const [year, month, day, hours, minutes, seconds] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(0);
  // The year before 1 is 1 BC.
  date.setUTCFullYear(match[8] === undefined ? year : 1 - year, month - 1, day);
  date.setUTCHours(hours, minutes, seconds, Number((match[7] ?? "").padEnd(3, "0").slice(0, 3)));
  return date;
}

/** An array by its text (https://www.postgresql.org/docs/current/arrays.html, "Array Input and Output Syntax"). */
function arrayOf(text: string, element: number): readonly unknown[] {
  // Bounds that are not 1 stand before it: `[0:1]={a,b}`.
  let at = text.indexOf("{") + 1;
  const list = (): readonly unknown[] => {
    const values: unknown[] = [];
    for (;;) {
      if (text[at] === "}") {
        at += 1;
        return values;
      }
      if (text[at] === ",") at += 1;
      if (text[at] === "{") {
        at += 1;
        values.push(list());
      } else values.push(text[at] === '"' ? userValue(quoted(), element) : bare());
    }
  };
  const quoted = (): string => {
    let value = "";
    for (at += 1; text[at] !== '"'; at += 1) {
      if (text[at] === "\\") at += 1;
      value += text[at];
    }
    at += 1;
    return value;
  };
  const bare = (): unknown => {
    const from = at;
    while (text[at] !== "," && text[at] !== "}") at += 1;
    const value = text.slice(from, at);
    return userValue(value === "NULL" ? null : value, element);
  };
  return list();
}

/** A parameter as the text that PostgreSQL reads: dates and bytes, arrays as arrays, other objects as JSON. */
export function parameterText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  if (Array.isArray(value)) return `{${value.map(elementText).join(",")}}`;
  return typeof value === "object"
    ? JSON.stringify(value)
    : String(value as string | number | bigint | boolean);
}

function elementText(value: unknown): string {
  const text = parameterText(value);
  if (text === null) return "NULL";
  return Array.isArray(value) ? text : `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
