import type { ColumnType } from "@alluvium/core";
import { compareScalars, parseScalar, type Scalar } from "@alluvium/core/columns";
import type { AddFile } from "../log/actions.ts";
import type { Column } from "./columns.ts";
import { parsePartitionValue } from "./partition.ts";
import { matches, type Predicate } from "./predicate.ts";

/** What is known of a file without opening it: no row matches, every row does, or some may. */
export type Coverage = "none" | "all" | "some";

/** Decides by partition values and statistics which rows of a file satisfy all predicates. Errs towards `some`. */
export function coverage(add: AddFile, predicates: readonly Predicate[]): Coverage {
  let result: Coverage = "all";
  let stats: Statistics | undefined | null = null;
  for (const predicate of predicates) {
    let one: Coverage;
    if (predicate.column.partition) {
      const value = parsePartitionValue(predicate.column, add);
      one = matches(predicate, value) ? "all" : "none";
    } else {
      if (stats === null) stats = parseStatistics(add.stats);
      one = stats === undefined ? "some" : byStatistics(predicate, stats);
    }
    if (one === "none") return "none";
    if (one === "some") result = "some";
  }
  return result;
}

/** A file's statistics; numbers as the text that the log holds. */
export interface Statistics {
  readonly numRecords?: string | number;
  readonly minValues?: Tree;
  readonly maxValues?: Tree;
  readonly nullCount?: Tree;
}
type Tree = { readonly [name: string]: string | boolean | null | Tree };

/** Reads statistics, every number to the letter. Damaged ones are as good as none. */
export function parseStatistics(text: string | null | undefined): Statistics | undefined {
  if (text === null || text === undefined || text === "") return undefined;
  try {
    const stats: unknown = JSON.parse(text, ((_key: string, value: unknown, context?: { source?: string }) =>
      typeof value === "number" ? (context?.source ?? String(value)) : value) as (
      key: string,
      value: unknown,
    ) => unknown);
    return typeof stats === "object" && stats !== null ? (stats as Statistics) : undefined;
  } catch {
    return undefined;
  }
}

/** Rows in the data file, deleted ones included; `undefined` where the log does not say. */
export function recordCount(add: AddFile): number | undefined {
  const count = Number(parseStatistics(add.stats)?.numRecords ?? Number.NaN);
  return Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

function byStatistics({ column, op, values, matchesNull }: Predicate, stats: Statistics): Coverage {
  const records = Number(stats.numRecords ?? Number.NaN);
  const nulls = Number(leaf(stats.nullCount, column) ?? Number.NaN);
  if (records === 0) return "none";
  // Only "no nulls" and "nothing but nulls" hold also where rows are deleted.
  if (nulls === records) return matchesNull ? "all" : "none";
  const noNulls = nulls === 0;
  const min = lowerBound(column, leaf(stats.minValues, column));
  const max = upperBound(column, leaf(stats.maxValues, column));
  // NaN is above every number and in no bound.
  const isFloat = column.type.kind === "float32" || column.type.kind === "float64";
  const trustedMax = isFloat ? undefined : max;
  const may = values.filter((value) => mayMatch(op, value, min, trustedMax));
  if (may.length === 0 && !(matchesNull && !noNulls)) return "none";
  if (!noNulls && !matchesNull) return "some";
  return values.some((value) => mustMatch(op, value, min, trustedMax)) ? "all" : "some";
}

function mayMatch(
  op: Predicate["op"],
  value: Scalar,
  min: Scalar | undefined,
  max: Scalar | undefined,
): boolean {
  const belowMin = min === undefined ? undefined : compareScalars(value, min);
  const aboveMax = max === undefined ? undefined : compareScalars(value, max);
  switch (op) {
    case "=":
    case "in":
      return !(belowMin !== undefined && belowMin < 0) && !(aboveMax !== undefined && aboveMax > 0);
    case "<":
      return belowMin === undefined || belowMin > 0;
    case "<=":
      return belowMin === undefined || belowMin >= 0;
    case ">":
      return aboveMax === undefined || aboveMax < 0;
    case ">=":
      return aboveMax === undefined || aboveMax <= 0;
  }
}

function mustMatch(
  op: Predicate["op"],
  value: Scalar,
  min: Scalar | undefined,
  max: Scalar | undefined,
): boolean {
  switch (op) {
    case "=":
    case "in":
      return (
        min !== undefined &&
        max !== undefined &&
        compareScalars(min, value) === 0 &&
        compareScalars(max, value) === 0
      );
    case "<":
      return max !== undefined && compareScalars(max, value) < 0;
    case "<=":
      return max !== undefined && compareScalars(max, value) <= 0;
    case ">":
      return min !== undefined && compareScalars(min, value) > 0;
    case ">=":
      return min !== undefined && compareScalars(min, value) >= 0;
  }
}

/** The bounds that hold for every value of a top-level column, moved outwards by what its writer may have cut off. */
export function boundsOf(
  column: Column,
  { minValues, maxValues }: Statistics,
): { readonly min: Scalar | undefined; readonly max: Scalar | undefined } {
  return {
    min: lowerBound(column, leaf(minValues, column)),
    max: upperBound(column, leaf(maxValues, column)),
  };
}

/** How many nulls a top-level column is said to have. */
export function nullsOf(column: Column, { nullCount }: Statistics): number | undefined {
  const count = Number(leaf(nullCount, column) ?? Number.NaN);
  return Number.isSafeInteger(count) ? count : undefined;
}

function leaf(tree: Tree | undefined, { physical }: Column): string | boolean | undefined {
  const value = tree?.[physical];
  return typeof value === "string" || typeof value === "boolean" ? value : undefined;
}

function lowerBound(column: Column, bound: string | boolean | undefined): Scalar | undefined {
  return bound === undefined ? undefined : outward(column.type, String(bound), -1);
}

function upperBound(column: Column, bound: string | boolean | undefined): Scalar | undefined {
  return bound === undefined ? undefined : outward(column.type, String(bound), 1);
}

/**
 * A bound moved outwards by as much as its writer may have cut off: timestamps to milliseconds (Spark), decimals to a double
 * (delta-rs logs -1.2345678901234567E+19 for a value that is smaller), text to a prefix.
 */
function outward(type: ColumnType, text: string, side: -1 | 1): Scalar | undefined {
  const value = parseScalar(type, text);
  if (value === undefined || Number.isNaN(value)) return undefined;
  switch (type.kind) {
    case "timestamp":
      return side === 1 && (value as bigint) % 1000n === 0n ? (value as bigint) + 999n : value;
    case "decimal": {
      const digits = text.replace(/e.*$/i, "").replace(/\D/g, "").replace(/^0+/, "");
      if (digits.length < 16 && !/e/i.test(text)) return value;
      const unscaled = value as bigint;
      const slack = ((unscaled < 0n ? -unscaled : unscaled) >> 50n) + 1n;
      return unscaled + BigInt(side) * slack;
    }
    case "string":
      // Not every writer rounds up what it cuts; nothing that begins with the bound is above this.
      return side === 1 && (value as string).length >= 32 ? `${value as string}\u{10FFFF}` : value;
    case "binary":
    case "boolean":
      // Writers differ in how they put these into JSON.
      return undefined;
    default:
      return value;
  }
}
