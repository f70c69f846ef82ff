import {
  AlluviumError,
  dispositionOf,
  joinContracts,
  keyOf,
  layoutOf,
  type Disposition,
  type DispositionOption,
  type TableDescription,
} from "@alluvium/core";
import {
  describeRelations,
  readTypes,
  type Relation,
  type RelationColumn,
  type RelationDetails,
  type ServerInfo,
} from "./catalogue.ts";
import { alias, planColumns, type Selection } from "./columns.ts";
import type { PgConnection } from "./connection.ts";
import { hasLag, lessLag, planCursor, type CursorPlan } from "./cursor.ts";
import { suggestion } from "./near.ts";
import type { CheckedOptions, PostgresTableOptions } from "./options.ts";
import { relationName } from "./sql.ts";
import type { ChosenTable } from "./tables.ts";
import type { PgType, TypePolicy } from "./types.ts";

/** A table, view or query as it is read. */
export interface DescribedTable {
  readonly name: string;
  readonly description: TableDescription;
  readonly selection: Selection;
  readonly policy: TypePolicy;
  readonly cursor: CursorPlan | undefined;
  /** What is read, as SQL with the alias. */
  readonly from: string;
  /** The relation; `undefined` for a query. */
  readonly relation: RelationDetails | undefined;
  /** The user's condition, in parentheses. */
  readonly where: string | undefined;
}

/** What is to be read: a relation, or a query. */
export type Readable =
  | ChosenTable
  | { readonly name: string; readonly sql: string; readonly options: PostgresTableOptions };

type Call = { readonly signal: AbortSignal };

/** Describes what is to be read as it stands now, and checks the options against it. */
export async function describeTables(
  connection: PgConnection,
  server: ServerInfo,
  readables: readonly Readable[],
  options: CheckedOptions,
  call: Call,
): Promise<readonly DescribedTable[]> {
  const relations = new Map<Relation, RelationDetails>();
  const chosen = readables.flatMap((readable) => ("relation" in readable ? [readable.relation] : []));
  const details = await describeRelations(connection, chosen, server, call);
  chosen.forEach((relation, i) => relations.set(relation, details[i]!));
  const columns = new Map<Readable, readonly RelationColumn[]>();
  for (const readable of readables)
    columns.set(
      readable,
      "relation" in readable
        ? relations.get(readable.relation)!.columns
        : await queryColumns(connection, readable.name, readable.sql, call),
    );
  const types = await readTypes(
    connection,
    [...columns.values()].flatMap((list) => list.map(({ type }) => type)),
    call,
  );
  return readables.map((readable) => {
    const relation = "relation" in readable ? relations.get(readable.relation) : undefined;
    const from =
      "relation" in readable
        ? `${relationName(readable.relation)} ${alias}`
        : `(${readable.sql.replace(/;\s*$/, "")}\n) ${alias}`;
    return describeTable(
      readable.name,
      readable.options,
      columns.get(readable)!,
      relation,
      from,
      types,
      options,
    );
  });
}

/** The columns of a query, as the server describes its result. */
async function queryColumns(
  connection: PgConnection,
  name: string,
  sql: string,
  call: Call,
): Promise<readonly RelationColumn[]> {
  const { fields } = await connection.result(
    `select * from (${sql.replace(/;\s*$/, "")}\n) ${alias} limit 0`,
    {
      ...call,
      resource: name,
    },
  );
  const names = fields.map((field) => field.name);
  const twice = names.find((each, i) => names.indexOf(each) !== i);
  if (twice !== undefined)
    throw new AlluviumError(
      "ALV_NAME_COLLISION",
      `postgres: the query "${name}" has two columns called "${twice}": name one of them with AS`,
      { resource: name, step: "open" },
    );
  return fields.map((field) => ({
    name: field.name,
    type: field.dataTypeID,
    modifier: field.dataTypeModifier,
    nullable: true,
    readable: true,
  }));
}

