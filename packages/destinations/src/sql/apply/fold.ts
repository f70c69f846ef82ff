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
 * Whole-row changes after the last truncate, folded to one for each key: a query that gives the keys, the order column where there is one,
 * `_alv_number` (which change it is), `_alv_delete`, and where rows have an order `_alv_sure` (it counts whatever is stored, because a delete
 * by key alone came before it). {@link foldedRows} are their rows.
 *
 * With an order the row with the greatest value is left; a delete without a value starts anew. Else the last one.
 */
export function foldQuery(context: SqlContext, change: TableChange, keys: readonly Field[]): string {
  const { dialect } = context;
  const { plan, schema, staged } = change;
  const order = orderField(plan, schema.fields);
  const flag = schema.fields.filter(({ name }) => name === plan.merge?.deleteFlag);
  const needed = [...keys, ...(order === undefined ? [] : [order]), ...flag];
  const fields = needed.filter((field, i) => needed.findIndex(({ name }) => name === field.name) === i);
  const columns = `${nameList(fields, "c.")}, c._alv_number`;
  const partition = nameList(keys, "c.");
  const changes = changesOf(dialect, staged, { fields }, { after: truncationOf(staged) });
  const remove = deletes(context, plan, "c");
  const found = `${nameList(fields, "f.")}, f._alv_number, f._alv_delete`;
  if (order === undefined)
    return `select ${found} from (select ${columns}, ${remove} as _alv_delete, row_number() over (partition by ${partition} order by c._alv_seq desc) as _alv_rank from ${changes} as c) as f where f._alv_rank = 1`;
  const value = `c.${dialect.quote(order.name)}`;
  const resets = `max(case when ${remove} and ${value} is null then c._alv_seq end) over (partition by ${partition})`;
  const inner = `select c.*, ${remove} as _alv_delete, ${resets} as _alv_reset from ${changes} as c`;
  const ordered = dialect.ordered(value, order.type);
  return `select ${found}, f._alv_sure from (select ${columns}, c._alv_delete, c._alv_reset is not null as _alv_sure, row_number() over (partition by ${partition} order by ${ordered} desc nulls last, c._alv_seq desc) as _alv_rank from (${inner}) as c where c._alv_reset is null or c._alv_seq >= c._alv_reset) as f where f._alv_rank = 1`;
}

/** The rows of folded changes as a relation in brackets, with the columns of the table and `_alv_delete`. */
export function foldedRows({ dialect }: SqlContext, { staged, schema }: TableChange, folded: string): string {
  const changes = changesOf(dialect, staged, schema);
  return `(select ${nameList(schema.fields, "c.")}, w._alv_delete from ${changes} as c join ${folded} as w on c._alv_number = w._alv_number)`;
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
