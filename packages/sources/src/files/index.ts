/**
 * Reads files of a folder or bucket: each table is a set of files, followed from run to run.
 *
 * @module sources/files
 */
import type { Source, SourceTables } from "@alluvium/core";
import type { CheckedOptions, FilesOptions } from "./options.ts";
import { resourcesOf, type ResourcesOf } from "./resources.ts";
import { openSession } from "./session.ts";
import type { CheckedTables, FilesTables } from "./typing.ts";

export { avro, type AvroOptions } from "./avro/index.ts";
export { csv, type CsvOptions } from "./csv/index.ts";
export { json, jsonLines, type JsonLinesOptions, type JsonOptions } from "./json/index.ts";
export { parquet, type ParquetOptions } from "./parquet/index.ts";
export type { DecoderContext, FileContent, FileDecoder, FileFormat, FileItem } from "./format.ts";
export { binaries, type BinariesOptions } from "./binaries.ts";
export type { FilesNotifications, FilesOptions, FilesReadOptions, FilesTableOptions } from "./options.ts";
export type { FilesTables } from "./typing.ts";

/** What {@link files} makes. */
export interface FilesSource<Tables extends SourceTables> extends Source<Tables> {
  /** Its tables as resources, to transform them and to list them in sources of your own. */
  readonly resources: ResourcesOf<Tables>;
}

/**
 * Files of a folder or bucket as a source. Each table is a set of files by glob, of one format; its rows are appended, each file exactly once, unless
 * `disposition` says more. Which files are done is the table's cursor: new ones are found by the time when they were last written, in a window,
 * so that one that becomes visible late is not missed. Compression is told by the files' first bytes. Building the source does no I/O; options are
 * checked when it is opened (`ALV_CONFIG`). The page on the connector says what is guaranteed.
 *
 * @example
 * ```ts
 * const landing = files({
 *   url: "s3://shop/landing",
 *   tables: { orders: { files: ["orders/*.jsonl", "orders/*.jsonl.gz"], schema: typed<Order>(), fileColumn: "_file" } },
 * });
 * ```
 */
export function files<
  const Tables extends { readonly [table: string]: { readonly files: string | readonly string[] } },
>(
  options: FilesOptions & {
    /** What is read, by name. */
    readonly tables: Tables & CheckedTables<Tables>;
  },
): FilesSource<FilesTables<Tables>> {
  const { tables } = options as { readonly tables?: object };
  const source: FilesSource<FilesTables<Tables>> = {
    specVersion: 1,
    name: "files",
    resources: resourcesOf(Object.keys(tables ?? {}), () => source),
    open: (context) => openSession(options as unknown as CheckedOptions, context),
  };
  return source;
}
