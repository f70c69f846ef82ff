import type { Ability, RowSchema } from "@alluvium/core";
import type { AbilityOfFiles, FilesTableOptions } from "./options.ts";

/** The rows of a table: what its schema says, else anything. */
type RowOf<Options> = Options extends { readonly schema: RowSchema<unknown, infer Row extends object> }
  ? Row
  : Record<string, unknown>;

/** Options of exactly the keys that there are: a misspelt one does not compile. */
type Exactly<Options, Allowed> = Allowed & {
  readonly [Key in Exclude<keyof Options, keyof Allowed>]: never;
};

/** The columns that path and time of a file are taken into. */
type PathColumns<Options> = (Options extends { readonly fileColumn: infer Name extends string }
  ? { readonly [Column in Name]: string }
  : unknown) &
  (Options extends { readonly modifiedColumn: infer Name extends string }
    ? { readonly [Column in Name]: Date }
    : unknown);

type WholeRow<Options> =
  unknown extends PathColumns<Options> ? RowOf<Options> : RowOf<Options> & PathColumns<Options>;

/** What options may say of tables whose rows their schemas tell. */
export type CheckedTables<Tables> = {
  readonly [Name in keyof Tables]: Exactly<Tables[Name], OptionsOf<WholeRow<Tables[Name]>>> &
    KeyOf<WholeRow<Tables[Name]>>;
};

/** Options of a table with such rows. Its schema need not have the columns of path and time. */
type OptionsOf<Row> = Omit<FilesTableOptions<Row>, "schema"> & {
  readonly schema?: RowSchema<unknown, object>;
};

/** A key names columns of the rows. */
interface KeyOf<Row> {
  readonly primaryKey?: (keyof Row & string) | readonly (keyof Row & string)[];
  readonly partitionBy?: FilesTableOptions["partitionBy"];
}

/** What is read. */
export type FilesTables<Tables> = {
  readonly [Name in keyof Tables & string]: {
    readonly row: Extract<WholeRow<Tables[Name]>, object>;
    readonly ability: AbilityOfFiles<Tables[Name]> & Ability;
  };
};
