import type { ObjectStore } from "@alluvium/core";

/** Options of {@link delta}: a `url` or a `store`, and how files are written. */
export interface DeltaOptions {
  /**
   * The folder of the lake: a path (relative to the working folder when the pipeline runs) or a `file:` URL. Tables are folders in it,
   * pipelines' state stands in `_alluvium`.
   */
  readonly url?: string | URL;
  /** The lake as a store, instead of `url`. It must be able to put conditionally. */
  readonly store?: ObjectStore;
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
}
