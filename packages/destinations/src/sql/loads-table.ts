import type { Json, LoadRecord, TableReceipt } from "@alluvium/core";
import { decodeSchemaChange, encodeSchemaChange } from "@alluvium/core/state";
import type { SqlContext } from "./context.ts";
import { systemTables } from "./names.ts";
import { idOf } from "./state-row.ts";

/** Adds a load to the table of loads, in a transaction. */
export async function putLoad(context: SqlContext, record: LoadRecord): Promise<void> {
  const { connection, dialect } = context;
  const { loadId, pipeline, lane, sequence, runId, startedAt, committedAt, tables } = record;
  const instant = { kind: "timestamp", zone: "utc" } as const;
  const started = dialect.bind(instant, startedAt.toISOString(), 6);
  const committed = dialect.bind(instant, committedAt.toISOString(), 7);
  const listed = dialect.bind({ kind: "json" }, JSON.stringify(tables.map(storedReceipt)), 8);
  await connection.execute({
    text: `insert into ${dialect.table(systemTables.loads)} (load_id, pipeline, lane, sequence, run_id, started_at, committed_at, tables) values ($1, $2, $3, $4, $5, ${started.sql}, ${committed.sql}, ${listed.sql})`,
    values: [loadId, pipeline, lane, sequence, runId, started.value, committed.value, listed.value],
  });
}

/** Loads of this pipeline and lane, newest first. Only loads of the present state: one that was begun anew counts from 0 again. */
export async function readLoads(
  context: SqlContext,
  limit: number | undefined,
): Promise<readonly LoadRecord[]> {
  const { connection, dialect } = context;
  const micros = (column: string): string => `cast(${dialect.toMicros(column)} as varchar) as ${column}`;
  const rows = await connection.query({
    text: `select load_id, sequence, run_id, ${micros("started_at")}, ${micros("committed_at")}, cast(tables as varchar) as tables from ${dialect.table(systemTables.loads)} as l where pipeline = $1 and lane = $2 order by l.committed_at desc, l.sequence desc${limit === undefined || limit === Infinity ? "" : ` limit ${Math.max(0, Math.floor(limit))}`}`,
    values: idOf(context),
  });
  const [pipeline, lane] = idOf(context);
  return rows.map((row) => ({
    loadId: String(row["load_id"]),
    pipeline,
    lane,
    sequence: Number(row["sequence"]),
    runId: String(row["run_id"]),
    startedAt: dateOf(row["started_at"]),
    committedAt: dateOf(row["committed_at"]),
    tables: (JSON.parse(String(row["tables"])) as readonly StoredReceipt[]).map(receiptOf),
  }));
}

/** A receipt as JSON: `_alv_loads` is read by people too. */
type StoredReceipt = Omit<TableReceipt, "schemaChanges"> & { readonly schemaChanges?: readonly Json[] };

function storedReceipt({ schemaChanges, ...receipt }: TableReceipt): StoredReceipt {
  return schemaChanges === undefined
    ? receipt
    : { ...receipt, schemaChanges: schemaChanges.map(encodeSchemaChange) };
}

function receiptOf({ schemaChanges, ...receipt }: StoredReceipt): TableReceipt {
  return schemaChanges === undefined
    ? receipt
    : { ...receipt, schemaChanges: schemaChanges.map(decodeSchemaChange) };
}

function dateOf(micros: unknown): Date {
  return new Date(Number(BigInt(String(micros)) / 1000n));
}
