import type { ObjectStore } from "@alluvium/core";
import type { Compression } from "@alluvium/core/parquet";
import { checkTarget, TARGET_BYTES } from "../folders/target.ts";
import { checkLakeOptions, type LakeOptions } from "../lake/options.ts";

/** Options of {@link parquet}: either `url` or `store`. */
export interface ParquetOptions {
  /** The folder of the tables: a path, relative to the working folder when a run starts, a `file:` URL, or `s3://bucket/prefix`. */
  readonly url?: string | URL;
  /** Another place, such as `s3Store("s3://lake", { region: "eu-central-1" })` or `memoryStore()`. */
  readonly store?: ObjectStore;
  /** Codec of the pages. @default "zstd" */
  readonly compression?: Compression;
  /** Size at which a file is closed and the next one opened; on S3 at most 4 GiB. @default 134_217_728 (128 MiB) */
  readonly targetFileBytes?: number;
}

/** Checks options and opens the place. Throws `ALV_CONFIG` naming the option, `ALV_UNSUPPORTED`. */
export function checkOptions(options: ParquetOptions): LakeOptions & { readonly targetFileBytes: number } {
  const { store, compression, targetFileBytes = TARGET_BYTES } = checkLakeOptions("parquet", options);
  checkTarget("parquet", targetFileBytes, store);
  return { store, compression, targetFileBytes };
}
