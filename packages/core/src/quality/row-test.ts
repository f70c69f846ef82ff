import { coerceScalar, dayMicros } from "../columns/coerce.ts";
import { parseDecimal, powerOfTen } from "../columns/decimal.ts";
import { compareScalars, scalarReader, type Scalar } from "../columns/scalar.ts";
import type { Vector } from "../columns/vector.ts";
import { resourceError, type AlluviumError } from "../errors.ts";
import { describeType } from "../schema/describe.ts";
import { sameType } from "../schema/equal.ts";
import type { ColumnType } from "../schema/types.ts";
import type { Check, CheckRule, CheckValue } from "./check.ts";

/** Whether a row of a column that is not null holds what a rule asks. */
type Holds = (row: number) => boolean;

/** Makes the test of a check of values ready for one batch after another, whose types may differ. */
export function rowTest(resource: string, check: Check): (column: Vector) => Holds {
  let made: { readonly type: ColumnType; readonly holds: (value: Scalar) => boolean } | undefined;
  return (column) => {
    if (column.layout === "null") return () => true;
    if (made === undefined || !sameType(made.type, column.type))
      made = { type: column.type, holds: valueTest(resource, check, column.type) };
    const { holds } = made;
    if (column.layout !== "dictionary") {
      const read = scalarReader(column);
      return (row) => holds(read(row)!);
    }
    const { dictionary, codes } = column;
    const read = scalarReader(dictionary);
    const known = new Int8Array(dictionary.length);
    return (row) => {
      const code = codes[row]!;
      return (known[code] ||= holds(read(code)!) ? 1 : -1) > 0;
    };
  };
}

function valueTest(resource: string, check: Check, type: ColumnType): (value: Scalar) => boolean {
  const { rule } = check;
  const unfit = (what: string): AlluviumError =>
    resourceError(
      "ALV_CONFIG",
      resource,
      `check ${check.name}: column ${check.columns.join(", ")} is ${describeType(type)}, and ${what}`,
      { step: "write" },
    );
  switch (rule.kind) {
    case "pattern": {
      if (type.kind !== "string") throw unfit("a pattern is for texts; use range() or accepted()");
      // With g or y an expression remembers where it stopped.
      const expression = new RegExp(rule.pattern.source, rule.pattern.flags.replace(/[gy]/g, ""));
      return (value) => expression.test(value as string);
    }
    case "accepted": {
      const values = rule.values.map((value) => {
        const stored = isPlain(type) ? coerceScalar(type, value) : undefined;
        if (stored === undefined || (type.kind === "string" && typeof value !== "string"))
          throw unfit(`${shownValue(value)} is no value of it; give values of that type`);
        return stored;
      });
      if (values.some((value) => typeof value === "object"))
        return (value) => values.some((one) => compareScalars(one, value) === 0);
      const set = new Set(values);
      return (value) => set.has(value);
    }
    case "range": {
      const bound = (value: CheckValue): ((value: Scalar) => number) => {
        const compare = comparison(type, value);
        if (compare !== undefined) return compare;
        throw unfit(`${shownValue(value)} cannot be compared with it; give a bound of that type`);
      };
      const { min, max } = rule;
      const [low, high] = [
        min === undefined ? undefined : bound(min),
        max === undefined ? undefined : bound(max),
      ];
      return (value) => (low === undefined || low(value) >= 0) && (high === undefined || high(value) <= 0);
    }
    default:
      return () => true;
  }
}

