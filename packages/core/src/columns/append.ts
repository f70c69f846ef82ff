import { AlluviumError } from "../errors.ts";
import { fieldsOfHints, typeOfHint, type ColumnHints, type TypeHint } from "../schema/hints.ts";
import type { Schema } from "../schema/types.ts";
import type { Batch } from "./batch.ts";
import { columnBytes, truncateColumn, typedGroup, type AppendContext } from "./column.ts";
import { fieldsOf, finishGroup, recycleGroup } from "./column-finish.ts";
import { isStruct } from "./data-shape.ts";
import type { InferOptions } from "./said-type.ts";
import { putObject } from "./put.ts";
import { describeValue } from "./refuse.ts";

/** Options of {@link createAppender}. */
export interface AppenderOptions {
  /** Columns whose type is known, first and in this order. One of type `null` follows its values. @default none */
  readonly schema?: Schema;
  /** Types of single columns, stronger than `schema`. @default none */
  readonly columns?: ColumnHints;
  /** Types of columns by their names, for those that neither of the others names: that of the first pattern that matches. @default none */
  readonly columnPatterns?: readonly ColumnPattern[] | undefined;
  /** Which texts are more than text. @default none */
  readonly infer?: InferOptions | undefined;
}

/** A pattern for the names of columns, and their type. */
export type ColumnPattern = readonly [pattern: RegExp, type: TypeHint];

/** Turns rows into batches. */
export interface Appender {
  /**
   * Appends the enumerable properties of `row`; columns that it lacks become null. A row that is refused (`ALV_ROW_INVALID`,
   * naming row, column and value) leaves no trace, and the next one can be appended.
   */
  append(row: object): void;
  /** Rows since the last {@link Appender.finish}. */
  readonly length: number;
  /** About how many bytes they take. */
  readonly byteLength: number;
  /** Hands over the rows so far. Columns and types stay known: the schema is the same object until it grows. */
  finish(): Batch;
  /**
   * Takes back the arrays of a batch that this appender made, to build others in them: new memory costs the system's work and the collector's. Only
   * for a batch that nobody reads any more, once.
   */
  recycle(batch: Batch): void;
}

/** Rows for which an appender has room at first. */
const ROWS = 1024;

/**
 * An appender of rows to columns. Types follow the values unless given: integral numbers are `int64` until the column has seen a
 * fraction, NaN, an infinity or more than 2^53, then `float64`; bigints `int64`, beyond 64 bits `decimal(38,0)`; strings, booleans;
 * `Date` a `timestamp` in UTC; `Uint8Array` `binary`; arrays lists, plain objects structs, Maps maps. A column of nulls alone has
 * type `null` until its first value. Where a value of another kind turns up, the column is JSON text from then on, its rows so far included (`mixed` of
 * its type says what it was); of lists and structs only the element or member is. A column of given type takes values of that type only.
 *
 * Strings are stored as UTF-8; a lone surrogate becomes U+FFFD.
 *
 * @example
 * ```ts
 * const appender = createAppender({ columns: { total: { type: "decimal", precision: 18, scale: 2 } } });
 * for (const order of rows) appender.append(order);
 * const batch = appender.finish();
 * ```
 */
export function createAppender(options: AppenderOptions = {}): Appender {
  const { columns = {}, schema: given = { fields: [] }, infer = {}, columnPatterns = [] } = options;
  const patterns = columnPatterns.map(([pattern, hint]) => {
    return { pattern, type: typeOfHint(hint, `of the pattern ${pattern.source}`) };
  });
  const context: AppendContext = {
    row: 0,
    infer,
    typeOf: (name) => patterns.find(({ pattern }) => name.search(pattern) >= 0)?.type,
    rows: ROWS,
    undo: [],
  };
  let schema = options.columns === undefined ? given : { fields: fieldsOfHints(columns, given.fields) };
  const group = typedGroup(schema.fields, "", 0, context);
  const { undo } = context;
  let length = 0;

  function rollback(): void {
    for (let i = undo.length - 1; i >= 0; i--) undo[i]!();
    undo.length = 0;
    for (const column of group.columns.values()) truncateColumn(column, length);
  }

  return {
    append(row) {
      context.row += 1;
      if (typeof row !== "object" || row === null || Array.isArray(row))
        throw new AlluviumError(
          "ALV_ROW_INVALID",
          `row ${context.row} is not an object: ${describeValue(row)}`,
        );
      try {
        // One without a single property may be anything: a promise that was not awaited, a Map …
        if (!putObject(group, row, length) && !isStruct(row))
          throw new AlluviumError(
            "ALV_ROW_INVALID",
            `row ${context.row} is not a plain object: ${describeValue(row)}`,
          );
      } catch (error) {
        rollback();
        throw error;
      }
      if (undo.length > 0) undo.length = 0;
      length += 1;
    },
    get length() {
      return length;
    },
    get byteLength() {
      let bytes = 0;
      for (const column of group.columns.values()) bytes += columnBytes(column);
      return bytes;
    },
    finish() {
      const columns = finishGroup(group, length);
      const fields = fieldsOf(group, schema.fields);
      if (schema.fields !== fields) schema = { fields };
      const batch: Batch = { schema, length, columns };
      length = 0;
      return batch;
    },
    recycle: (batch) => recycleGroup(group, batch.columns),
  };
}
