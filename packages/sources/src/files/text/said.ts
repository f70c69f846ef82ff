import type { ColumnType } from "@alluvium/core";
import { daysOf, parseJson, parseScalar } from "@alluvium/core/columns";

/** Numbers as formatting gives them: no plus, no zeros in front, a digit on each side of the point. */
const INTEGER = /^-?(?:0|[1-9]\d*)$/;
const FRACTION = /^-?(?:0|[1-9]\d*)\.\d+$/;
const EXPONENT = /^-?(?:0|[1-9]\d*)(?:\.\d+)?[eE][+-]?\d+$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIMESTAMP = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(Z|[+-]\d\d:?\d\d)?$/;
const UTC: ColumnType = { kind: "timestamp", zone: "utc" };
const LOCAL: ColumnType = { kind: "timestamp", zone: "local" };

/** What a text says that it is. */
export type Said = "text" | "boolean" | "integer" | "fraction" | "exponent" | "date" | "instant" | "reading";

/** What a text says that it is: a number only in the form that formatting one gives; everything else is text. `-0` is none that integers have. */
export function saidBy(text: string): Said {
  const first = text.charCodeAt(0);
  const isDigit = first >= 48 && first <= 57;
  if (!isDigit && first !== 45) return text === "true" || text === "false" ? "boolean" : "text";
  if (INTEGER.test(text)) return text === "-0" ? "fraction" : "integer";
  if (FRACTION.test(text)) return "fraction";
  if (EXPONENT.test(text)) return "exponent";
  if (isDate(text)) return "date";
  if (TIMESTAMP.test(text)) {
    if (isInstant(text)) return "instant";
    if (isReading(text)) return "reading";
  }
  return "text";
}

/** Whether a text is a day that there is. */
function isDate(text: string): boolean {
  const match = text.length === 10 ? DATE.exec(text) : null;
  return match !== null && daysOf(Number(match[1]), Number(match[2]), Number(match[3])) !== undefined;
}

/** Whether a text is a point in time, with a zone. */
export function isInstant(text: string): boolean {
  return TIMESTAMP.exec(text)?.[1] !== undefined && parseScalar(UTC, text) !== undefined;
}

/** Whether a text is the reading of a clock, without a zone. */
export function isReading(text: string): boolean {
  const match = TIMESTAMP.exec(text);
  return match !== null && match[1] === undefined && parseScalar(LOCAL, text) !== undefined;
}

/** Whether a text is a number that a double says, digit for digit but for zeros at its end. */
export function isDouble(text: string): boolean {
  return (
    (INTEGER.test(text) || FRACTION.test(text) || EXPONENT.test(text)) && typeof parseJson(text) === "number"
  );
}

/** Whether a text is a number as formatting gives it, without an exponent. */
export function isNumber(text: string): boolean {
  return INTEGER.test(text) || FRACTION.test(text);
}

/** The value that a text says it is, for core's appender: numbers exact, dates and the like still as text. */
export function saidValue(text: string): unknown {
  switch (saidBy(text)) {
    case "boolean":
      return text === "true";
    case "integer":
    case "fraction":
      return parseJson(text);
    default:
      return text;
  }
}

/** Gathers what the texts of a column say, and gives the type that holds them all, digit for digit. */
export interface Tally {
  /** Takes a text. Gives whether more of them can change anything. */
  add(text: string): boolean;
  /** The type; `undefined` where there was no text at all. */
  type(): ColumnType | undefined;
}

/** A tally of the texts of a column. */
export function createTally(): Tally {
  const seen = new Set<Said>();
  /** Digits before and after the point. */
  let whole = 0;
  let scale = 0;
  let numbers = 0;
  let sameScale = true;
  let hasTrailingZero = false;
  let isDoubles = true;
  let isWide = false;

  function addNumber(text: string, said: Said): void {
    const start = text.charCodeAt(0) === 45 ? 1 : 0;
    const point = text.indexOf(".");
    const places = point < 0 ? 0 : text.length - point - 1;
    whole = Math.max(whole, (point < 0 ? text.length : point) - start);
    if (numbers > 0 && scale !== places) sameScale = false;
    scale = Math.max(scale, places);
    if (places > 0 && text.endsWith("0")) hasTrailingZero = true;
    if (text.length > 15 && !isDouble(text)) isDoubles = false;
    if (said === "integer" && text.length > 18 && parseScalar({ kind: "int64" }, text) === undefined)
      isWide = true;
  }

  return {
    add(text) {
      const said = saidBy(text);
      seen.add(said);
      if (said === "integer" || said === "fraction") {
        addNumber(text, said);
        numbers += 1;
      } else if (said === "exponent" && !isDouble(text)) isDoubles = false;
      return !seen.has("text");
    },
    type() {
      if (seen.size === 0) return undefined;
      const isOnly = (...kinds: readonly Said[]): boolean => [...seen].every((said) => kinds.includes(said));
      if (isOnly("boolean")) return { kind: "boolean" };
      if (isOnly("date")) return { kind: "date" };
      if (isOnly("instant")) return UTC;
      if (isOnly("reading")) return LOCAL;
      if (isOnly("integer")) {
        if (!isWide) return { kind: "int64" };
        return whole <= 38 ? { kind: "decimal", precision: 38, scale: 0 } : { kind: "string" };
      }
      // An exponent alone makes no number: 1e5 may be the name of something.
      if (!isOnly("integer", "fraction", "exponent") || !seen.has("fraction")) return { kind: "string" };
      const isFixed = isOnly("fraction") && sameScale && scale >= 2 && hasTrailingZero;
      if (isDoubles && !isFixed) return { kind: "float64" };
      if (seen.has("exponent") || whole + scale > 38) return { kind: "string" };
      return { kind: "decimal", precision: whole + scale <= 15 ? 18 : 38, scale };
    },
  };
}
