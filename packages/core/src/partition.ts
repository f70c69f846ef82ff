import type { Partition } from "./stream.ts";

/** A partition derived from a date or timestamp column. */
export interface DerivedPartition<Column extends string = string> extends Partition {
  readonly column: Column;
  readonly transform: "year" | "month" | "day" | "hour";
}

/** Partitions by the year of a date or timestamp column, in a column `<column>_year` (a number). Instants count in UTC. */
export function year<const Column extends string>(column: Column): DerivedPartition<Column> {
  return { column, transform: "year" };
}

/** Partitions by the month of a date or timestamp column, in a column `<column>_month` (a number). Instants count in UTC. */
export function month<const Column extends string>(column: Column): DerivedPartition<Column> {
  return { column, transform: "month" };
}

/**
 * Partitions by the day of a date or timestamp column, in a column `<column>_day` (a date). Instants count in UTC.
 *
 * @example
 * ```ts
 * resource({ name: "orders", schema: typed<Order>(), partitionBy: ["country", day("createdAt")], read });
 * ```
 */
export function day<const Column extends string>(column: Column): DerivedPartition<Column> {
  return { column, transform: "day" };
}

/** Partitions by the hour of a timestamp column, in a column `<column>_hour` (a number). Instants count in UTC. */
export function hour<const Column extends string>(column: Column): DerivedPartition<Column> {
  return { column, transform: "hour" };
}
