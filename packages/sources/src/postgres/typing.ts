import type { Ability } from "@alluvium/core";
import type { AbilityOfTable, PostgresTableOptions } from "./options.ts";

/** A database of which nothing is known: any table, any column. */
export type Untyped = { readonly [table: string]: Record<string, unknown> };

/** No queries. */
export type NoQueries = Record<never, never>;

/** The value that a query gives for a column that has different types to select, insert and update (kysely's `ColumnType`). */
type Selected<Value> = Value extends { readonly __select__: infer Select } ? Select : Value;

/** A row as it is read, of a table of the interface that kysely-codegen writes. */
export type SelectedRow<Table> = { [Column in keyof Table]: Selected<Table[Column]> };

/** Options of exactly the keys that there are: a misspelt one does not compile. */
export type Exactly<Options, Allowed> = Allowed & {
  readonly [Key in Exclude<keyof Options, keyof Allowed>]: never;
};

/** What `tables` may say of a database. */
export type CheckedTables<DB, Tables> = Tables extends readonly string[]
  ? readonly ((keyof DB & string) | `${string}*${string}` | `${string}?${string}`)[]
  : {
      readonly [Name in keyof Tables]: Name extends keyof DB
        ? Exactly<Tables[Name], PostgresTableOptions<SelectedRow<DB[Name]>>>
        : never;
    };

type NamesOf<DB, Tables> = [Tables] extends [undefined]
  ? keyof DB & string
  : Tables extends readonly (infer Name extends string)[]
    ? Name extends `${string}*${string}` | `${string}?${string}`
      ? keyof DB & string
      : Name
    : keyof Tables & string;

/** What is read: of a record of options, of a list of names, or of all tables, and of the queries. */
export type PostgresTables<DB, Tables, Asked> = {
  readonly [Name in NamesOf<DB, Tables> | (keyof Asked & string)]: {
    readonly row: Name extends keyof Asked
      ? Record<string, unknown>
      : Name extends keyof DB
        ? SelectedRow<DB[Name]>
        : Record<string, unknown>;
    readonly ability: (Name extends keyof Asked
      ? AbilityOfTable<Asked[Name]>
      : Name extends keyof Tables
        ? AbilityOfTable<Tables[Name]>
        : "replace") &
      Ability;
  };
};
