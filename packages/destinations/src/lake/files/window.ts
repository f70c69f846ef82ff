import { AlluviumError, type ColumnType, type Partition, type Schema } from "@alluvium/core";
import { compareScalars, parseScalar, scalarReader, type Batch, type Scalar } from "@alluvium/core/columns";
import type { ColumnStatistics, PartitionValues, TextCondition } from "../contract.ts";
import { derivedType, partitionName } from "./partition.ts";
import { partitionReader } from "./partition-text.ts";

/** What is known of a file without reading its rows: none of them is in the window, all are, or some may be. */
export type Coverage = "none" | "some" | "all";

/** A file as {@link Window.coverage} needs it. */
export interface FileFacts {
  readonly rows: number;
  readonly partition: PartitionValues;
  readonly columns: readonly ColumnStatistics[];
}

/**
 * A window of rows: all conditions hold. SQL's three values: a comparison with null is neither true nor false, so a row with a null
 * is outside; only `= null` asks for nulls. NaN is equal to itself and above every number. Text compares by UTF-8 bytes.
 */
export interface Window {
  /** Decides by partition values and statistics; errs towards `some`. */
  coverage(file: FileFacts): Coverage;
  /** Tells per row of a batch (with the table's columns) whether it is in the window. */
  rows(batch: Batch): (row: number) => boolean;
}

interface Test {
  readonly column: string;
  readonly type: ColumnType;
  readonly op: TextCondition["op"];
  readonly values: readonly Scalar[];
  readonly nulls: boolean;
  /** The partition column that it is about, if it is one. */
  readonly partition: Partition | undefined;
}

/** The window that `conditions` describe. Throws `ALV_CONFIG` for a column or value that the table cannot have. */
export function openWindow(
  conditions: readonly TextCondition[],
  schema: Schema,
  partitionBy: readonly Partition[],
): Window {
  const tests = conditions.map((condition) => compile(condition, schema, partitionBy));
  return {
    coverage(file) {
      let result: Coverage = "all";
      for (const test of tests) {
        const one = file.rows === 0 ? "none" : cover(test, file);
        if (one === "none") return "none";
        if (one === "some") result = "some";
      }
      return result;
    },
    rows(batch) {
      const readers = tests.map((test) => {
        const source = test.partition?.column ?? test.column;
        const index = batch.schema.fields.findIndex(({ name }) => name === source);
        const vector = batch.columns[index];
        if (vector === undefined || vector.layout === "null") return () => null;
        const transform = test.partition?.transform;
        return transform === undefined
          ? scalarReader(vector)
          : partitionReader({ name: test.column, type: test.type, source, transform }, vector);
      });
      return (row) => tests.every((test, i) => holds(test, readers[i]!(row)));
    },
  };
}

function compile(
  { column, op, value }: TextCondition,
  schema: Schema,
  partitionBy: readonly Partition[],
): Test {
  const partition = partitionBy.find((each) => partitionName(each) === column);
  const type =
    partition?.transform === undefined
      ? schema.fields.find(({ name }) => name === column)?.type
      : derivedType(partition.transform);
  if (type === undefined)
    throw new AlluviumError(
      "ALV_CONFIG",
      `the window names column ${column}, but the table has ${schema.fields.map(({ name }) => name).join(", ")}`,
    );
  const texts = Array.isArray(value) ? (value as readonly string[]) : value === null ? [] : [value as string];
  const values = texts.map((text) => {
    const scalar = parseScalar(type, text);
    if (scalar !== undefined) return scalar;
    throw new AlluviumError(
      "ALV_CONFIG",
      `the window compares column ${column} with ${JSON.stringify(text)}, which is no ${type.kind}`,
    );
  });
  return { column, type, op, values, nulls: value === null && op === "=", partition };
}

function holds({ op, values, nulls }: Test, value: Scalar | null): boolean {
  if (value === null) return nulls;
  return values.some((wanted) => compares(op, compareScalars(value, wanted)));
}

function compares(op: TextCondition["op"], order: number): boolean {
  switch (op) {
    case "=":
    case "in":
      return order === 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
  }
}

function cover(test: Test, file: FileFacts): Coverage {
  const { partition, type } = test;
  if (partition !== undefined && Object.hasOwn(file.partition, test.column)) {
    const text = file.partition[test.column]!;
    const value = text === null || text === "" ? null : parseScalar(type, text);
    return value === undefined ? "some" : holds(test, value) ? "all" : "none";
  }
  const statistics = file.columns.find(({ path }) => path.length === 1 && path[0] === test.column);
  return statistics === undefined ? "some" : byStatistics(test, file.rows, statistics);
}

function byStatistics(test: Test, rows: number, { nulls, min, max }: ColumnStatistics): Coverage {
  const { op, values, type } = test;
  if (nulls === rows) return test.nulls ? "all" : "none";
  if (test.nulls) return nulls === 0 ? "none" : "some";
  const low = min === undefined ? undefined : parseScalar(type, min);
  const high = max === undefined ? undefined : parseScalar(type, max);
  if (!values.some((value) => mayHold(op, value, low, high))) return "none";
  if (nulls > 0 || low === undefined || high === undefined) return "some";
  return values.some((value) => mustHold(op, value, low, high)) ? "all" : "some";
}

/** Whether a value in [low, high] can satisfy the comparison. */
function mayHold(
  op: TextCondition["op"],
  value: Scalar,
  low: Scalar | undefined,
  high: Scalar | undefined,
): boolean {
  const fromLow = low === undefined ? -1 : compareScalars(low, value);
  const fromHigh = high === undefined ? 1 : compareScalars(high, value);
  switch (op) {
    case "=":
    case "in":
      return fromLow <= 0 && fromHigh >= 0;
    case "<":
    case "<=":
      return compares(op, fromLow);
    case ">":
    case ">=":
      return compares(op, fromHigh);
  }
}

/** Whether every value in [low, high] satisfies the comparison. */
function mustHold(op: TextCondition["op"], value: Scalar, low: Scalar, high: Scalar): boolean {
  return compares(op, compareScalars(low, value)) && compares(op, compareScalars(high, value));
}
