import type { SqlContext } from "./context.ts";
import type { SqlRow } from "./engine.ts";
import { systemTables } from "./names.ts";
import { idOf } from "./state-row.ts";

/** What is remembered of a table for one pipeline and lane that writes it. */
export interface TableEntry {
  readonly table: string;
  readonly pipeline: string;
  readonly lane: string;
  readonly tableId: string;
  readonly stream: string;
  readonly incarnation: string;
  /** The last load that wrote it. */
  readonly sequence: number;
  /** Whether its next load replaces what it holds. */
  readonly resync: boolean;
}

const columns = [
  "table_name",
  "pipeline",
  "lane",
  "table_id",
  "stream",
  "incarnation",
  "sequence",
  "resync",
].join(", ");

/** Who writes a table. */
export async function entriesOf(context: SqlContext, table: string): Promise<readonly TableEntry[]> {
  const { connection, dialect } = context;
  const rows = await connection.query({
    text: `select ${columns} from ${dialect.table(systemTables.tables)} where table_name = $1`,
    values: [table],
  });
  return rows.map(entryOf);
}

/** The tables that this pipeline and lane writes. */
export async function ownEntries(context: SqlContext): Promise<readonly TableEntry[]> {
  const { connection, dialect } = context;
  const rows = await connection.query({
    text: `select ${columns} from ${dialect.table(systemTables.tables)} where pipeline = $1 and lane = $2 order by table_name`,
    values: idOf(context),
  });
  return rows.map(entryOf);
}

/** Remembers a table, in a transaction. */
export async function putEntry(context: SqlContext, entry: TableEntry): Promise<void> {
  const { connection, dialect } = context;
  const table = dialect.table(systemTables.tables);
  const { table: name, pipeline, lane, tableId, stream, incarnation, sequence, resync } = entry;
  const values = [name, pipeline, lane, tableId, stream, incarnation, sequence, resync];
  const changed = await connection.execute({
    text: `update ${table} set table_id = $4, stream = $5, incarnation = $6, sequence = $7, resync = $8 where table_name = $1 and pipeline = $2 and lane = $3`,
    values,
  });
  if (changed > 0) return;
  await connection.execute({
    text: `insert into ${table} (table_name, pipeline, lane, table_id, stream, incarnation, sequence, resync) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values,
  });
}

/** Forgets a table of this pipeline and lane, in a transaction. */
export async function deleteEntry(context: SqlContext, table: string): Promise<void> {
  const { connection, dialect } = context;
  await connection.execute({
    text: `delete from ${dialect.table(systemTables.tables)} where pipeline = $1 and lane = $2 and table_name = $3`,
    values: [...idOf(context), table],
  });
}

function entryOf(row: SqlRow): TableEntry {
  return {
    table: String(row["table_name"]),
    pipeline: String(row["pipeline"]),
    lane: String(row["lane"]),
    tableId: String(row["table_id"]),
    stream: String(row["stream"]),
    incarnation: String(row["incarnation"]),
    sequence: Number(row["sequence"]),
    resync: row["resync"] === true,
  };
}
