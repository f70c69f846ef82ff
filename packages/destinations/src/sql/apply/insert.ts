import type { RowCounts } from "@alluvium/core";
import type { SqlContext } from "../context.ts";
import { nameList } from "../standard.ts";
import { truncationOf } from "../union.ts";
import type { TableChange } from "./change.ts";

/** Whether nothing that was stored before is left when the rows of a load come. */
export function isEmptied({ target, restart, staged }: TableChange): boolean {
  return target.create || restart !== undefined || truncationOf(staged) !== undefined;
}

/** Adds the rows of a folded relation that do not delete. */
export async function insertRows(
  { connection, dialect }: SqlContext,
  { plan, schema }: TableChange,
  source: string,
): Promise<RowCounts> {
  const columns = nameList(schema.fields);
  const inserted = await connection.execute({
    text: `insert into ${dialect.table(plan.table)} (${columns}) select ${columns} from ${source} as s where not s._alv_delete`,
  });
  return { inserted, updated: 0, deleted: 0 };
}
