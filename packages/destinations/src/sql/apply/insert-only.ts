import type { RowCounts } from "@alluvium/core";
import { ChangeOp } from "@alluvium/core/columns";
import type { SqlContext } from "../context.ts";
import { keyFields } from "../pending-table.ts";
import { nameList } from "../standard.ts";
import { changesOf } from "../union.ts";
import type { TableChange } from "./change.ts";
import { runCounted } from "./counted.ts";
import { deletes } from "./fold.ts";
import { insertRows } from "./insert.ts";
import { withOutcomes } from "./outcomes.ts";

/** Adds the first insert of each key that is not there. */
export async function insertOnly(context: SqlContext, change: TableChange): Promise<RowCounts> {
  const { dialect } = context;
  const { plan, schema, staged, target, restart } = change;
  const keys = keyFields(plan, schema);
  const put = (source: string): Promise<RowCounts> =>
    target.create || restart !== undefined
      ? insertRows(context, change, source)
      : runCounted(
          context,
          dialect.upsert({
            target: dialect.table(plan.table),
            source,
            keys,
            columns: schema.fields,
            deletes: false,
            known: "keep",
          }),
        );
  if (staged.some(({ form }) => form === "partial")) return withOutcomes(context, change, put);
  const changes = changesOf(dialect, staged, schema);
  const rank = `row_number() over (partition by ${nameList(keys, "c.")} order by c._alv_seq) as _alv_rank`;
  const inserts = `select ${nameList(schema.fields, "c.")}, ${rank} from ${changes} as c where c._alv_op = ${ChangeOp.insert} and not (${deletes(context, plan, "c")})`;
  return put(
    `(select ${nameList(schema.fields, "f.")}, false as _alv_delete from (${inserts}) as f where f._alv_rank = 1)`,
  );
}
