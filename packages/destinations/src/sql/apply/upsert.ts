import type { RowCounts } from "@alluvium/core";
import type { SqlContext } from "../context.ts";
import { keyFields } from "../pending-table.ts";
import { equalColumns } from "../standard.ts";
import { changesOf, truncationOf } from "../union.ts";
import type { TableChange } from "./change.ts";
import { runCounted } from "./counted.ts";
import { foldedRows, foldQuery, hasRepeats, mayDelete, orderField } from "./fold.ts";
import { insertRows, isEmptied } from "./insert.ts";
import { withOutcomes } from "./outcomes.ts";
import { withWorkTable } from "./work-table.ts";

/** Puts rows in place of those of their keys. */
export async function upsert(context: SqlContext, change: TableChange): Promise<RowCounts> {
  const { connection, dialect } = context;
  const { plan, schema, staged, target } = change;
  const keys = keyFields(plan, schema);
  const table = dialect.table(plan.table);
  if (!target.create && truncationOf(staged) !== undefined)
    await connection.execute({ text: dialect.clear(plan.table) });
  const empty = isEmptied(change);
  const put = (source: string, deletes: boolean, matches?: string): Promise<RowCounts> =>
    empty
      ? insertRows(context, change, source)
      : runCounted(
          context,
          dialect.upsert({
            target: table,
            source,
            matches,
            keys,
            columns: schema.fields,
            deletes,
            known: "replace",
          }),
        );
  if (staged.some(({ form }) => form === "partial")) return withOutcomes(context, change, put);
  const order = orderField(plan, schema.fields);
  const deletes = mayDelete(change);
  if (order === undefined && !deletes && !(await hasRepeats(context, change, keys)))
    return put(`(select c.*, false as _alv_delete from ${changesOf(dialect, staged, schema)} as c)`, false);
  return withWorkTable(context, foldQuery(context, change, keys), async (folded) => {
    if (order !== undefined && !empty) {
      const [theirs, ours] = [`t.${dialect.quote(order.name)}`, `s.${dialect.quote(order.name)}`];
      const greater = `${dialect.ordered(theirs, order.type)} > ${dialect.ordered(ours, order.type)}`;
      await connection.execute({
        text: `delete from ${folded} as s using ${table} as t where ${equalColumns(keys)} and not s._alv_sure and (${greater} or (${ours} is null and ${theirs} is not null))`,
      });
    }
    return put(foldedRows(context, change, folded), deletes, folded);
  });
}
