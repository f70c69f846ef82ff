import { fileURLToPath } from "node:url";
import { AlluviumError, type ObjectStore } from "@alluvium/core";
import { fileStore } from "@alluvium/core/storage/file";
import { inTable, isAbsolute } from "../log/paths.ts";

/** A file as some store has it. */
export interface StoredFile {
  readonly store: ObjectStore;
  readonly path: string;
}

/** Where a decoded path of the log leads: usually into the table, but clones name files of other tables on the same disk. */
export async function resolveFile(store: ObjectStore, directory: string, path: string): Promise<StoredFile> {
  if (!isAbsolute(path)) return { store, path: inTable(directory, path) };
  if (!path.startsWith("/") || !store.url.startsWith("file:"))
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `the table names the file ${path} outside of ${store.url}, which cannot be read from there`,
    );
  const slash = path.lastIndexOf("/");
  return { store: fileStore(path.slice(0, slash) || "/"), path: path.slice(slash + 1) };
}

/** Where a decoded path stands for tools outside: a path on the disk for local stores, a URL otherwise. */
export function outsidePath(store: ObjectStore, directory: string, path: string): string {
  if (isAbsolute(path)) return path;
  const inStore = inTable(directory, path);
  if (!store.url.startsWith("file:")) return `${store.url.replace(/\/$/, "")}/${inStore}`;
  return `${fileURLToPath(store.url).replace(/\/$/, "")}/${inStore}`;
}
