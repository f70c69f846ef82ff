import type { ColumnType } from "../schema/types.ts";
import { createColumn, type AppendContext } from "./column.ts";
import { finishColumn } from "./column-finish.ts";
import { putValue } from "./put.ts";
import type { Vector } from "./vector.ts";

/**
 * Values in user form as a vector of `type`, exactly; `null` and `undefined` become null. A value that is not of the type is
 * `ALV_ROW_INVALID`. For many rows use an appender or a builder.
 *
 * @example
 * ```ts
 * const totals = vectorOf({ kind: "decimal", precision: 18, scale: 2 }, ["12.50", 3, null]);
 * ```
 */
export function vectorOf(type: ColumnType, values: readonly unknown[]): Vector {
  const context: AppendContext = {
    row: 0,
    infer: {},
    typeOf: () => undefined,
    rows: values.length,
    undo: [],
  };
  const column = createColumn("value", "value", 0, context, type);
  values.forEach((value, row) => {
    context.row = row + 1;
    putValue(column, value, row);
  });
  return finishColumn(column, values.length);
}
