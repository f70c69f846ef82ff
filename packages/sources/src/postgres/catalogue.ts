import type { PgConnection } from "./connection.ts";
import type { PgAttribute, PgType } from "./types.ts";

/** What is known of the server and the session. */
export interface ServerInfo {
  /** `server_version_num`: 180004. */
  readonly version: number;
  readonly database: string;
  /** Whether it is a standby. */
  readonly standby: boolean;
  /** Identifies the cluster, also on its standbys; `undefined`: we may not ask. */
  readonly system: string | undefined;
  /** The time zone of new sessions. */
  readonly timeZone: string;
}

/** A table, view … that can be read. */
export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `pg_class.relkind`: r table, p partitioned table, v view, m materialised view, f foreign table. */
  readonly kind: string;
  readonly isPartition: boolean;
  /** Whether it belongs to an extension. */
  readonly ofExtension: boolean;
  /** Whether we may read all of it, and so lock it. */
  readonly readable: boolean;
}

/** A relation with all that reading it needs. */
export interface RelationDetails extends Relation {
  readonly columns: readonly RelationColumn[];
  /** Names of the columns, in the order of the index. */
  readonly primaryKey: readonly string[];
  /** Rows as the server estimates them. */
  readonly estimatedRows: number;
  /** Whether policies may hide rows. */
  readonly hasPolicies: boolean;
  /** The pieces that hold its rows, where they can be read by position; empty where they cannot. */
  readonly pieces: readonly Piece[];
}

/** A column of a relation. */
export interface RelationColumn {
  readonly name: string;
  readonly type: number;
  readonly modifier: number;
  readonly nullable: boolean;
  readonly readable: boolean;
  /** How many values the sequence behind the column hands to a session at once; `undefined`: no sequence. */
  readonly sequenceCache?: number;
}

/** A relation that holds rows itself: a table, or a partition or child of one. */
export interface Piece {
  readonly schema: string;
  readonly name: string;
  /** Blocks of its heap; `undefined`: its rows have no position (a foreign table). */
  readonly blocks: number | undefined;
}

type Call = { readonly signal: AbortSignal; readonly resource?: string };

/** Asks the server about itself. */
export async function readServer(connection: PgConnection, call: Call): Promise<ServerInfo> {
  const [row] = await connection.query<Record<string, string | null>>(
    `select current_setting('server_version_num') as version, current_database()::text as database, pg_is_in_recovery()::text as standby,
      current_setting('TimeZone') as "timeZone",
      has_function_privilege('pg_control_system()', 'execute')::text as control`,
    call,
  );
  const system =
    row!["control"] === "true"
      ? (await connection.query(`select system_identifier::text as id from pg_control_system()`, call))[0]![
          "id"
        ]
      : undefined;
  return {
    version: Number(row!["version"]),
    database: row!["database"]!,
    standby: row!["standby"] === "true",
    system: system ?? undefined,
    timeZone: row!["timeZone"]!,
  };
}

/** Everything that can be read in some schemas. */
export async function listRelations(
  connection: PgConnection,
  schemas: readonly string[],
  call: Call,
): Promise<readonly Relation[]> {
  const rows = await connection.query<Record<string, string>>(
    `select c.oid::text, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind, c.relispartition::text as part,
      (exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'))::text as extension,
      has_table_privilege(c.oid, 'select')::text as readable
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any (${array(schemas)}::text[]) and c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't'
    order by n.nspname collate "C", c.relname collate "C"`,
    call,
  );
  return rows.map((row) => ({
    oid: Number(row["oid"]),
    schema: row["schema"]!,
    name: row["name"]!,
    kind: row["kind"]!,
    isPartition: row["part"] === "true",
    ofExtension: row["extension"] === "true",
    readable: row["readable"] === "true",
  }));
}

/** Names of the schemas that are not the server's own. */
export async function listSchemas(connection: PgConnection, call: Call): Promise<readonly string[]> {
  const rows = await connection.query<{ name: string }>(
    `select nspname::text as name from pg_catalog.pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1`,
    call,
  );
  return rows.map(({ name }) => name);
}

