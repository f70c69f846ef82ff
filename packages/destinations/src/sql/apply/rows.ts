import type { RowCounts, TablePlan } from "@alluvium/core";
import type { SqlContext } from "../context.ts";
import { nameList } from "../standard.ts";
import { unionOf } from "../union.ts";
import { windowCondition } from "../window.ts";
import type { TableChange } from "./change.ts";
import { deleteInsert } from "./delete-insert.ts";
import { history } from "./history.ts";
import { insertOnly } from "./insert-only.ts";
import { upsert } from "./upsert.ts";

/** Puts the rows of a load into their table as its disposition says, in the transaction of the load. */
export async function applyRows(
  context: SqlContext,
  change: TableChange,
  now: bigint,
): Promise<RowCounts | undefined> {
  const { disposition } = change.plan;
  if (disposition.kind !== "merge") {
    await putRows(context, change);
    return undefined;
  }
  switch (disposition.strategy) {
    case "upsert":
      return upsert(context, change);
    case "insertOnly":
      return insertOnly(context, change);
    case "deleteInsert":
      return deleteInsert(context, change);
    case "scd2":
      return history(context, change, now);
  }
}

/** What a load does, for people. */
export function operationOf({ disposition }: TablePlan): string {
  if (disposition.kind === "merge") return disposition.strategy;
  const where = disposition.kind === "append" ? disposition.replaceWhere : disposition.where;
  return where === undefined ? disposition.kind : "replaceWhere";
}

async function putRows(
  { connection, dialect }: SqlContext,
  { plan, schema, staged, target, restart }: TableChange,
): Promise<void> {
  const table = dialect.table(plan.table);
  const window = windowCondition(dialect, plan, schema, "t");
  if (target.create || restart !== undefined) {
    // There is nothing that could go.
  } else if (window !== undefined)
    await connection.execute({
      text: `delete from ${table} as t where ${window.sql}`,
      values: window.values,
    });
  else if (plan.disposition.kind === "replace") await connection.execute({ text: dialect.clear(plan.table) });
  for (const rows of staged) {
    if (rows.rows === 0) continue;
    const columns = nameList(rows.schema.fields);
    await connection.execute({
      text: `insert into ${table} (${columns}) select ${columns} from ${unionOf(dialect, [rows], rows.schema)} as s`,
    });
  }
}
