import { AlluviumError } from "@alluvium/core";
import type { SqlColumn, SqlIndex, SqlTable } from "../sql/engine.ts";
import type { PgConnection } from "./connection.ts";
import { sqlState } from "./errors.ts";
import { relationName } from "./sql.ts";
import { typeOf } from "./types.ts";

/** What marks a table as one of ours, in its comment. */
const MARK = /\[alluvium ([^\]]+)\]/;

/** The statement that puts a mark into a table's comment, beside what others wrote there. */
export function markTable(relation: string, id: string): string {
  const name = relation.replaceAll("'", "''");
  return (
    `do $alv$ begin execute format('comment on table ${name.replaceAll("%", "%%")} is %L', concat_ws(' ', ` +
    `nullif(btrim(regexp_replace(coalesce(obj_description('${name}'::regclass, 'pg_class'), ''), '\\[alluvium [^]]+\\]', '', 'g')), ''), ` +
    `'[alluvium ${id.replaceAll("'", "''")}]')); end $alv$`
  );
}

/**
 * A table as it stands in the catalogue; `undefined` where there is none. `lock`: nobody writes, alters or drops it until the transaction
 * ends; reading goes on.
 */
export async function inspectTable(
  connection: PgConnection,
  schema: string,
  table: string,
  options: { readonly lock: boolean },
): Promise<SqlTable | undefined> {
  const call = { table, step: options.lock ? "commit" : "describe" };
  if (options.lock && !(await lockTable(connection, relationName({ schema, name: table }), table)))
    return undefined;
  const { rows } = await connection.query(
    `select c.oid::text, c.relkind as kind, obj_description(c.oid, 'pg_class') as comment
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')`,
    [schema, table],
    call,
  );
  const [found] = rows;
  if (found === undefined) return undefined;
  if (found["kind"] !== "r" && found["kind"] !== "p")
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `${schema}.${table} is ${kinds[found["kind"]!] ?? "no table"}, and rows are loaded into tables only: rename it, or load into another table`,
      { resource: table, step: call.step },
    );
  const oid = found["oid"]!;
  return {
    id: MARK.exec(found["comment"] ?? "")?.[1],
    columns: await columnsOf(connection, oid, call),
    indexes: await indexesOf(connection, oid, call),
  };
}

const kinds: Readonly<Record<string, string>> = {
  v: "a view",
  m: "a materialized view",
  f: "a foreign table",
  S: "a sequence",
  c: "a composite type",
};

/** Locks a table if it is there. */
async function lockTable(connection: PgConnection, relation: string, table: string): Promise<boolean> {
  const call = { table, step: "commit" };
  const { rows } = await connection.query(
    "select relkind from pg_class where oid = to_regclass($1)",
    [relation],
    call,
  );
  const kind = rows[0]?.["relkind"];
  if (kind === undefined) return false;
  // What cannot be locked cannot be written either; the catalogue says what it is.
  if (kind !== "r" && kind !== "p") return true;
  await connection.query("savepoint alv_lock", [], call);
  try {
    await connection.query(`lock table ${relation} in share row exclusive mode`, [], call);
  } catch (error) {
    // It was dropped while we waited.
    if (sqlState(error) !== "42P01") throw error;
    await connection.query("rollback to savepoint alv_lock", [], call);
    return false;
  }
  await connection.query("release savepoint alv_lock", [], call);
  return true;
}

async function columnsOf(
  connection: PgConnection,
  oid: string,
  call: { readonly table: string; readonly step: string },
): Promise<readonly SqlColumn[]> {
  const { rows } = await connection.query(
    `select a.attname as name, (not a.attnotnull)::text as nullable, format_type(a.atttypid, a.atttypmod) as native,
            a.atttypmod::text as modifier, t.oid::text as type,
            (case when t.typcategory = 'A' and t.typsubscript = 'array_subscript_handler'::regproc then t.typelem else 0 end)::text as element
       from pg_attribute a join pg_type t on t.oid = a.atttypid
      where a.attrelid = $1::oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      order by a.attnum`,
    [oid],
    call,
  );
  return rows.map(({ name, nullable, native, modifier, type, element }) => ({
    name: name!,
    nullable: nullable === "true",
    native: native!,
    type: typeOf(Number(element === "0" ? type : element), Number(modifier), element !== "0"),
  }));
}

async function indexesOf(
  connection: PgConnection,
  oid: string,
  call: { readonly table: string; readonly step: string },
): Promise<readonly SqlIndex[]> {
  const { rows } = await connection.query(
    `select (i.indisunique and i.indimmediate)::text as unique,
            (select json_agg(a.attname order by k.n)
               from unnest(i.indkey[0:i.indnkeyatts - 1]) with ordinality k(attnum, n)
               join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum)::text as columns
       from pg_index i
      where i.indrelid = $1::oid and i.indisvalid and i.indisready and i.indpred is null and i.indexprs is null`,
    [oid],
    call,
  );
  return rows.map(({ unique, columns }) => ({
    unique: unique === "true",
    columns: JSON.parse(columns!) as string[],
  }));
}