/** Compares values of a column with a bound, which need not be one of its values: 0.5 is a bound for integers. NaN is beyond every bound. */
function comparison(type: ColumnType, bound: CheckValue): ((value: Scalar) => number) | undefined {
  switch (type.kind) {
    case "float32":
    case "float64": {
      const limit = typeof bound === "object" || typeof bound === "boolean" ? NaN : Number(bound);
      if (Number.isNaN(limit)) return undefined;
      return (value) => {
        const there = value as number;
        return there === limit ? 0 : there < limit ? -1 : there > limit ? 1 : NaN;
      };
    }
    case "int8":
    case "int16":
    case "int32":
    case "int64":
    case "decimal": {
      const limit = exactNumber(bound);
      if (limit === undefined) return undefined;
      const scale = type.kind === "decimal" ? type.scale : 0;
      const finer = Math.max(0, limit.scale - scale);
      const at = limit.unscaled * powerOfTen(Math.max(0, scale - limit.scale));
      // Numbers and bigints compare exactly.
      const order = (there: bigint | number): number => (there < at ? -1 : Number(there > at));
      if (finer === 0) return (value) => order(value as bigint | number);
      const factor = powerOfTen(finer);
      return (value) => order(BigInt(value as bigint | number) * factor);
    }
    case "date":
    case "timestamp": {
      const limit = microsOf(bound);
      if (limit === undefined) return undefined;
      return (value) => {
        const there = type.kind === "date" ? dayMicros(value as number) : (value as bigint);
        return there < limit ? -1 : Number(there > limit);
      };
    }
    default: {
      const limit =
        isPlain(type) && (type.kind !== "string" || typeof bound === "string")
          ? coerceScalar(type, bound)
          : undefined;
      return limit === undefined ? undefined : (value) => compareScalars(value, limit);
    }
  }
}

function isPlain({ kind }: ColumnType): boolean {
  return !["list", "struct", "map", "json", "null"].includes(kind);
}

/** A number in full; `undefined` for what is none. */
export function exactNumber(
  value: unknown,
): { readonly unscaled: bigint; readonly scale: number } | undefined {
  if (typeof value === "bigint") return { unscaled: value, scale: 0 };
  if (typeof value !== "number" && typeof value !== "string") return undefined;
  const text = String(value).trim();
  const [, fraction = "", exponent = "0"] = /^[+-]?\d*(?:\.(\d*))?(?:e([+-]?\d{1,4}))?$/i.exec(text) ?? [];
  const scale = Math.max(0, fraction.length - Number(exponent));
  const unscaled = parseDecimal(text, 10_000, scale);
  return unscaled === undefined ? undefined : { unscaled, scale };
}

/** A date or time as microseconds since 1970; what has no zone is taken as UTC. */
function microsOf(value: CheckValue): bigint | undefined {
  if (typeof value !== "string" && !(value instanceof Date)) return undefined;
  for (const zone of ["utc", "local"] as const) {
    const micros = coerceScalar({ kind: "timestamp", zone }, value);
    if (micros !== undefined) return micros as bigint;
  }
  const days = coerceScalar({ kind: "date" }, value);
  return days === undefined ? undefined : dayMicros(days as number);
}

/** What a rule wants, for people. */
export function wantedText(rule: CheckRule): string {
  switch (rule.kind) {
    case "notNull":
      return "no nulls";
    case "unique":
      return "no value twice";
    case "accepted":
      return `one of ${rule.values.map(shownValue).join(", ")}`;
    case "range":
      return boundsText(rule.min, rule.max);
    case "pattern":
      return `matches ${rule.pattern}`;
    case "check":
      return "holds for each row";
    case "rowCount":
      return `${boundsText(rule.min, rule.max)} ${(rule.max ?? rule.min) === 1 ? "row" : "rows"}`;
    case "freshness":
      return `no older than ${Object.entries(rule.within)
        .map(([unit, count]) => `${count} ${unit}`)
        .join(" ")}`;
    case "references":
      return `found in ${rule.table} (${rule.columns.join(", ")})`;
    case "reconcile":
      return "what the source says";
    case "sql":
      return "finds no rows";
  }
}

function boundsText(min: CheckValue | undefined, max: CheckValue | undefined): string {
  const parts = [
    ...(min === undefined ? [] : [`at least ${shownValue(min)}`]),
    ...(max === undefined ? [] : [`at most ${shownValue(max)}`]),
  ];
  return parts.join(" and ");
}

function shownValue(value: CheckValue): string {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "an invalid Date" : value.toISOString();
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
