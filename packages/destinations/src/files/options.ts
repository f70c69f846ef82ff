import { AlluviumError, type ObjectStore } from "@alluvium/core";
import * as z from "zod";
import type { FolderKind } from "../folders/kind.ts";
import { checkLakeOptions } from "../lake/options.ts";
import type { FilesFormat } from "./formats.ts";

/** Options of {@link files}: either `url` or `store`, and `format`. */
export interface FilesOptions {
  /** The folder of the tables: a path, relative to the working folder when a run starts, or a `file:` URL. */
  readonly url?: string | URL;
  /** Another place, such as `memoryStore()`. It must be able to rename. */
  readonly store?: ObjectStore;
  /** What the files are: `csv()`, `jsonLines()`, `parquet()`. A folder keeps to one. */
  readonly format: FilesFormat;
  /** Size at which a file is closed and the next one opened, as it is stored. @default 134_217_728 (128 MiB) */
  readonly targetFileBytes?: number;
}

const MIB = 1024 * 1024;

/** Checks options and opens the place. Throws `ALV_CONFIG` naming the option, `ALV_STORE_UNSAFE`, `ALV_UNSUPPORTED`. */
export function checkFiles(options: FilesOptions): {
  readonly store: ObjectStore;
  readonly kind: FolderKind;
} {
  const {
    store,
    format,
    targetFileBytes = 128 * MIB,
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
  if (targetFileBytes < MIB)
    throw new AlluviumError(
      "ALV_CONFIG",
      `files: targetFileBytes is ${targetFileBytes}; it must be at least ${MIB} (1 MiB)`,
      { step: "open" },
    );
  if (!store.capabilities.rename)
    throw new AlluviumError(
      "ALV_STORE_UNSAFE",
      `files: ${store.url} cannot rename, and a folder of files has no log that could hide files: use delta()`,
      { step: "open" },
    );
  return { store, kind: format.kind({ targetFileBytes }) };
}

function isFormat(value: unknown): boolean {
  return typeof value === "object" && value !== null && "kind" in value && typeof value.kind === "function";
}
