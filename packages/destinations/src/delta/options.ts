import { AlluviumError, type ObjectStore } from "@alluvium/core";
import { fileStore } from "@alluvium/core/storage/file";
import * as z from "zod";

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
}

/** Options after checking. */
export interface CheckedOptions {
  readonly store: ObjectStore;
  readonly compression: "zstd" | "snappy" | "gzip" | "none";
  readonly targetFileBytes: number | undefined;
}

/** Checks options and makes the store. Throws `ALV_CONFIG` naming the option, the value and what is accepted. */
export function checkOptions(options: DeltaOptions): CheckedOptions {
  const schema = z.strictObject({
    url: z.union([z.string(), z.instanceof(URL)]).optional(),
    store: z.custom<ObjectStore>(isStore, "is not an ObjectStore").optional(),
    compression: z.enum(["zstd", "snappy", "gzip", "none"]).default("zstd"),
    targetFileBytes: z.int().positive().optional(),
  });
  const checked = schema.safeParse(options);
  if (!checked.success) {
    const problems = checked.error.issues.map(
      ({ path, message }) => `${path.join(".") || "options"}: ${message}`,
    );
    throw new AlluviumError("ALV_CONFIG", `delta: ${problems.join("; ")}`);
  }
  const { url, store, compression, targetFileBytes } = checked.data;
  if ((url === undefined) === (store === undefined))
    throw new AlluviumError("ALV_CONFIG", "delta: give either `url` (a folder) or `store`");
  return { store: store ?? openStore(url!, "delta"), compression, targetFileBytes };
}

function isStore(value: unknown): boolean {
  return typeof value === "object" && value !== null && "putIfAbsent" in value && "capabilities" in value;
}

/** The store behind a path or URL. Throws `ALV_UNSUPPORTED` for schemes that have no store yet. */
export function openStore(url: string | URL, who: string): ObjectStore {
  const text = String(url);
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):/.exec(text)?.[1]?.toLowerCase();
  if (text === "") throw new AlluviumError("ALV_CONFIG", `${who}: url is empty; give the path of a folder`);
  if (scheme === undefined || scheme === "file") return fileStore(url);
  throw new AlluviumError(
    "ALV_UNSUPPORTED",
    `${who}: ${scheme}: URLs are not supported yet; use a path or file: URL, or give a store of your own as \`store\``,
  );
}
