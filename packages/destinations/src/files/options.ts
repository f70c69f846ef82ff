import { AlluviumError, type ObjectStore } from "@alluvium/core";
import * as z from "zod";
import type { FolderKind } from "../folders/kind.ts";
import { checkTarget, TARGET_BYTES } from "../folders/target.ts";
import { checkLakeOptions } from "../lake/options.ts";
import type { FilesFormat } from "./formats.ts";

/** Options of {@link files}: either `url` or `store`, and `format`. */
export interface FilesOptions {
  /** The folder of the tables: a path, relative to the working folder when a run starts, a `file:` URL, or `s3://bucket/prefix`. */
  readonly url?: string | URL;
  /** Another place, such as `s3Store("s3://lake", { region: "eu-central-1" })` or `memoryStore()`. */
  readonly store?: ObjectStore;
  /** What the files are: `csv()`, `jsonLines()`, `parquet()`. A folder keeps to one. */
  readonly format: FilesFormat;
  /** Size at which a file is closed and the next one opened, as it is stored; on S3 at most 4 GiB. @default 134_217_728 (128 MiB) */
  readonly targetFileBytes?: number;
}

/** Checks options and opens the place. Throws `ALV_CONFIG` naming the option, `ALV_UNSUPPORTED`. */
export function checkFiles(options: FilesOptions): {
  readonly store: ObjectStore;
  readonly kind: FolderKind;
} {
  const {
    store,
    format,
    targetFileBytes = TARGET_BYTES,
  } = checkLakeOptions("files", options, {
    format: z.custom<FilesFormat>(isFormat, "must be csv(), jsonLines() or parquet()"),
  });
  if ("compression" in options)
    throw new AlluviumError(
      "ALV_CONFIG",
      "files: compression is an option of the format: csv({ compression })",
      {
        step: "open",
      },
    );
  checkTarget("files", targetFileBytes, store);
  return { store, kind: format.kind({ targetFileBytes }) };
}

function isFormat(value: unknown): boolean {
  return typeof value === "object" && value !== null && "kind" in value && typeof value.kind === "function";
}
