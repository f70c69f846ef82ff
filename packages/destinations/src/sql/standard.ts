import type { ColumnType, Field } from "@alluvium/core";
import type { CountedStatement, DeleteMatching, UpsertStatements } from "./dialect.ts";
import type { SqlStatement, SqlValue } from "./engine.ts";

/** An identifier in double quotes, as the SQL standard has it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text in single quotes, for the few places where statements take no parameters. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Names in a list, quoted, with what stands before each: `s."a", s."b"`. */
export function nameList(fields: readonly Pick<Field, "name">[], prefix = ""): string {
  return fields.map(({ name }) => `${prefix}${quoteName(name)}`).join(", ");
}

/** A condition that all of `columns` are equal in two relations, nulls never. */
export function equalColumns(columns: readonly Field[], left = "t", right = "s"): string {
  return columns.map(({ name }) => `${left}.${quoteName(name)} = ${right}.${quoteName(name)}`).join(" and ");
}

/** A value as a parameter that is cast from its canonical text. Holds where the database reads that text. */
export function bindText(
  typeName: string,
  type: ColumnType,
  text: string,
  position: number,
): { readonly sql: string; readonly value: SqlValue } {
  return {
    sql: `cast($${position} as ${typeName})`,
    value: type.kind === "boolean" ? text === "true" : text,
  };
}

/** Deletes by a join; where nulls are equal to one another `same` says how. */
export function deleteUsing(
  { target, source, columns, nullable }: DeleteMatching,
  same: (left: string, right: string, type: ColumnType) => string,
): readonly SqlStatement[] {
  const on = nullable
    ? columns
        .map(({ name, type }) => same(`t.${quoteName(name)}`, `s.${quoteName(name)}`, type))
        .join(" and ")
    : equalColumns(columns);
  return [
    {
      text: `delete from ${target} as t using (select distinct ${nameList(columns)} from ${source} as r) as s where ${on}`,
    },
  ];
}

/** An upsert that deletes the rows of known keys and inserts all: what column stores do best. */
export function deleteAndInsert(options: UpsertStatements): readonly CountedStatement[] {
  const { target, source, matches = source, keys, columns, deletes, known } = options;
  const rows = (from: string, condition: string): string =>
    deletes ? `(select * from ${from} as r where ${condition})` : from;
  const insert = `insert into ${target} (${nameList(columns)}) select ${nameList(columns, "s.")} from ${rows(source, "not _alv_delete")} as s`;
  if (known === "keep")
    return [
      {
        text: `${insert} where not exists (select 1 from ${target} as t where ${equalColumns(keys)})`,
        counts: "inserted",
      },
    ];
  const remove = (condition: string): string =>
    `delete from ${target} as t using ${rows(matches, condition)} as s where ${equalColumns(keys)}`;
  return [
    ...(deletes ? [{ text: remove("_alv_delete"), counts: "deleted" } as const] : []),
    { text: remove("not _alv_delete"), counts: "updated" },
    { text: insert, counts: "put" },
  ];
}
