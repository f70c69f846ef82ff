import { AlluviumError, type ObjectStore } from "@alluvium/core";
import type { Compression } from "@alluvium/core/parquet";
import { fileStore } from "@alluvium/core/storage/file";
import * as z from "zod";

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

/** Checked options. */
export interface CheckedOptions {
  readonly store: ObjectStore;
  readonly compression: Compression;
  readonly targetFileBytes: number;
}

const MIB = 1024 * 1024;

/** Checks options and opens the place. Throws `ALV_CONFIG` naming the option, `ALV_STORE_UNSAFE`, `ALV_UNSUPPORTED`. */
export function checkOptions(options: ParquetOptions): CheckedOptions {
  const checked = z
    .strictObject({
      url: z.union([z.string().min(1), z.instanceof(URL)]).optional(),
      store: z
        .custom<ObjectStore>(
          (value) => typeof value === "object" && value !== null,
          "expected an ObjectStore",
        )
        .optional(),
      compression: z.enum(["zstd", "snappy", "gzip", "none"]).default("zstd"),
      targetFileBytes: z
        .int()
        .min(MIB)
        .default(128 * MIB),
    })
    .refine(({ url, store }) => (url === undefined) !== (store === undefined), "give either url or store")
    .safeParse(options);
  if (!checked.success)
    throw new AlluviumError("ALV_CONFIG", `parquet(): ${z.prettifyError(checked.error)}`, { step: "open" });
  const { url, store, compression, targetFileBytes } = checked.data;
  const place = store ?? openUrl(url!);
  if (!place.capabilities.rename)
    throw new AlluviumError(
      "ALV_STORE_UNSAFE",
      `${place.url} cannot rename, and a folder of Parquet files has no log that could hide files: use delta()`,
    );
  return { store: place, compression, targetFileBytes };
}

function openUrl(url: string | URL): ObjectStore {
  const scheme = url instanceof URL ? url.protocol : /^([a-z][a-z\d+.-]+:)\/\//i.exec(url)?.[1];
  if (scheme !== undefined && scheme.toLowerCase() !== "file:")
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `parquet() writes to folders: give a path or a file: URL, not ${scheme}//…`,
    );
  return fileStore(url);
}
