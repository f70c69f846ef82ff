import type { Condition, ObjectStore, Schema } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { AlluviumError } from "@alluvium/core";
import { openParquet } from "@alluvium/core/parquet";
import { objectSource } from "../../lake/files/object-source.ts";
import type { AddFile, Protocol } from "../log/actions.ts";
import { decodePath } from "../log/paths.ts";
import { readFiles } from "../log/replay.ts";
import type { TableState } from "../log/state.ts";
import { schemaOf } from "../types.ts";
import { columnsOf, mappingMode, type Column } from "./columns.ts";
import { outsidePath, resolveFile } from "./data-file.ts";
import { readFileRows } from "./file-rows.ts";
import { predicatesOf } from "./predicate.ts";
import { coverage, recordCount } from "./pruning.ts";
import { selectRows } from "./select.ts";

/** A version of a table. Opening it has read no list of files; each call below reads what it needs, in bounded memory. */
export interface DeltaSnapshot {
  /** Number of the version. */
  readonly version: number;
  /** Its columns, partition columns included. */
  readonly schema: Schema;
  /** What readers and writers of the table must be able to do. */
  readonly protocol: Protocol;
  /** What the table says of itself. */
  readonly metadata: SnapshotMetadata;
  /** The files of this version. Stream them, or `await Array.fromAsync(snapshot.files())`. */
  files(options?: {
    readonly where?: readonly Condition[];
    readonly signal?: AbortSignal;
  }): AsyncIterable<SnapshotFile>;
  /** How many rows this version has, from statistics where every file has them; otherwise footers are read. */
  rows(options?: { readonly signal?: AbortSignal }): Promise<number>;
  /** The rows, in batches. */
  scan(options?: ScanOptions): AsyncIterable<Batch>;
}

/** What a table says of itself. */
export interface SnapshotMetadata {
  /** Stays the same as long as it is the same table. */
  readonly id: string;
  readonly name: string | undefined;
  readonly description: string | undefined;
  /** Columns by which files are partitioned, in order. */
  readonly partitionColumns: readonly string[];
  readonly createdAt: Date | undefined;
  /** Table properties. */
  readonly properties: Readonly<Record<string, string>>;
}

/** A data file of a snapshot. */
export interface SnapshotFile {
  /** Where other tools find it: a path on the disk, or a URL. */
  readonly path: string;
  /** Size in bytes. */
  readonly size: number;
  /** Rows that are not deleted; `undefined` where the log does not say. */
  readonly rows: number | undefined;
  /** Values of the partition columns, as text. */
  readonly partition: Readonly<Record<string, string | null>>;
  /** Statistics as JSON text. */
  readonly statistics: string | undefined;
  /** Rows of the file that are deleted. Tools that read the file by itself see them: use `scan` then. */
  readonly deletedRows: number;
}

/** What to read. */
export interface ScanOptions {
  /** Columns, in the order wanted. @default all, in the table's order */
  readonly columns?: readonly string[];
  /** Rows that satisfy every condition. Files that cannot hold one are not opened. @default all rows */
  readonly where?: readonly Condition[];
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

/** A {@link DeltaSnapshot} of a table's state. */
export function openSnapshot(store: ObjectStore, directory: string, state: TableState): DeltaSnapshot {
  const { metadata, protocol, version, segment } = state;
  const columns = columnsOf(state);
  const live = async function* (
    where: readonly Condition[] = [],
    signal?: AbortSignal,
  ): AsyncGenerator<AddFile> {
    const predicates = predicatesOf(where, columns);
    for await (const { add } of readFiles(store, directory, segment, signal))
      if (add !== undefined && coverage(add, predicates) !== "none") yield add;
  };
  return {
    version,
    schema: schemaOf(state.schema),
    protocol,
    metadata: {
      id: metadata.id,
      name: metadata.name ?? undefined,
      description: metadata.description ?? undefined,
      partitionColumns: metadata.partitionColumns,
      createdAt: typeof metadata.createdTime === "number" ? new Date(metadata.createdTime) : undefined,
      properties: metadata.configuration,
    },
    async *files({ where, signal } = {}) {
      for await (const add of live(where, signal)) yield fileOf(store, directory, add, columns);
    },
    async rows({ signal } = {}) {
      let sum = 0;
      for await (const add of live([], signal))
        sum +=
          liveRows(add) ??
          (await footerRows(store, directory, add, signal)) - (add.deletionVector?.cardinality ?? 0);
      return sum;
    },
    async *scan({ columns: names, where = [], signal } = {}) {
      const wanted = names === undefined ? columns : names.map((name) => columnNamed(columns, name));
      const predicates = predicatesOf(where, columns);
      const tested = predicates.map(({ column }) => column).filter((column) => !wanted.includes(column));
      const read = [...wanted, ...new Set(tested)];
      const schema = schemaFor(wanted);
      const reading = {
        store,
        directory,
        mode: mappingMode(state),
        columns: read,
        schema: schemaFor(read),
        ...(signal && { signal }),
      };
      for await (const { add } of readFiles(store, directory, segment, signal)) {
        if (add === undefined) continue;
        const covered = coverage(add, predicates);
        if (covered === "none") continue;
        for await (const piece of readFileRows(add, reading)) {
          signal?.throwIfAborted();
          const batch = selectRows(piece, covered === "all" ? [] : predicates, "matching");
          if (batch !== undefined)
            yield { schema, length: batch.length, columns: batch.columns.slice(0, wanted.length) };
        }
      }
    },
  };
}

function columnNamed(columns: readonly Column[], name: string): Column {
  const column = columns.find((candidate) => candidate.name === name);
  if (column !== undefined) return column;
  throw new AlluviumError(
    "ALV_CONFIG",
    `columns: the table has no column "${name}"; it has ${columns.map((candidate) => candidate.name).join(", ")}`,
  );
}

function schemaFor(columns: readonly Column[]): Schema {
  return { fields: columns.map(({ name, type, field }) => ({ name, type, nullable: field.nullable })) };
}

function fileOf(
  store: ObjectStore,
  directory: string,
  add: AddFile,
  columns: readonly Column[],
): SnapshotFile {
  const partition: Record<string, string | null> = {};
  for (const column of columns)
    if (column.partition) partition[column.name] = add.partitionValues[column.physical] || null;
  return {
    path: outsidePath(store, directory, decodePath(add.path)),
    size: add.size,
    rows: liveRows(add),
    partition,
    statistics: add.stats ?? undefined,
    deletedRows: add.deletionVector?.cardinality ?? 0,
  };
}

function liveRows(add: AddFile): number | undefined {
  const records = recordCount(add);
  return records === undefined ? undefined : records - (add.deletionVector?.cardinality ?? 0);
}

/** How many rows a data file has by its own footer. */
export async function footerRows(
  store: ObjectStore,
  directory: string,
  add: AddFile,
  signal?: AbortSignal,
): Promise<number> {
  const call = signal ? { signal } : {};
  const file = await resolveFile(store, directory, decodePath(add.path));
  const info = await file.store.head(file.path, call);
  if (info === undefined) throw new AlluviumError("ALV_NOT_FOUND", `data file ${file.path} is gone`);
  const parquet = await openParquet(objectSource(file.store, file.path, info.size, signal), {
    name: file.path,
    ...call,
  });
  return parquet.metadata.rows;
}
