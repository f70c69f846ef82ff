import { AlluviumError, type PipelineState } from "@alluvium/core";
import type { SqlContext } from "../context.ts";
import { nameList } from "../standard.ts";
import { keyFields } from "../pending-table.ts";
import type { TableChange } from "./change.ts";

/**
 * Refuses to merge by a primary key for the first time into a table that holds a key more than once (as one that was appended to may): no
 * change could tell which of its rows is meant. Throws `ALV_SCHEMA_CONFLICT`.
 */
export async function refuseRepeatedKeys(
  { connection, dialect }: SqlContext,
  { plan, target, before, schema, restart }: TableChange,
  newest: PipelineState | undefined,
): Promise<void> {
  const { table, disposition, primaryKey } = plan;
  if (disposition.kind !== "merge" || target.create || before === undefined || restart !== undefined) return;
  const { strategy } = disposition;
  const isUnique = (name: string | undefined): boolean => name === "upsert" || name === "insertOnly";
  if (!isUnique(strategy) || isUnique(newest?.tables[table]?.disposition)) return;
  // Rows from before a column was there are without that part of the key, and match nothing.
  const keys = keyFields(plan, schema);
  if (keys.some(({ name }) => before.fields.every((field) => field.name !== name))) return;
  const list = nameList(keys);
  const [found] = await connection.query({
    text: `select count(*) as repeated from (select ${list} from ${dialect.table(table)} as t where ${keys.map(({ name }) => `${dialect.quote(name)} is not null`).join(" and ")} group by ${list} having count(*) > 1) as r`,
  });
  const repeated = Number(found!["repeated"]);
  if (repeated === 0) return;
  throw new AlluviumError(
    "ALV_SCHEMA_CONFLICT",
    `table ${table} holds ${repeated} ${repeated === 1 ? "value" : "values"} of its key ${primaryKey.join(", ")} more than once, so that ${strategy} cannot tell which row a change is of. Remove all rows but one of each, or run once with refresh: "data", which reads all rows again into the table once it is emptied`,
    { resource: plan.stream },
  );
}
