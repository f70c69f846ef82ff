import type { RowCounts } from "@alluvium/core";
import { ChangeOp } from "@alluvium/core/columns";
import type { SqlContext } from "../context.ts";
import type { SqlStatement } from "../engine.ts";
import { keyFields } from "../pending-table.ts";
import { changesOf, truncationOf } from "../union.ts";
import type { TableChange } from "./change.ts";
import { foldedRows, foldQuery } from "./fold.ts";
import { insertRows, isEmptied } from "./insert.ts";
import { withOutcomes } from "./outcomes.ts";
import { withWorkTable } from "./work-table.ts";

/** Deletes all rows of the merge keys in a load, and of its keys, then adds its rows. */
export async function deleteInsert(context: SqlContext, change: TableChange): Promise<RowCounts> {
  const { connection, dialect } = context;
  const { plan, schema, staged, target } = change;
  const columns = keyFields(plan, schema);
  const table = dialect.table(plan.table);
  if (!target.create && truncationOf(staged) !== undefined)
    await connection.execute({ text: dialect.clear(plan.table) });
  const put = async (source: string, matches = source): Promise<RowCounts> => {
    let deleted = 0;
    // Keys that no row is left of are in the outcomes too, as deletes.
    const statements = [
      ...dialect.deleteMatching({ target: table, source: matches, columns, nullable: false }),
      ...mergeKeyStatements(context, change, table),
    ];
    if (!isEmptied(change))
      for (const statement of statements) deleted += await connection.execute(statement);
    return { ...(await insertRows(context, change, source)), deleted };
  };
  if (staged.some(({ form }) => form === "partial"))
    return withOutcomes(context, change, (source) => put(source));
  return withWorkTable(context, foldQuery(context, change, columns), (folded) =>
    put(foldedRows(context, change, folded), folded),
  );
}

function mergeKeyStatements(
  { dialect }: SqlContext,
  { plan, schema, staged }: TableChange,
  table: string,
): readonly SqlStatement[] {
  const names = plan.merge?.mergeKey;
  if (names === undefined) return [];
  const columns = keyFields({ ...plan, primaryKey: names }, schema);
  const changes = changesOf(dialect, staged, { fields: columns }, { after: truncationOf(staged) });
  const rows = `(select * from ${changes} as c where c._alv_op in (${ChangeOp.insert}, ${ChangeOp.update}))`;
  return dialect.deleteMatching({ target: table, source: rows, columns, nullable: true });
}
