import { schemaHash } from "@alluvium/core/state";
import type { SqlContext } from "../context.ts";
import { alterStatements } from "../ddl.ts";
import type { SqlTable } from "../engine.ts";
import type { TableChange } from "./change.ts";

/** The statements that give a table the columns of a load, and empty it where the load begins it anew. */
export async function definitionStatements(
  { definitions, dialect }: SqlContext,
  { plan, target, before, schema, restart }: TableChange,
): Promise<readonly string[]> {
  const { table } = plan;
  if (target.create || before === undefined) return [(await definitions()).createTable(table, schema)];
  if (restart === "tables") {
    const ddl = await definitions();
    return [ddl.dropTable(table), ddl.createTable(table, schema)];
  }
  const same = schemaHash(before) === schemaHash(schema);
  return [
    ...(restart === "data" ? [dialect.clear(table)] : []),
    ...(same ? [] : alterStatements(await definitions(), table, before, schema)),
  ];
}

/** The statements for an index by which a merge finds its rows, where it has none yet. */
export function indexStatements(
  { dialect }: SqlContext,
  { plan, target, restart }: TableChange,
  found: SqlTable | undefined,
): readonly string[] {
  const { table, disposition, merge, primaryKey } = plan;
  if (disposition.kind !== "merge") return [];
  const { strategy } = disposition;
  const unique = strategy === "upsert" || strategy === "insertOnly";
  const keys = [
    { columns: primaryKey, unique },
    ...(strategy === "deleteInsert" && merge?.mergeKey !== undefined
      ? [{ columns: merge.mergeKey, unique: false }]
      : []),
  ];
  const known = target.create || restart === "tables" ? [] : (found?.indexes ?? []);
  return keys.flatMap((key) => {
    const there = known.some(
      (index) =>
        (index.unique || !key.unique) &&
        index.columns.length === key.columns.length &&
        index.columns.every((column) => key.columns.includes(column)),
    );
    return there ? [] : dialect.index(table, key.columns, key.unique);
  });
}

/** Brings a table's definition to what a load needs, in its transaction. */
export async function defineTable(
  context: SqlContext,
  change: TableChange,
  found: SqlTable | undefined,
): Promise<void> {
  const { connection, dialect } = context;
  const { plan, target, restart } = change;
  for (const text of await definitionStatements(context, change)) await connection.execute({ text });
  if (target.create || target.identify || restart === "tables")
    await connection.execute({ text: dialect.identify(plan.table, target.tableId) });
  for (const text of indexStatements(context, change, found)) await connection.execute({ text });
}
