import { AlluviumError, windowOf, type Field, type Schema, type TablePlan } from "@alluvium/core";
import { describeValue } from "@alluvium/core/columns";
import { textConditions } from "../lake/conditions.ts";
import type { SqlContext } from "./context.ts";
import type { SqlDialect } from "./dialect.ts";
import type { SqlValue } from "./engine.ts";
import type { StagedRows } from "./pending-table.ts";

/** A condition with its parameters. */
export interface SqlCondition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/**
 * The window that a plan replaces as a condition on columns of `alias`; `undefined` where it replaces none. Throws `ALV_CONFIG` naming
 * table, column and value for a column that is not there or a value that has no exact form in the column's type.
 */
export function windowCondition(
  dialect: SqlDialect,
  plan: TablePlan,
  schema: Schema,
  alias: string,
): SqlCondition | undefined {
  const where = windowOf(plan.disposition);
  if (where === undefined) return undefined;
  const values: SqlValue[] = [];
  const conditions = textConditions(plan.table, where, schema, []).map(({ column, op, value }) => {
    const { name, type } = schema.fields.find((field) => field.name === column) as Field;
    const left = `${alias}.${dialect.quote(name)}`;
    if (value === null) return `${left} is null`;
    const bind = (text: string): string => {
      const bound = dialect.bind(type, text, values.length + 1);
      values.push(bound.value);
      return dialect.ordered(bound.sql, type);
    };
    if (typeof value === "string") return `${dialect.ordered(left, type)} ${op} ${bind(value)}`;
    return value.length === 0 ? "false" : `${dialect.ordered(left, type)} in (${value.map(bind).join(", ")})`;
  });
  return { sql: conditions.length === 0 ? "true" : conditions.join(" and "), values };
}

/**
 * Refuses staged rows outside the window that a load replaces (`ALV_ROW_INVALID`): no later load would take them away, so they would be
 * there once more after each.
 */
export async function refuseOutside(
  { connection, dialect }: SqlContext,
  plan: TablePlan,
  schema: Schema,
  staged: readonly StagedRows[],
): Promise<void> {
  const where = windowOf(plan.disposition);
  const window = windowCondition(dialect, plan, schema, "s");
  if (where === undefined || window === undefined) return;
  for (const { segment, rows, schema: own } of staged) {
    if (rows === 0) continue;
    const missing = where.find(({ column }) => !own.fields.some(({ name }) => name === column));
    const columns = [...new Set(where.map(({ column }) => column))];
    const [row] =
      missing === undefined
        ? await connection.query({
            text: `select ${columns.map((name) => `cast(s.${dialect.quote(name)} as varchar) as ${dialect.quote(name)}`).join(", ")} from ${segment.relation} as s where (${window.sql}) is not true limit 1`,
            values: window.values,
          })
        : [{ [missing.column]: null }];
    if (row === undefined) continue;
    const conditions = where.map(({ column, op, value }) => `${column} ${op} ${describeValue(value)}`);
    throw new AlluviumError(
      "ALV_ROW_INVALID",
      `a row of table ${plan.table} with ${describeValue(row)} is outside the window that the load replaces (${conditions.join(" and ")}), so it would be there once more after each load: filter such rows out, or widen the window`,
      { resource: plan.table },
    );
  }
}