function describeTable(
  name: string,
  table: PostgresTableOptions,
  all: readonly RelationColumn[],
  relation: RelationDetails | undefined,
  from: string,
  types: ReadonlyMap<number, PgType>,
  options: CheckedOptions,
): DescribedTable {
  const find = columnFinder(name, all);
  const columns = table.select === undefined ? all : table.select.map((column) => find(column, "select"));
  const selected = new Set(columns.map((column) => column.name));
  const hidden = columns.filter((column) => !column.readable).map((column) => `"${column.name}"`);
  if (hidden.length > 0)
    throw new AlluviumError(
      "ALV_AUTH",
      `postgres: ${name} may not be read (${hidden.length === all.length ? "no column of it" : `columns ${hidden.join(", ")}`}). Remedy: grant SELECT on it, ${options.tables === undefined ? "leave it out by exclude" : "or choose columns by select"}`,
      { resource: name, step: "open" },
    );
  const policy: TypePolicy = {
    numeric: table.numeric ?? options.numeric ?? "text",
    special: table.special ?? options.special ?? "error",
    arrays: table.arrays ?? options.arrays ?? "list",
  };
  const selection = planColumns(columns, types, policy);
  const mustSelect = (column: string, option: string): void => {
    find(column, option);
    if (!selected.has(column))
      throw new AlluviumError(
        "ALV_CONFIG",
        `postgres: ${name}: ${option} names "${column}", which select leaves out`,
        { resource: name, step: "open" },
      );
  };
  const given = keyOf(name, table.primaryKey);
  for (const column of given) mustSelect(column, "primaryKey");
  const known = relation?.primaryKey ?? [];
  const primaryKey = given.length > 0 ? given : known.every((column) => selected.has(column)) ? known : [];

  const cursorName = typeof table.cursor === "object" ? table.cursor.column : table.cursor;
  let cursor: CursorPlan | undefined;
  if (cursorName !== undefined) {
    mustSelect(cursorName, "cursor");
    const index = columns.findIndex((column) => column.name === cursorName);
    const { type, sequenceCache } = columns[index]!;
    cursor = planCursor(
      name,
      table.cursor as Parameters<typeof planCursor>[1],
      selection.columns[index]!,
      baseOf(type, types),
      sequenceCache,
    );
    // Says early what is wrong with the lag's unit.
    if (cursor.lag !== undefined && hasLag(cursor.lag)) lessLag(name, cursor, "", cursor.lag);
  }
  const { disposition, merge } =
    table.disposition === undefined
      ? {
          disposition: (cursor === undefined
            ? { kind: "replace", allowEmpty: false }
            : { kind: "append" }) satisfies Disposition as Disposition,
          merge: undefined,
        }
      : dispositionOf(name, table.disposition as DispositionOption<unknown>);
  checkDisposition(name, disposition, cursor, primaryKey);
  const {
    partitionBy = [],
    naming,
    contract,
    quarantine,
  } = layoutOf(name, {
    ...(table.naming === undefined ? {} : { naming: table.naming }),
    ...(table.contract === undefined ? {} : { contract: table.contract }),
    ...(table.quarantine === undefined ? {} : { quarantine: table.quarantine }),
    ...(table.partitionBy === undefined ? {} : { partitionBy: table.partitionBy }),
  });
  const { contract: whole } = layoutOf(
    name,
    options.contract === undefined ? {} : { contract: options.contract },
  );
  for (const { column } of partitionBy) mustSelect(column, "partitionBy");
  const target = table.as ?? (name.includes(".") ? name.replaceAll(".", "_") : undefined);
  const description: TableDescription = {
    name,
    schema: selection.schema,
    primaryKey,
    disposition,
    partitionBy,
    ...(merge === undefined ? {} : { merge }),
    ...(cursorName === undefined ? {} : { cursorColumn: cursorName }),
    ...(naming === undefined ? {} : { naming }),
    contract: joinContracts(contract, whole),
    ...(quarantine === undefined ? {} : { quarantine }),
    ...(target === undefined ? {} : { table: target }),
  };
  const where = table.where === undefined ? undefined : `(${table.where}\n)`;
  return { name, description, selection, policy, cursor, from, relation, where };
}

function columnFinder(
  table: string,
  columns: readonly RelationColumn[],
): (column: string, option: string) => RelationColumn {
  return (name, option) => {
    const found = columns.find((column) => column.name === name);
    if (found !== undefined) return found;
    const known = columns.map((column) => column.name);
    throw new AlluviumError(
      "ALV_SOURCE_NOT_FOUND",
      `postgres: ${table}: ${option} names the column "${name}", which does not exist${suggestion(name, known)}`,
      { resource: table, step: "open" },
    );
  };
}

/** The type under domains. */
function baseOf(oid: number, types: ReadonlyMap<number, PgType>): number {
  const base = types.get(oid)?.base;
  return base === undefined ? oid : baseOf(base.type, types);
}

function checkDisposition(
  name: string,
  disposition: Disposition,
  cursor: CursorPlan | undefined,
  primaryKey: readonly string[],
): void {
  const refuse = (why: string): never => {
    throw new AlluviumError("ALV_CONFIG", `postgres: ${name}: ${why}`, { resource: name, step: "open" });
  };
  if (disposition.kind === "append" && cursor === undefined)
    refuse("an append without a cursor would load every row again at each run; name a cursor, or replace");
  if (disposition.kind === "replace" && cursor !== undefined && disposition.where === undefined)
    refuse("a replace reads all rows, so its cursor says nothing; leave it out, or append");
  if (disposition.kind === "merge" && primaryKey.length === 0)
    refuse("a merge needs a primary key, and the catalogue has none; name one with primaryKey");
}
