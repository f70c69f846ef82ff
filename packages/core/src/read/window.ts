import type { Batch } from "../columns/batch.ts";
import { coerceScalar } from "../columns/coerce.ts";
import { materialize } from "../columns/dictionary.ts";
import { describeValue } from "../columns/refuse.ts";
import { isValid } from "../columns/vector.ts";
import { orderOf, pointOfScalar, type Point } from "../cursor/order.ts";
import { keepRows, type Rows } from "../cursor/rows.ts";
import { AlluviumError } from "../errors.ts";
import type { ColumnType } from "../schema/types.ts";

/** Values of a column to read: from `since`, inclusive, to `until`, exclusive. */
export interface Window {
  readonly since?: unknown;
  readonly until?: unknown;
}

/** The rows of a batch whose value lies in the window. Rows without a value lie in it only with `nulls`. */
export function rowsInWindow(batch: Batch, column: string, window: Window, nulls: boolean): Rows {
  const { since, until } = window;
  if (since === undefined && until === undefined) return undefined;
  const found = batch.columns[batch.schema.fields.findIndex(({ name }) => name === column)];
  const vector = found && materialize(found);
  const order = orderOf(vector, column);
  if (vector === undefined || vector.layout === "null") return nulls ? undefined : new Int32Array(0);
  const from = since === undefined ? undefined : order.comparerTo(pointOfValue(vector.type, since, column));
  const to = until === undefined ? undefined : order.comparerTo(pointOfValue(vector.type, until, column));
  return keepRows(undefined, batch.length, (row) => {
    if (order.hasNulls && order.isNull(row)) return nulls;
    return (from === undefined || from(row) >= 0) && (to === undefined || to(row) < 0);
  });
}

/** The rows that have a value. */
export function rowsWithValue(batch: Batch, column: string): Rows {
  const vector = batch.columns[batch.schema.fields.findIndex(({ name }) => name === column)];
  if (vector === undefined) return new Int32Array(0);
  if (vector.nullCount === 0) return undefined;
  return keepRows(undefined, batch.length, (row) => isValid(vector, row));
}

/** The point that a value of user code marks among those of a column. */
function pointOfValue(type: ColumnType, value: unknown, column: string): Point {
  const scalar = coerceScalar(type, value);
  const point =
    scalar !== undefined
      ? pointOfScalar(type, scalar)
      : typeof value === "number"
        ? pointOfScalar({ kind: "float64" }, value)
        : value instanceof Date && type.kind === "date"
          ? pointOfScalar(type, Math.floor(value.getTime() / 86_400_000))
          : undefined;
  if (point !== undefined) return point;
  throw new AlluviumError(
    "ALV_CONFIG",
    `${describeValue(value)} is no bound for the cursor column ${JSON.stringify(column)}, whose values are of type ${type.kind}`,
  );
}
