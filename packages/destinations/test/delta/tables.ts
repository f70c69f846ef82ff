import type { Condition, ObjectStore, Partition, Schema } from "@alluvium/core";
import { rowsOf, vectorOf, type Batch } from "@alluvium/core/columns";
import type { ApplyContext, DataFile, TableChange } from "../../src/lake/contract.ts";
import { openTableWriter } from "../../src/lake/files/table-writer.ts";
import { deltaTable, type DeltaSnapshot, type SnapshotOptions } from "../../src/delta/index.ts";
import { deltaFormat } from "../../src/delta/format.ts";

export const tableId = "11111111-1111-4111-8111-111111111111";

/** Rows by columns. */
export function batchOf(schema: Schema, rows: readonly Readonly<Record<string, unknown>>[]): Batch {
  const columns = schema.fields.map(({ name, type }) =>
    vectorOf(
      type,
      rows.map((row) => row[name] ?? null),
    ),
  );
  return { schema, length: rows.length, columns };
}

/** Writes rows as data files of table `t`, not yet committed. */
export async function filesOf(
  store: ObjectStore,
  schema: Schema,
  rows: readonly Readonly<Record<string, unknown>>[],
  partitionBy: readonly Partition[] = [],
): Promise<readonly DataFile[]> {
  await using writer = openTableWriter({
    store,
    directory: "t",
    table: "t",
    place: (id, partition) => deltaFormat.place(id, partition),
    partitionBy,
    schema,
    budget: 1 << 22,
    newId: () => crypto.randomUUID(),
    emit: () => {},
  });
  if (rows.length > 0) await writer.write(batchOf(schema, rows));
  // Awaited here: the writer is disposed when this function returns.
  return await writer.seal();
}

/** A change of table `t`. */
export function changeOf(schema: Schema, more: Partial<TableChange> = {}): TableChange {
  return {
    table: "t",
    directory: "t",
    tableId,
    create: true,
    operation: { kind: "append" },
    schema,
    schemaChanged: false,
    partitionBy: [],
    files: [],
    obsolete: [],
    ownership: "own",
    ...more,
  };
}

/** Load `sequence` of a pipeline. */
export function contextOf(store: ObjectStore, sequence: number, pipeline = "p"): ApplyContext {
  const load = {
    pipeline,
    lane: "main",
    incarnation: "i",
    sequence,
    loadId: `${pipeline}-${sequence}`,
    runId: "r",
  };
  return { store, signal: new AbortController().signal, budget: 1 << 22, load };
}

/** Opens table `t`. */
export function openTable(store: ObjectStore, options: SnapshotOptions = {}): Promise<DeltaSnapshot> {
  return deltaTable({ store, path: "t" }).snapshot(options);
}

/** All rows of a snapshot as objects. */
export async function scanRows(
  snapshot: DeltaSnapshot,
  options: { columns?: readonly string[]; where?: readonly Condition[] } = {},
): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const batch of snapshot.scan(options))
    rows.push(...(rowsOf(batch) as Iterable<Record<string, unknown>>));
  return rows;
}
