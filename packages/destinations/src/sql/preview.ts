import type { LoadPlan, TablePlan, TablePreview } from "@alluvium/core";
import { boundSchema } from "@alluvium/core/schema";
import type { TableChange } from "./apply/change.ts";
import { definitionStatements, indexStatements } from "./apply/define.ts";
import type { SqlContext } from "./context.ts";
import type { SqlTable } from "./engine.ts";
import { grownSchema } from "./grow.ts";
import type { SessionState } from "./session-state.ts";
import { withFields } from "./staged-changes.ts";
import { knownSchema } from "./table-info.ts";
import { ownColumns, validityFields, validityOf } from "./validity.ts";

/** What a load with this plan would do to the definitions of tables. */
export async function previewTables(
  { context }: SessionState,
  plan: LoadPlan,
): Promise<readonly TablePreview[]> {
  const previews: TablePreview[] = [];
  for (const table of plan.tables) {
    const found = await context.connection.inspect(table.table);
    previews.push({ table: table.table, statements: await statementsOf(context, table, found) });
  }
  return previews;
}

async function statementsOf(
  context: SqlContext,
  plan: TablePlan,
  found: SqlTable | undefined,
): Promise<readonly string[]> {
  const own = ownColumns(plan, boundSchema(plan.schema));
  const validity = validityOf(plan);
  if (own.fields.length === 0) return [];
  const bound = validity === undefined ? own : withFields(own, validityFields(validity));
  const before = found && knownSchema(found);
  const change: TableChange = {
    plan,
    target: { tableId: "", create: found === undefined, identify: false, entry: undefined },
    before,
    schema: plan.restart === "tables" ? bound : grownSchema(before, bound),
    schemaChanges: [],
    staged: [],
    restart: found === undefined ? undefined : plan.restart,
    ended: false,
  };
  return [...(await definitionStatements(context, change)), ...indexStatements(context, change, found)];
}
