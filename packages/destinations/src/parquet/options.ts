import { AlluviumError, type ObjectStore } from "@alluvium/core";
import type { Compression } from "@alluvium/core/parquet";
import { checkLakeOptions, type LakeOptions } from "../lake/options.ts";

/** Options of {@link parquet}: either `url` or `store`. */
export interface ParquetOptions {
  /** The folder of the tables: a path, relative to the working folder when a run starts, or a `file:` URL. */
  readonly url?: string | URL;
  /** Another place, such as `memoryStore()`. It must be able to rename. */
  readonly store?: ObjectStore;
  /** Codec of the pages. @default "zstd" */
  readonly compression?: Compression;
  /** Size at which a file is closed and the next one opened. @default 134_217_728 (128 MiB) */
  readonly targetFileBytes?: number;
}

const MIB = 1024 * 1024;

/** Checks options and opens the place. Throws `ALV_CONFIG` naming the option, `ALV_STORE_UNSAFE`, `ALV_UNSUPPORTED`. */
export function checkOptions(options: ParquetOptions): LakeOptions & { readonly targetFileBytes: number } {
  const { store, compression, targetFileBytes = 128 * MIB } = checkLakeOptions("parquet", options);
  if (targetFileBytes < MIB)
    throw new AlluviumError(
      "ALV_CONFIG",
      `parquet: targetFileBytes is ${targetFileBytes}; it must be at least ${MIB} (1 MiB)`,
      { step: "open" },
    );
  if (!store.capabilities.rename)
    throw new AlluviumError(
      "ALV_STORE_UNSAFE",
      `parquet: ${store.url} cannot rename, and a folder of Parquet files has no log that could hide files: use delta()`,
      { step: "open" },
    );
  return { store, compression, targetFileBytes };
}
