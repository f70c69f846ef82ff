import type { TablePlan } from "@alluvium/core";
import type { SqlContext } from "../context.ts";

/** Takes away the rows of a child table whose root is gone; gives their number. */
export async function followRoots(
  { connection, dialect }: SqlContext,
  { table, follows }: TablePlan,
): Promise<number> {
  if (follows === undefined) return 0;
  const [rowId, rootId] = [dialect.quote(follows.rowId), dialect.quote(follows.rootId)];
  return await connection.execute({
    text: `delete from ${dialect.table(table)} as c where not exists (select 1 from ${dialect.table(follows.table)} as r where r.${rowId} = c.${rootId})`,
  });
}
