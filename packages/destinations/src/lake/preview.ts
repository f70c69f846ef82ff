import type { LoadPlan, TablePlan, TablePreview } from "@alluvium/core";
import { applyContext } from "./apply-change.ts";
import type { LakeContext } from "./context.ts";
import type { TableChange } from "./contract.ts";
import { inspect } from "./open-tables.ts";
import { tableDirectory } from "./paths.ts";
import { plannedSchema } from "./planned-schema.ts";

/** What a load with this plan would do to the definitions of tables. */
export async function previewTables(context: LakeContext, plan: LoadPlan): Promise<readonly TablePreview[]> {
  const previews: TablePreview[] = [];
  for (const table of plan.tables) {
    const statements = await statementsOf(context, plan.loadId, table);
    previews.push({ table: table.table, statements });
  }
  return previews;
}

async function statementsOf(
  context: LakeContext,
  loadId: string,
  plan: TablePlan,
): Promise<readonly string[]> {
  const { table, partitionBy } = plan;
  const schema = plannedSchema(plan, plan.schema);
  if (schema.fields.length === 0) return [];
  context.format.check?.(table, schema, partitionBy);
  const found = await inspect(context, table);
  const change: TableChange = {
    table,
    directory: tableDirectory(table),
    tableId: found?.id ?? "",
    create: found === undefined,
    operation: { kind: "append" },
    schema,
    schemaChanged: true,
    ...(plan.restart === "tables" && found !== undefined && { newColumns: true }),
    partitionBy,
    files: [],
    obsolete: [],
    ownership: "shared",
  };
  const load = { ...context.pipeline, incarnation: "", sequence: 0, loadId, runId: context.runId };
  return (await context.format.preview?.(change, applyContext(context, load))) ?? [];
}
