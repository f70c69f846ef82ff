import { readdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "./file-errors.ts";
import { fileInfo } from "./file-info.ts";
import { compareBytewise, isTemporaryName } from "./path.ts";
import type { ObjectInfo } from "./store.ts";

/** Age from which a temporary file is what a killed process left. */
const STALE_MS = 24 * 60 * 60 * 1000;
/** Files asked for size and time at once. */
const STAT_BATCH = 64;

interface Entry {
  /** From the root; of a folder with a `/` at its end. */
  readonly path: string;
  readonly folder: boolean;
}

/** What a listing asks for. */
export interface FileListing {
  readonly root: string;
  readonly prefix: string;
  readonly startAfter: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Files under a folder in byte order of their paths: depth first, where a folder sorts as its name with a `/`. Holds the entries of
 * the folders on the current path only. Folders that are symbolic links are not entered (they may lead in circles).
 */
export async function* listFiles(listing: FileListing): AsyncGenerator<ObjectInfo> {
  const { prefix } = listing;
  yield* walk(prefix.slice(0, prefix.lastIndexOf("/") + 1), listing);
}

async function* walk(folder: string, listing: FileListing): AsyncGenerator<ObjectInfo> {
  const { root, signal } = listing;
  signal?.throwIfAborted();
  const entries = await readEntries(folder, listing);
  for (let i = 0; i < entries.length;) {
    if (entries[i]!.folder) {
      yield* walk(entries[i]!.path, listing);
      i += 1;
      continue;
    }
    let end = i + 1;
    while (end < entries.length && end - i < STAT_BATCH && !entries[end]!.folder) end += 1;
    signal?.throwIfAborted();
    const infos = await Promise.all(entries.slice(i, end).map((entry) => inspectFile(root, entry.path)));
    for (const info of infos) if (info !== undefined) yield info;
    i = end;
  }
}

async function readEntries(folder: string, listing: FileListing): Promise<Entry[]> {
  const { root, prefix, startAfter } = listing;
  const directory = join(root, folder);
  const entries: Entry[] = [];
  for (const dirent of await readdirOrNothing(directory)) {
    if (isTemporaryName(dirent.name)) {
      await removeStale(join(directory, dirent.name));
      continue;
    }
    const isFolder = dirent.isDirectory();
    const path = isFolder ? `${folder}${dirent.name}/` : folder + dirent.name;
    if (!path.startsWith(prefix) && !(isFolder && prefix.startsWith(path))) continue;
    if (startAfter !== undefined) {
      const before = compareBytewise(path, startAfter) <= 0;
      if (before && !(isFolder && startAfter.startsWith(path))) continue;
    }
    entries.push({ path, folder: isFolder });
  }
  return entries.sort((a, b) => compareBytewise(a.path, b.path));
}

async function readdirOrNothing(directory: string): ReturnType<typeof readFolder> {
  try {
    return await readFolder(directory);
  } catch (error) {
    // Never there, removed since, or a file of that name: it holds nothing.
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}

// eslint-disable-next-line typescript/explicit-function-return-type -- the overload for `withFileTypes` names the type
const readFolder = (directory: string) => readdir(directory, { withFileTypes: true });

async function inspectFile(root: string, path: string): Promise<ObjectInfo | undefined> {
  try {
    return fileInfo(path, await stat(join(root, path), { bigint: true }));
  } catch (error) {
    // Removed since, or a symbolic link to nowhere.
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ELOOP") return undefined;
    throw error;
  }
}

/** Removes a temporary file that its writer cannot come back to. Best effort: another may be faster, or it may not be ours. */
async function removeStale(file: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(file);
    if (Date.now() - mtimeMs > STALE_MS) await unlink(file);
  } catch {
    // Hidden all the same.
  }
}
