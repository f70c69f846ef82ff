import { AlluviumError, type Schema } from "@alluvium/core";
import { canonicalJson, encodeSchema } from "@alluvium/core/state";
import { nullVector, type Batch } from "@alluvium/core/columns";
import type { Compression } from "@alluvium/core/parquet";
import type { DataFile, TableWriter, TableWriterOptions } from "../contract.ts";
import { openDataFile, type OpenFile, type OpenFileOptions } from "./data-file.ts";
import { partitionColumns } from "./partition.ts";
import { createSplitter, type PartitionedBatch, type Splitter } from "./split.ts";

/** How files are made: the same for all tables of a lake. */
export interface FileOptions {
  /** @default "zstd" */
  readonly compression?: Compression;
  /** Size at which a file is closed and the next one opened. @default 128 MiB */
  readonly targetFileBytes?: number;
  /** More entries for the footer of each file, from the table's columns at the time. */
  readonly footer?: (schema: Schema, options: TableWriterOptions) => Readonly<Record<string, string>>;
  /** Opens a file of another format. @default Parquet */
  readonly openFile?: (options: OpenFileOptions) => Promise<OpenFile>;
}

/** A {@link TableWriter} of data files. */
export interface DataFileWriter extends TableWriter {
  /** Opens a file without rows, if no file is open: it keeps the table's columns. Nothing where no column's type is known. */
  writeEmpty(): Promise<void>;
}

const MIB = 1024 * 1024;
const TARGET_FILE_BYTES = 128 * MIB;
/** Compressed bytes that an encoder gathers before it writes a row group, where the budget is wide. */
const ROW_GROUP_BYTES = 16 * MIB;
/** What an open file costs beside the bytes that its encoder reports: tables of dictionaries, a buffer of the store. */
const OPEN_FILE_BYTES = 256 * 1024;
/** File descriptors are few (1024 by default on Linux), and several tables are written at once. */
const MAX_OPEN_FILES = 100;

/**
 * Writes the data files of one table: one open file per partition, closed at its target size, when the columns change, and – the least
 * recently used one – when memory runs out. Columns of unknown type and partition columns are not in the files.
 */
export function openTableWriter(options: TableWriterOptions, fileOptions: FileOptions = {}): DataFileWriter {
  const { table, directory, store, partitionBy, place, budget, newId, emit } = options;
  const {
    compression = "zstd",
    targetFileBytes = TARGET_FILE_BYTES,
    footer,
    openFile = openDataFile,
  } = fileOptions;
  const rowGroupBytes = Math.max(MIB, Math.min(ROW_GROUP_BYTES, Math.floor(budget / 2)));
  /** Open files by partition, the least recently used first. */
  const open = new Map<string, OpenFile>();
  let closed: DataFile[] = [];
  let current: { readonly schema: Schema; readonly splitter: Splitter } | undefined;
  let disposed = false;

  const alive = (): void => {
    if (disposed) throw new AlluviumError("ALV_INTERNAL", `the writer of table ${table} is disposed`);
  };
  const buffered = (): number => {
    let bytes = 0;
    for (const file of open.values()) bytes += file.bufferedBytes + OPEN_FILE_BYTES;
    return bytes;
  };
  const close = async (key: string, file: OpenFile): Promise<void> => {
    const written = await file.close();
    // Only now: until it is whole, `discard` has to remove it.
    open.delete(key);
    closed.push(written);
    emit({
      type: "fileWritten",
      time: Date.now(),
      table,
      path: `${directory}/${written.staged}`,
      rows: written.rows,
      bytes: written.size,
    });
  };
  const closeAll = async (): Promise<void> => {
    for (const [key, file] of open) await close(key, file);
  };
  const closeOldest = async (except: string): Promise<void> => {
    for (const [key, file] of open) {
      if (key === except) continue;
      await close(key, file);
      return;
    }
  };
  const adopt = async (schema: Schema): Promise<Splitter> => {
    if (current?.schema === schema) return current.splitter;
    if (current === undefined || !sameSchema(current.schema, schema)) {
      // A file has one schema; older files just lack the newer columns.
      await closeAll();
      current = { schema, splitter: createSplitter(table, partitionBy, schema) };
    } else {
      current = { schema, splitter: current.splitter };
    }
    return current.splitter;
  };
  const openFor = async (part: PartitionedBatch, { schema }: Splitter): Promise<OpenFile> => {
    const known = open.get(part.key);
    if (known !== undefined) {
      open.delete(part.key);
      open.set(part.key, known);
      return known;
    }
    if (open.size >= MAX_OPEN_FILES) await closeOldest(part.key);
    const file = await openFile({
      store,
      directory,
      place: place(newId(), part.partition),
      partition: part.partition,
      schema,
      compression,
      rowGroupBytes,
      keyValueMetadata: { ...options.keyValueMetadata, ...footer?.(current!.schema, options) },
    });
    open.set(part.key, file);
    return file;
  };
  const drop = async (): Promise<void> => {
    const files = [...open.values()];
    open.clear();
    const paths = closed.map(({ staged }) => `${directory}/${staged}`);
    closed = [];
    const results = await Promise.allSettled([
      ...files.map((file) => file[Symbol.asyncDispose]()),
      ...(paths.length > 0 ? [store.delete(paths)] : []),
    ]);
    for (const result of results) if (result.status === "rejected") throw result.reason;
  };

  return {
    get bufferedBytes() {
      return buffered();
    },
    async write(batch: Batch, call) {
      alive();
      call?.signal?.throwIfAborted();
      const splitter = await adopt(batch.schema);
      for (const part of splitter.split(batch)) {
        call?.signal?.throwIfAborted();
        const file = await openFor(part, splitter);
        await file.write(part.batch);
        if (file.estimatedBytes >= targetFileBytes) await close(part.key, file);
        while (open.size > 1 && buffered() > budget) await closeOldest(part.key);
      }
    },
    async writeEmpty() {
      alive();
      const splitter = await adopt(options.schema);
      if (open.size > 0 || splitter.schema.fields.every(({ type }) => type.kind === "null")) return;
      // Readers of partitioned folders want every file in a partition: the one of nulls.
      const columns = partitionColumns(table, partitionBy, options.schema);
      const partition = Object.fromEntries(columns.map(({ name }) => [name, null]));
      await openFor({ partition, key: "", batch: emptyBatch(splitter.schema) }, splitter);
    },
    async seal() {
      alive();
      await closeAll();
      const files = closed;
      closed = [];
      return files;
    },
    async discard() {
      alive();
      await drop();
    },
    async [Symbol.asyncDispose]() {
      if (disposed) return;
      disposed = true;
      await drop();
    },
  };
}

function emptyBatch(schema: Schema): Batch {
  return { schema, length: 0, columns: schema.fields.map(({ type }) => nullVector(type, 0)) };
}

/** Whether two schemas have the same columns of the same types in the same order. */
function sameSchema(a: Schema, b: Schema): boolean {
  return a === b || canonicalJson(encodeSchema(a)) === canonicalJson(encodeSchema(b));
}
