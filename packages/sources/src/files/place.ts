import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { AlluviumError, type ObjectStore } from "@alluvium/core";
import { fileStore } from "@alluvium/core/storage/file";
import { s3Store } from "@alluvium/core/storage/s3";
import type { FilesOptions } from "./options.ts";

/** The store that options name. `ALV_UNSUPPORTED` for a URL of another kind. */
export function openPlace({ url, store }: FilesOptions): ObjectStore {
  if (store !== undefined) return store;
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):/.exec(String(url))?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === "file") return fileStore(url!);
  if (scheme === "s3" || scheme === "s3a") return s3Store(url!);
  throw new AlluviumError(
    "ALV_UNSUPPORTED",
    `files: there is no store for ${scheme}: URLs; give the path of a folder, a file: URL, s3://bucket/prefix, or a \`store\``,
    { step: "open" },
  );
}

/** The time by the store's clock. A folder is not written to for it: files have the time of its machine. */
export async function clockOf(store: ObjectStore, signal: AbortSignal): Promise<number> {
  if (store.url.startsWith("file:")) return Date.now();
  return (await store.now({ signal })).getTime();
}

/** Why nothing is found in a folder: there is none, for messages. A file in its place is `ALV_CONFIG`; `undefined`: it is there, or the place is no folder. */
export async function missingPlace({ url }: ObjectStore): Promise<string | undefined> {
  if (!url.startsWith("file:")) return undefined;
  const path = fileURLToPath(url);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return `there is no folder ${path}`;
  if (found.isDirectory()) return undefined;
  throw new AlluviumError(
    "ALV_CONFIG",
    `files: ${path} is a file, where a folder is meant: give { url: ${JSON.stringify(dirname(path))} }, and ${JSON.stringify(basename(path))} as the glob of the table`,
    { step: "read" },
  );
}
