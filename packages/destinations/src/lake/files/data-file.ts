import type { Schema } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { createParquetEncoder, type Compression, type ParquetEncoder } from "@alluvium/core/parquet";
import type { ObjectStore, ObjectWriter } from "@alluvium/core";
import type { DataFile, FilePlace, PartitionValues } from "../contract.ts";
import { columnStatistics } from "./bounds.ts";

/** What a data file is opened with; compression, row groups and keys are Parquet's. */
export interface OpenFileOptions {
  readonly store: ObjectStore;
  /** Directory of the table, relative to the store's root; empty where the table is the root. */
  readonly directory: string;
  readonly place: FilePlace;
  readonly partition: PartitionValues;
  /** Columns of the file; those of unknown type are left out. */
  readonly schema: Schema;
  readonly compression: Compression;
  readonly rowGroupBytes: number;
  readonly keyValueMetadata: Readonly<Record<string, string>>;
}

/** A data file being written. Disposed before it is closed, it is removed. */
export interface OpenFile extends AsyncDisposable {
  readonly place: FilePlace;
  /** Bytes in memory. */
  readonly bufferedBytes: number;
  /** About how large the file is, with what is still in memory. */
  readonly estimatedBytes: number;
  write(batch: Batch): Promise<void>;
  close(): Promise<DataFile>;
}

/** Opens a data file. */
export async function openDataFile(options: OpenFileOptions): Promise<OpenFile> {
  const { store, directory, place, partition, schema } = options;
  const writer: ObjectWriter = await store.create(
    directory === "" ? place.staged : `${directory}/${place.staged}`,
  );
  let encoder: ParquetEncoder;
  try {
    encoder = createParquetEncoder({
      schema,
      sink: (bytes) => writer.write(bytes),
      reusePieces: true,
      compression: options.compression,
      rowGroupBytes: options.rowGroupBytes,
      keyValueMetadata: options.keyValueMetadata,
    });
  } catch (error) {
    await writer[Symbol.asyncDispose]();
    throw error;
  }
  return {
    place,
    get bufferedBytes() {
      return encoder.bufferedBytes;
    },
    get estimatedBytes() {
      return encoder.estimatedBytes;
    },
    write: (batch) => encoder.write(batch),
    async close() {
      const summary = await encoder.close();
      const { size } = await writer.complete();
      return {
        ...place,
        size,
        rows: summary.rows,
        partition,
        columns: columnStatistics(summary.columns, schema, summary.rows),
      };
    },
    async [Symbol.asyncDispose]() {
      await encoder[Symbol.asyncDispose]();
      await writer[Symbol.asyncDispose]();
    },
  };
}
