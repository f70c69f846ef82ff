import type { Schema, TableInfo } from "@alluvium/core";
import type { SqlTable } from "./engine.ts";

/** The columns of a table that values can be put in. */
export function knownSchema({ columns }: SqlTable): Schema {
  return {
    fields: columns.flatMap(({ name, type, nullable }) =>
      type === undefined ? [] : [{ name, type, nullable }],
    ),
  };
}

/** A table as sessions describe it. */
export function tableInfo(table: string, found: SqlTable): TableInfo {
  return { id: found.id ?? table, schema: knownSchema(found), partitionBy: [] };
}
