import type { ColumnType, Field } from "@alluvium/core";
import type { SqlStatement, SqlValue } from "./engine.ts";

/** How SQL is spelled in a database: text only, no I/O. What is common to both (`standard.ts`) need not be said again. */
export interface SqlDialect {
  /** The schema in which all tables are, of the data and of the session; `undefined`: the connection's own. */
  readonly schema: string | undefined;
  /** An identifier in quotes. */
  quote(name: string): string;
  /** A table of the destination's schema in quotes, with the schema. */
  table(name: string): string;
  /** A type as `CREATE TABLE` and `CAST` name it. */
  typeName(type: ColumnType): string;
  /**
   * A value in canonical text (`formatScalar`) as a parameter of this number: `CAST($1 AS "timestamptz")` and what is sent for it.
   */
  bind(type: ColumnType, text: string, position: number): { readonly sql: string; readonly value: SqlValue };
  /** A condition that is true where two expressions of a type are equal, nulls included. Need not be fast. */
  same(left: string, right: string, type: ColumnType): string;
  /** An expression by which values of a type sort and compare as `compareScalars` does (text by its bytes). */
  ordered(expression: string, type: ColumnType): string;
  /** Microseconds since 1970 (a 64-bit integer) as a timestamp (utc), and back. */
  fromMicros(expression: string): string;
  toMicros(expression: string): string;
  /**
   * Says in the catalogue which table this is (a comment on it, say), such that the name goes when the table is dropped and stays when
   * it is altered, renamed, dumped or restored. `SqlTable.id` reads it.
   */
  identify(table: string, id: string): string;
  /** Takes away all rows, for readers all at once at the commit. */
  clear(table: string): string;
  /** Statements that give a table an index by which its rows are found; none where that does not pay. */
  index(table: string, columns: readonly string[], unique: boolean): readonly string[];
  /**
   * Deletes the rows of `target` that have the values of a row of `source` in all of `columns`; `nullable`: nulls equal one another. `source` is
   * a relation with those columns; its rows need not be distinct.
   */
  deleteMatching(options: DeleteMatching): readonly SqlStatement[];
  /** Folds rows in that are one for each key. */
  upsert(options: UpsertStatements): readonly CountedStatement[];
}

/** Rows to delete. */
export interface DeleteMatching {
  /** Quoted. */
  readonly target: string;
  /** A relation for a `FROM`. */
  readonly source: string;
  readonly columns: readonly Field[];
  readonly nullable: boolean;
}

/** What an upsert puts and takes away. */
export interface UpsertStatements {
  /** Quoted. */
  readonly target: string;
  /** A relation for a `FROM` (a quoted table or a query in brackets) with `columns` and a boolean `_alv_delete`: one row for each key. */
  readonly source: string;
  /** A relation with the keys and `_alv_delete` of the same rows, where it is cheaper to read than {@link source}. */
  readonly matches?: string | undefined;
  /** Never null. */
  readonly keys: readonly Field[];
  /** All columns of the target, keys included. */
  readonly columns: readonly Field[];
  /** Whether the source has rows that delete. */
  readonly deletes: boolean;
  /**
   * `replace`: a row takes the place of the stored one. `keep`: a row whose key is there is left out.
   */
  readonly known: "replace" | "keep";
}

/**
 * A statement, and what the number of rows that it changes means: `put` are inserted and updated ones together (of which those that another
 * statement counts as `updated` are no inserts); `undefined`: nothing. `each`: the statement is a query, whose one row says it in the columns
 * `inserted`, `updated` and `deleted`.
 */
export interface CountedStatement extends SqlStatement {
  readonly counts?: "inserted" | "updated" | "deleted" | "put" | "each" | undefined;
}
