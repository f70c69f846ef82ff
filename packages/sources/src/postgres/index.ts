/**
 * Reads tables, views and queries of PostgreSQL.
 *
 * @module sources/postgres
 */
import type { RowSchema, Source, SourceTables } from "@alluvium/core";
import type { CheckedOptions, PostgresOptions, PostgresQueryOptions } from "./options.ts";
import { resourcesOf, type ResourcesOf } from "./resources.ts";
import { openSession } from "./session.ts";
import type { CheckedTables, Exactly, NoQueries, PostgresTables, Untyped } from "./typing.ts";

export type {
  PostgresClient,
  PostgresConnectionOptions,
  PostgresCursorColumn,
  PostgresCursorOptions,
  PostgresOptions,
  PostgresQueryOptions,
  PostgresTableOptions,
  PostgresValueOptions,
} from "./options.ts";

export type { PostgresTables, SelectedRow } from "./typing.ts";

/** What {@link postgres} makes. */
export interface PostgresSource<Tables extends SourceTables> extends Source<Tables> {
  /** Its tables as resources, to transform them and to list them in sources of your own. */
  readonly resources: ResourcesOf<Tables>;
}

/**
 * A PostgreSQL database as a source: tables, views, partitioned tables and queries, all of a run read under one snapshot.
 *
 * Without options a table is replaced at each run. With `cursor` its new rows are appended, exactly once. `tables` names what is read: a list
 * (with patterns such as `"order*"`), a record with options per table, or, omitted, all tables of the schema. Building the source does no I/O; options
 * are checked when it is opened (`ALV_CONFIG`, `ALV_SOURCE_NOT_FOUND`). The README says how each type is read and what is guaranteed.
 *
 * @example
 * ```ts
 * const shop = postgres({
 *   url: env("DATABASE_URL"),
 *   tables: { orders: { cursor: "updated_at" }, customers: {}, "sales.targets": { as: "targets" } },
 * });
 * ```
 */
export function postgres<
  DB extends object = Untyped,
  const Tables extends readonly string[] | { readonly [table: string]: object } | undefined = undefined,
  const Asked extends { readonly [name: string]: { readonly sql: string } } = NoQueries,
>(
  options: PostgresOptions & {
    /** What is read. @default all tables of the schema, or none where there are `queries` */
    readonly tables?: Tables & CheckedTables<DB, Tables>;
    /** Queries that are read like tables, by name. @default none */
    readonly queries?: Asked & { readonly [Name in keyof Asked]: Exactly<Asked[Name], PostgresQueryOptions> };
    /** Types of the tables: `typed<DB>()` with the interface that kysely-codegen writes. @default untyped rows */
    readonly database?: RowSchema<DB>;
  },
): PostgresSource<PostgresTables<DB, Tables, Asked>> {
  const source: PostgresSource<PostgresTables<DB, Tables, Asked>> = {
    specVersion: 1,
    name: "postgres",
    resources: resourcesOf(() => source),
    open: (context) => openSession(options as CheckedOptions, context),
  };
  return source;
}
