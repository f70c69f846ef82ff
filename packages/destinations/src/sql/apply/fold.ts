import type { Field, TablePlan } from "@alluvium/core";
import { ChangeOp } from "@alluvium/core/columns";
import type { SqlContext } from "../context.ts";
import { nameList } from "../standard.ts";
import { changesOf, truncationOf } from "../union.ts";
import type { TableChange } from "./change.ts";

/** A condition that a staged change `alias` deletes its key. */
export function deletes(context: SqlContext, { merge }: TablePlan, alias: string): string {
  const op = `${alias}._alv_op = ${ChangeOp.delete}`;
  const flag = merge?.deleteFlag;
  return flag === undefined ? op : `(${op} or ${alias}.${context.dialect.quote(flag)} is true)`;
}

/** Whether a load may have rows that delete. */
export function mayDelete({ plan, staged }: TableChange): boolean {
  return plan.merge?.deleteFlag !== undefined || staged.some(({ form }) => form !== "rows");
}

/**
 * Whole-row changes after the last truncate, folded to one row for each key: a query that gives the columns of the table, `_alv_delete`, and
 * where rows have an order `_alv_sure` (the row counts whatever is stored, because a delete by key alone came before it).
 *
 * With an order the row with the greatest value is left; a delete without a value starts anew. Else the last one.
 */
export function foldQuery(context: SqlContext, change: TableChange, keys: readonly Field[]): string {
  const { dialect } = context;
  const { plan, schema, staged } = change;
  const columns = nameList(schema.fields, "c.");
  const partition = nameList(keys, "c.");
  const changes = changesOf(dialect, staged, schema, { after: truncationOf(staged) });
  const remove = deletes(context, plan, "c");
  const order = orderField(plan, schema.fields);
  if (order === undefined)
    return `select ${nameList(schema.fields, "f.")}, f._alv_delete from (select ${columns}, ${remove} as _alv_delete, row_number() over (partition by ${partition} order by c._alv_seq desc) as _alv_rank from ${changes} as c) as f where f._alv_rank = 1`;
  const value = `c.${dialect.quote(order.name)}`;
  const resets = `max(case when ${remove} and ${value} is null then c._alv_seq end) over (partition by ${partition})`;
  const inner = `select c.*, ${remove} as _alv_delete, ${resets} as _alv_reset from ${changes} as c`;
  const ordered = dialect.ordered(value, order.type);
  return `select ${nameList(schema.fields, "f.")}, f._alv_delete, f._alv_sure from (select ${columns}, c._alv_delete, c._alv_reset is not null as _alv_sure, row_number() over (partition by ${partition} order by ${ordered} desc nulls last, c._alv_seq desc) as _alv_rank from (${inner}) as c where c._alv_reset is null or c._alv_seq >= c._alv_reset) as f where f._alv_rank = 1`;
}

/** The order column of a merge, where it has one. */
export function orderField({ merge }: TablePlan, fields: readonly Field[]): Field | undefined {
  return fields.find(({ name }) => name === merge?.orderBy);
}

/** Whether a key occurs more than once in a load of plain rows. */
export async function hasRepeats(
  { connection, dialect }: SqlContext,
  { staged, schema }: TableChange,
  keys: readonly Field[],
): Promise<boolean> {
  const names = nameList(keys, "c.");
  const only = { fields: schema.fields.filter(({ name }) => keys.some((key) => key.name === name)) };
  const rows = await connection.query({
    text: `select 1 as n from ${changesOf(dialect, staged, only)} as c group by ${names} having count(*) > 1 limit 1`,
  });
  return rows.length > 0;
}