/** Columns, keys, size and pieces of relations. */
export async function describeRelations(
  connection: PgConnection,
  relations: readonly Relation[],
  server: ServerInfo,
  call: Call,
): Promise<readonly RelationDetails[]> {
  if (relations.length === 0) return [];
  const oids = `${array(relations.map(({ oid }) => String(oid)))}::oid[]`;
  // One after the other: a connection does one thing at a time.
  const columns = await readColumns(connection, oids, server, call);
  const keys = await readKeys(connection, oids, call);
  const facts = await connection.query<Record<string, string>>(
    `select c.oid::text, greatest(c.reltuples, 0)::bigint::text as rows, (c.relrowsecurity)::text as policies
    from pg_catalog.pg_class c where c.oid = any (${oids})`,
    call,
  );
  const pieces = await readPieces(connection, oids, call);
  return relations.map((relation) => {
    const fact = facts.find((row) => row["oid"] === String(relation.oid));
    const own = pieces.get(relation.oid) ?? [];
    return {
      ...relation,
      columns: columns.get(relation.oid) ?? [],
      primaryKey: keys.get(relation.oid) ?? [],
      estimatedRows: own.reduce((sum, piece) => sum + piece.rows, 0) || Number(fact?.["rows"] ?? 0),
      hasPolicies: fact?.["policies"] === "true",
      // A user who may read the root need not be allowed to read its partitions.
      pieces: own.every((piece) => piece.readable) ? own : [],
    };
  });
}

async function readColumns(
  connection: PgConnection,
  oids: string,
  server: ServerInfo,
  call: Call,
): Promise<ReadonlyMap<number, readonly RelationColumn[]>> {
  // Since PostgreSQL 18 a column may be marked not null by a constraint that is not validated, and still hold nulls.
  const invalid =
    server.version >= 180_000
      ? `or exists (select from pg_catalog.pg_constraint k where k.conrelid = a.attrelid and k.contype = 'n' and not k.convalidated and a.attnum = any (k.conkey))`
      : "";
  const rows = await connection.query<Record<string, string | null>>(
    `select a.attrelid::text as relation, a.attname::text as name, a.atttypid::text as type, a.atttypmod::text as modifier,
      (not a.attnotnull ${invalid})::text as nullable,
      has_column_privilege(a.attrelid, a.attnum, 'select')::text as readable,
      (select max(s.seqcache)::text from pg_catalog.pg_depend d join pg_catalog.pg_sequence s on s.seqrelid = d.objid
        where d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
          and d.refobjid = a.attrelid and d.refobjsubid = a.attnum and d.deptype in ('a', 'i')) as cache
    from pg_catalog.pg_attribute a where a.attrelid = any (${oids}) and a.attnum > 0 and not a.attisdropped
    order by a.attrelid, a.attnum`,
    call,
  );
  return grouped(rows, (row): RelationColumn => ({
    name: row["name"]!,
    type: Number(row["type"]),
    modifier: Number(row["modifier"]),
    nullable: row["nullable"] === "true",
    readable: row["readable"] === "true",
    ...(row["cache"] == null ? {} : { sequenceCache: Number(row["cache"]) }),
  }));
}

async function readKeys(
  connection: PgConnection,
  oids: string,
  call: Call,
): Promise<ReadonlyMap<number, readonly string[]>> {
  const rows = await connection.query<Record<string, string>>(
    `select i.indrelid::text as relation, a.attname::text as name
    from pg_catalog.pg_index i cross join unnest(i.indkey::int2[]) with ordinality as k (attnum, place)
      join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = any (${oids}) and i.indisprimary and k.place <= i.indnkeyatts
    order by i.indrelid, k.place`,
    call,
  );
  return grouped(rows, (row) => row["name"]!);
}

type PieceFacts = Piece & { readonly rows: number; readonly readable: boolean };

