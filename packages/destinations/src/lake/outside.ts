import { AlluviumError, type TablePlan, type Schema } from "@alluvium/core";
import { describeValue, rowsOf, type Batch } from "@alluvium/core/columns";
import { textConditions } from "./conditions.ts";
import { openWindow } from "./files/window.ts";

/**
 * Refuses rows outside the window that a load replaces (`ALV_ROW_INVALID`): no later load would take them away, so they would be there
 * once more after each.
 */
export function refuseOutside(plan: TablePlan, batch: Batch, schema: Schema): void {
  const { table, disposition, partitionBy } = plan;
  if (disposition.kind === "merge") return;
  const where = disposition.kind === "append" ? disposition.replaceWhere : disposition.where;
  if (where === undefined) return;
  const inside = openWindow(textConditions(table, where, schema, partitionBy), schema, partitionBy).rows(
    batch,
  );
  for (let row = 0; row < batch.length; row++) {
    if (inside(row)) continue;
    const values = rowsOf(batch)[row] as Readonly<Record<string, unknown>>;
    const conditions = where.map(({ column, op, value }) => `${column} ${op} ${describeValue(value)}`);
    const found = Object.fromEntries(where.map(({ column }) => [column, values[column]]));
    throw new AlluviumError(
      "ALV_ROW_INVALID",
      `a row of table ${table} with ${describeValue(found)} is outside the window that the load replaces (${conditions.join(" and ")}), so it would be there once more after each load: filter such rows out, or widen the window`,
      { resource: table },
    );
  }
}
