import { deepEqual } from "node:assert/strict";
import type { Batch } from "../columns/batch.ts";
import { vectorOf } from "../columns/values.ts";
import type { ColumnType, Schema } from "../schema/types.ts";

/** One case of a conformance suite. */
export interface SuiteCase {
  readonly name: string;
  /** Rejects where the contract does not hold, saying how. */
  readonly run: () => Promise<void>;
}

/** Some columns with their values in user form, as a batch. */
export function batchOf(
  columns: Readonly<Record<string, readonly [type: ColumnType, values: readonly unknown[]]>>,
): Batch {
  const entries = Object.entries(columns);
  const schema: Schema = { fields: entries.map(([name, [type]]) => ({ name, type, nullable: true })) };
  return {
    schema,
    length: entries[0]?.[1][1].length ?? 0,
    columns: entries.map(([, [type, values]]) => vectorOf(type, values)),
  };
}

/** Compares rows in any order, each value by its text: readers differ in how they give integers. Absent and null are the same. */
export function equalRows(
  actual: readonly Readonly<Record<string, unknown>>[],
  expected: readonly Readonly<Record<string, unknown>>[],
  message: string,
): void {
  const columns = [...new Set(expected.flatMap((row) => Object.keys(row)))].sort();
  const texts = (rows: readonly Readonly<Record<string, unknown>>[]): string[] =>
    rows.map((row) => columns.map((name) => `${name}=${valueText(row[name])}`).join(" ")).sort();
  deepEqual(texts(actual), texts(expected), message);
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return "null";
  // Integers as number, bigint or text are the same.
  return typeof value === "object"
    ? JSON.stringify(value)
    : (value as string | number | bigint | boolean).toString();
}