/** Tables themselves, and the leaves of partitioned tables and of inheritance. Views and foreign tables have none. */
async function readPieces(
  connection: PgConnection,
  oids: string,
  call: Call,
): Promise<ReadonlyMap<number, readonly PieceFacts[]>> {
  const rows = await connection.query<Record<string, string | null>>(
    `with recursive tree (root, oid) as (
      select c.oid, c.oid from pg_catalog.pg_class c where c.oid = any (${oids}) and c.relkind in ('r', 'p', 'm')
      union
      select tree.root, i.inhrelid from tree join pg_catalog.pg_inherits i on i.inhparent = tree.oid
    )
    select tree.root::text as relation, n.nspname::text as schema, c.relname::text as name,
      case when c.relkind in ('r', 'm') and coalesce(am.amname = 'heap', true)
        then (pg_relation_size(c.oid) / current_setting('block_size')::bigint)::text end as blocks,
      greatest(c.reltuples, 0)::bigint::text as rows, has_table_privilege(c.oid, 'select')::text as readable
    from tree join pg_catalog.pg_class c on c.oid = tree.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join pg_catalog.pg_am am on am.oid = c.relam
    where c.relkind <> 'p' order by tree.root, n.nspname collate "C", c.relname collate "C"`,
    call,
  );
  return grouped(rows, (row): PieceFacts => ({
    schema: row["schema"]!,
    name: row["name"]!,
    blocks: row["blocks"] == null ? undefined : Number(row["blocks"]),
    rows: Number(row["rows"]),
    readable: row["readable"] === "true",
  }));
}

/** All types that are reached from `oids`: elements of arrays, bases of domains, attributes of composites. */
export async function readTypes(
  connection: PgConnection,
  oids: readonly number[],
  call: Call,
): Promise<ReadonlyMap<number, PgType>> {
  const types = new Map<number, PgType>();
  const asked = new Set<number>();
  let wanted = [...new Set(oids)];
  while (wanted.length > 0) {
    for (const oid of wanted) asked.add(oid);
    const rows = await connection.query<Record<string, string | null>>(
      `select t.oid::text, pg_catalog.format_type(t.oid, null) as name, t.typtype::text as kind,
        (select e.oid::text from pg_catalog.pg_type e where e.oid = t.typelem and e.typarray = t.oid) as element,
        nullif(t.typbasetype, 0)::text as base, t.typtypmod::text as "baseModifier",
        (select json_agg(json_build_object('name', a.attname, 'type', a.atttypid::int8, 'modifier', a.atttypmod) order by a.attnum)::text
          from pg_catalog.pg_attribute a where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped) as attributes
      from pg_catalog.pg_type t where t.oid = any (${array(wanted.map(String))}::oid[])`,
      call,
    );
    const reached = new Set<number>();
    for (const row of rows) {
      const attributes =
        row["attributes"] == null ? undefined : (JSON.parse(row["attributes"]) as readonly PgAttribute[]);
      const type: PgType = {
        oid: Number(row["oid"]),
        name: row["name"]!,
        kind: row["kind"]!,
        ...(row["element"] == null ? {} : { element: Number(row["element"]) }),
        ...(row["base"] == null
          ? {}
          : { base: { type: Number(row["base"]), modifier: Number(row["baseModifier"]) } }),
        ...(attributes === undefined ? {} : { attributes }),
      };
      types.set(type.oid, type);
      if (type.element !== undefined) reached.add(type.element);
      if (type.base !== undefined) reached.add(type.base.type);
      for (const attribute of attributes ?? []) reached.add(attribute.type);
    }
    wanted = [...reached].filter((oid) => !asked.has(oid));
  }
  return types;
}

function grouped<Row extends Readonly<Record<string, string | null>>, Value>(
  rows: readonly Row[],
  valueOf: (row: Row) => Value,
): ReadonlyMap<number, readonly Value[]> {
  const groups = new Map<number, Value[]>();
  for (const row of rows) {
    const relation = Number(row["relation"]);
    const group = groups.get(relation);
    if (group === undefined) groups.set(relation, [valueOf(row)]);
    else group.push(valueOf(row));
  }
  return groups;
}

/** A list of texts as an array constant. */
function array(values: readonly string[]): string {
  const quoted = values.map((value) => `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`);
  return `E'{${quoted.join(",").replaceAll("\\", "\\\\").replaceAll("'", "''")}}'`;
}
