import { AlluviumError, type TablePlan } from "@alluvium/core";
import type { SqlTable } from "./engine.ts";
import { systemTables } from "./names.ts";
import { refuseShared, targetOf } from "./ownership.ts";
import { PendingTable } from "./pending-table.ts";
import { entriesOf } from "./registry.ts";
import { refuseParked, type SessionState } from "./session-state.ts";
import { knownSchema } from "./table-info.ts";
import { refuseValidityNames } from "./validity.ts";

/** Opens a table for the loads of a session, or takes the new plan of one that is open. */
export async function openTable(session: SessionState, plan: TablePlan): Promise<void> {
  const { context, tables } = session;
  const { table } = plan;
  refuseParked(session, plan.stream);
  refuseShared(context, plan);
  const open = tables.get(table);
  if (open !== undefined) {
    open.plan = plan;
    if (!session.restarted.has(table)) open.restart ??= plan.restart;
    return;
  }
  if (Object.values<string>(systemTables).includes(table) || table.startsWith("_alv_parked"))
    throw new AlluviumError(
      "ALV_NAME_COLLISION",
      `the table name ${table} is kept for Alluvium's own use: rename it with \`as\``,
      { resource: table },
    );
  const found = await context.connection.inspect(table);
  refuseUnknownTypes(plan, found);
  refuseValidityNames(plan, plan.schema);
  const entries = await entriesOf(context, table);
  const target = targetOf(context, plan, { found, entries, state: session.newest });
  const resync = target.entry?.resync === true ? "data" : undefined;
  tables.set(
    table,
    new PendingTable(context, {
      plan,
      target,
      committed: target.create || found === undefined ? undefined : knownSchema(found),
      restart: plan.restart ?? resync,
    }),
  );
}

/** A column of a type that is none of ours cannot take values. */
function refuseUnknownTypes({ table, schema }: TablePlan, found: SqlTable | undefined): void {
  const odd = found?.columns.find(
    ({ name, type }) => type === undefined && schema.fields.some((field) => field.name === name),
  );
  if (odd === undefined) return;
  throw new AlluviumError(
    "ALV_UNSUPPORTED",
    `column ${odd.name} of table ${table} has type ${odd.native}, which no column of a load is stored as: give it another type, or load into another table with \`as\``,
    { resource: table },
  );
}
