import type { ObjectStore } from "@alluvium/core";
import type { LakeCatalog } from "./catalog.ts";
import type { LogStore } from "./log-store.ts";

/** Options of {@link delta}: a `url` or a `store`, and how files are written. */
export interface DeltaOptions {
  /**
   * The folder of the lake: a path (relative to the working folder when the pipeline runs), a `file:` URL, or `s3://bucket/prefix` with credentials and
   * region from the environment (for others give `store: s3Store(…)`). Tables are folders in it, pipelines' state stands in `_alluvium`.
   */
  readonly url?: string | URL;
  /** The lake as a store, instead of `url`. It must be able to put conditionally, unless there is a `logStore`. */
  readonly store?: ObjectStore;
  /**
   * What makes commits exclusive on a store that cannot put conditionally, or beside Spark with its log store on DynamoDB: `dynamoDbLogStore(…)` of
   * `@alluvium/destinations/aws`. All who write or read the lake have to use it. @default none: the store's own conditional puts
   */
  readonly logStore?: LogStore;
  /**
   * Where tables are registered after loads, for engines that look them up by name: `glueCatalog(…)` of `@alluvium/destinations/aws`. It is no part of a load:
   * what goes wrong is a `warning` among the events and tried again after a later load. @default nowhere
   */
  readonly catalog?: LakeCatalog;
  /** Compression of data files. @default "zstd" */
  readonly compression?: "zstd" | "snappy" | "gzip" | "none";
  /** Size in bytes at which a data file is closed and the next one opened. @default 128 MiB */
  readonly targetFileBytes?: number;
  /**
   * How merges take rows away. `vectors`: they are marked in deletion vectors, which readers must know (Spark from Delta 2.3, delta-rs, DuckDB);
   * the first merge that needs it upgrades the table's protocol. `rewrite`: the files that hold them are written again, for readers that
   * do not. @default "vectors"
   */
  readonly mergeMode?: "vectors" | "rewrite";
  /**
   * Puts small files of the tables that a load wrote together after it, and gets rid of deleted rows, a bounded piece of work at a time. It
   * is no part of the load, which is committed and applied before: what goes wrong is a `warning` among the events and tried again after
   * a later load. `true`: with the defaults. @default false
   */
  readonly optimize?: boolean | AutoOptimize;
}

/** When and how tables are taken care of after loads. */
export interface AutoOptimize {
  /** The list of a table's files is looked through after every so many of its versions. @default 8 */
  readonly every?: number;
  /** Small files of a partition are put together from this number on, or when they fill a file of the target size. @default 16 */
  readonly minFiles?: number;
  /** Share of a file's rows that are deleted from which it is written again without them. @default 0.25 */
  readonly purge?: number;
  /** About how many bytes are written again after one load, for each table. The rest waits for the next one. @default 256 MiB */
  readonly maxBytes?: number;
}
