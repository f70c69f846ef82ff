import type { ParkedTable } from "@alluvium/core";
import type { SqlContext } from "./context.ts";
import { systemTables } from "./names.ts";
import { idOf } from "./state-row.ts";

/** A table that is set aside since a load. */
export interface ParkedEntry {
  readonly table: string;
  readonly stream: string;
  readonly loadId: string;
  readonly sequence: number;
  readonly reason: string;
  /** What is kept of the load, as JSON: see `ParkedContent`. */
  readonly content: string;
}

/** Tables of this pipeline and lane that are set aside. */
export async function readParked(context: SqlContext): Promise<readonly ParkedEntry[]> {
  const { connection, dialect } = context;
  const rows = await connection.query({
    text: `select table_name, stream, load_id, sequence, reason, content from ${dialect.table(systemTables.parked)} where pipeline = $1 and lane = $2 order by table_name`,
    values: idOf(context),
  });
  return rows.map((row) => ({
    table: String(row["table_name"]),
    stream: String(row["stream"]),
    loadId: String(row["load_id"]),
    sequence: Number(row["sequence"]),
    reason: String(row["reason"]),
    content: String(row["content"]),
  }));
}

/** Remembers a table that is set aside, in a transaction. */
export async function putParked(context: SqlContext, entry: ParkedEntry): Promise<void> {
  const { connection, dialect } = context;
  const [pipeline, lane] = idOf(context);
  await connection.execute({
    text: `insert into ${dialect.table(systemTables.parked)} (table_name, pipeline, lane, stream, load_id, sequence, reason, content) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [
      entry.table,
      pipeline,
      lane,
      entry.stream,
      entry.loadId,
      entry.sequence,
      entry.reason,
      entry.content,
    ],
  });
}

/** Forgets that a table is set aside, in a transaction. */
export async function deleteParked(context: SqlContext, table: string): Promise<void> {
  const { connection, dialect } = context;
  await connection.execute({
    text: `delete from ${dialect.table(systemTables.parked)} where pipeline = $1 and lane = $2 and table_name = $3`,
    values: [...idOf(context), table],
  });
}

/** As the session shows it. */
export function shownParked({ table, stream, loadId, reason, content }: ParkedEntry): ParkedTable {
  return { table, stream, loadId, reason, retryable: content !== "" };
}
