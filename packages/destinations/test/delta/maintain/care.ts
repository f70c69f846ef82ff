import { memoryStore } from "@alluvium/core/storage/memory";
import { StoppedError } from "@alluvium/core/testing";
import type { ObjectStore, Partition, Schema } from "@alluvium/core";
import { deltaFormat } from "../../../src/delta/format.ts";
import { deltaTable, type DeltaTable } from "../../../src/delta/index.ts";
import { readActions } from "../../../src/delta/log/codec.ts";
import type { Action } from "../../../src/delta/log/actions.ts";
import { deltaSchema } from "../../../src/delta/types.ts";
import { metaData, name, put } from "../log.ts";
import { changeOf, contextOf, filesOf, openTable, scanRows } from "../tables.ts";

/** Columns of most tests: a number, a text and one to partition by. */
export const schema: Schema = {
  fields: [
    { name: "id", type: { kind: "int64" }, nullable: true },
    { name: "text", type: { kind: "string" }, nullable: true },
    { name: "part", type: { kind: "string" }, nullable: true },
  ],
};

/** A row. */
export interface Row extends Readonly<Record<string, unknown>> {
  readonly id: number;
  readonly text?: string;
  readonly part?: string;
}

/** How {@link makeTable} makes a table. */
export interface TableOptions {
  readonly vectors?: boolean;
  readonly partitionBy?: readonly Partition[];
  readonly properties?: Readonly<Record<string, string>>;
  readonly schema?: Schema;
}

/** Creates table `t`, with deletion vectors unless said otherwise. */
export async function makeTable(store: ObjectStore, options: TableOptions = {}): Promise<void> {
  const { vectors = true, partitionBy = [], properties = {} } = options;
  const features = ["deletionVectors"];
  await put(store, name(0), [
    {
      protocol: vectors
        ? { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: features, writerFeatures: features }
        : { minReaderVersion: 1, minWriterVersion: 2 },
    },
    metaData([], {
      schemaString: JSON.stringify(deltaSchema(options.schema ?? schema)),
      partitionColumns: partitionBy.map(({ column }) => column),
      configuration: { ...(vectors && { "delta.enableDeletionVectors": "true" }), ...properties },
    }),
  ]);
}

/** Appends rows as load `sequence`, in one file per partition. */
export async function append(
  store: ObjectStore,
  sequence: number,
  rows: readonly Row[],
  { partitionBy = [], schema: columns = schema }: TableOptions = {},
): Promise<void> {
  const files = await filesOf(store, columns, rows, partitionBy);
  await deltaFormat.apply(
    changeOf(columns, { files, partitionBy, create: false }),
    contextOf(store, sequence),
  );
}

/** Table `t`. */
export function tableIn(store: ObjectStore): DeltaTable {
  return deltaTable({ store, path: "t" });
}

/** Ids of the rows of a version, ascending. */
export async function idsOf(store: ObjectStore, version?: number): Promise<number[]> {
  const rows = await scanRows(await openTable(store, version === undefined ? {} : { version }), {
    columns: ["id"],
  });
  return rows.map(({ id }) => Number(id)).sort((a, b) => a - b);
}

/** Numbers from `from` to below `to` as rows. */
export function rowsFrom(from: number, to: number, more: (id: number) => Partial<Row> = () => ({})): Row[] {
  return Array.from({ length: to - from }, (_, i) => ({
    id: from + i,
    text: `row ${from + i}`,
    ...more(from + i),
  }));
}

/** The numbers from `from` to below `to`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** Actions of a commit. */
export async function commitOf(store: ObjectStore, version: number): Promise<Action[]> {
  const actions: Action[] = [];
  for await (const action of readActions(store, (await store.head(name(version)))!)) actions.push(action);
  return actions;
}

/** Paths in a store below table `t`, without the log. */
export async function filesIn(store: ObjectStore): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of store.list("t/")) if (!path.includes("_delta_log/")) paths.push(path.slice(2));
  return paths;
}

/** Live files of the table. */
export async function liveFiles(store: ObjectStore) {
  return Array.fromAsync((await openTable(store)).files());
}

/** Waits for what a stopped process was doing: it ends with the stop, or stopped where it only made things faster for others. */
export async function stopped(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    if (!(cause instanceof StoppedError)) throw error;
  }
}

/** Copies all objects of a store into another one, a new one in memory unless said otherwise: quicker than to make them again. */
export async function copyOf(from: ObjectStore, to: ObjectStore = memoryStore()): Promise<ObjectStore> {
  for await (const { path } of from.list("")) await to.put(path, await from.get(path));
  return to;
}
