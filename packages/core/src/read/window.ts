import { columnOf, type Batch } from "../columns/batch.ts";
import { coerceScalar } from "../columns/coerce.ts";
import { describeValue } from "../columns/refuse.ts";
import { orderIn, pointOfScalar, type Point } from "../cursor/order.ts";
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
  const type = columnOf(batch, column)?.type ?? { kind: "null" };
  const order = orderIn(batch, column);
  const [from, to] = [window.since, window.until].map((value) =>
    value === undefined || type.kind === "null"
      ? undefined
      : order.comparerTo(pointOfValue(type, value, column)),
  );
  return keepRows(undefined, batch.length, (row) =>
    order.isNull(row) ? nulls : (from === undefined || from(row) >= 0) && (to === undefined || to(row) < 0),
  );
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
