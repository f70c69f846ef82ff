import type { ColumnHints, Json, RefusedRow, Schema } from "@alluvium/core";
import type { Batch, InferOptions } from "@alluvium/core/columns";

/**
 * How files of one kind become rows. Made by `csv()`, `jsonLines()`, `json()`, `parquet()`, `avro()` and `binaries()`; making one does no I/O.
 */
export interface FileFormat {
  /** Version of this contract. */
  readonly specVersion: 1;
  /** For messages and the stream's identity: `csv`. */
  readonly name: string;
  /**
   * How rows are told apart in the files: what a position inside a file means depends on it, so a change of it reads no half-read file on. No secrets.
   * @default nothing
   */
  readonly identity?: Json | undefined;
  /** Which texts are more than text in rows as objects: for rows that were refused and are taken once more. @default none */
  readonly infer?: InferOptions | undefined;
  /** Opens the decoder of one table for one read. What it learns of columns and their types in one file it keeps for the next. */
  decoder(context: DecoderContext): FileDecoder;
}

/** What a decoder is given for a table. */
export interface DecoderContext {
  /** Ends all reading. */
  readonly signal: AbortSignal;
  /** Columns whose type is known from the table's options, in their order; others follow what the files hold. */
  readonly schema: Schema;
  /** Types of single columns, stronger than `schema`. @default none */
  readonly columns?: ColumnHints | undefined;
  /** What {@link FileDecoder.learned} gave at the end of the run before. @default nothing */
  readonly learned?: Json | undefined;
  /**
   * Given where the table's contract leaves out values: one that its declared column does not hold is then null, and told of by a call, before the item that
   * has its row. In a column that may not be null it refuses its row all the same. @default such a value refuses its row
   */
  readonly discard?: (() => void) | undefined;
  /** About how many bytes a batch may take. */
  readonly batchBytes: number;
}

/** Reads the files of one table, one after another. */
export interface FileDecoder {
  /**
   * The rows of a file from `since` on, in their order; `since` is the `position` of an earlier item of the same file (by its tag), or absent: from its start.
   * A row that cannot be decoded is yielded as refused, and reading goes on after it; where the format does not say where the next row begins (a broken
   * Parquet page, compressed data that ends too early), reading fails with `ALV_SOURCE_DATA`, which names file, place and remedy.
   */
  read(file: FileContent, since?: Json): AsyncIterable<FileItem>;
  /**
   * What it has learned of columns, to be known again in the next run, so that a column whose files say no types is what it was in the files before. It is
   * part of the stored cursor: to be small. @default nothing
   */
  learned?(): Json | undefined;
}

/** Rows of a file, or rows of it that cannot be decoded. */
export type FileItem =
  | {
      readonly batch: Batch;
      /** Reading from here yields all rows after this item's. Absent where reading cannot go on after it: in the midst of what is decoded at once. */
      readonly position?: Json | undefined;
      /** Where a row of the batch stood in its file, to be shown beside the file's path: `{ line: 17 }`, `{ row: 40 }`. */
      readonly locate: (row: number) => { readonly [name: string]: Json };
      /** As in a stream: the batch has been written and its arrays may be used again. */
      readonly release?: (() => void) | undefined;
    }
  | {
      /** `position` of each says where it stood in its file; the file's path is added by whoever reads it. */
      readonly refused: readonly RefusedRow[];
      readonly position?: Json | undefined;
    };

/** The bytes of one version of a file: all of them come from the same version, or reading fails. */
export interface FileContent {
  /** Path within the place that is read, for messages. */
  readonly path: string;
  /** Bytes as stored. */
  readonly size: number;
  /** When it was last written, by the store's clock. */
  readonly modified: Date;
  /** Tells versions of the file apart: the store's ETag, or what stands for it. */
  readonly tag: string;
  /** How it is compressed, by its first bytes; parts of what is compressed can only be had by reading from the start. */
  readonly compression: "none" | "gzip" | "zstd";
  /**
   * Its bytes, decompressed, from `offset` of the decompressed bytes on (gzip and zstd are read from the start and skipped up to there). Chunks are the
   * caller's to keep, unless it says `reuses`: then the memory of one may be used again when the next is asked for, which saves much work of V8's collector.
   * Ends early only by an error: what is cut off is `ALV_SOURCE_DATA`.
   */
  read(offset?: number, options?: { readonly reuses?: boolean }): AsyncIterable<Uint8Array>;
  /** A range of the bytes as stored, `start` inclusive, `end` exclusive. They may be put into `into`, if they have room there. */
  range(start: number, end: number, into?: Uint8Array): Promise<Uint8Array>;
}
