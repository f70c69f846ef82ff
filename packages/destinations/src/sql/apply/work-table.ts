import { randomBytes } from "node:crypto";
import type { SqlContext } from "../context.ts";
import type { SqlValue } from "../engine.ts";

/** Makes a temporary table of a query's rows, lets `work` use it by its quoted name, and drops it. */
export async function withWorkTable<Result>(
  { connection, dialect }: SqlContext,
  query: string,
  work: (table: string) => Promise<Result>,
  values: readonly SqlValue[] = [],
): Promise<Result> {
  const table = dialect.quote(`_alv_work_${randomBytes(8).toString("hex")}`);
  await connection.execute({ text: `create temporary table ${table} as ${query}`, values });
  const result = await work(table);
  await connection.execute({ text: `drop table ${table}` });
  return result;
}
