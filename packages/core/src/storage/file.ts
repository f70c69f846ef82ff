/**
 * A folder as a store of objects.
 *
 * @module core/storage/file
 */
import { randomBytes } from "node:crypto";
import { constants, copyFile, link, open, rename, stat, unlink, utimes } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { AlluviumError } from "../errors.ts";
import { forEachConcurrent } from "./concurrent.ts";
import { changedObject } from "./changed.ts";
import { fileDirectories } from "./file-directories.ts";
import { cannotLink, fileError, syncFailed, systemCode, unsafeStore } from "./file-errors.ts";
import { listFiles } from "./file-list.ts";
import { fileInfo, fileTag } from "./file-info.ts";
import { openFileWriter, writeWhole } from "./file-writer.ts";
import { checkPath, checkPrefix } from "./path.ts";
import { resolveRange } from "./range.ts";
import type { ObjectInfo, ObjectStore, StoreCall } from "./store.ts";

const CONCURRENCY = 8;
/** Node reads less than 2 GiB in one call. */
const READ_BYTES = 1 << 30;

/**
 * A folder as a store. The folder is created when something is first written.
 *
 * - `putIfAbsent` writes a temporary file, syncs it, links it to its name and syncs the folders that lead to it: exclusive, whole and
 *   durable on local disks and NFS. Without hard links (exFAT, some network and FUSE mounts) it throws `ALV_STORE_UNSAFE`.
 * - `put` syncs the bytes and renames: after a loss of power there is the old or the new object, never a part; `sync` makes it last.
 * - `delete` syncs the folders, so that nothing comes back; it leaves empty folders.
 * - `create` writes to the final name; a file that is not complete can be seen. Names must be new.
 * - `rename` links and unlinks, so it replaces nothing. A killed one leaves both names; renaming again finishes it.
 * - `copy` makes a synced temporary file and renames it, sharing blocks where the file system can (Btrfs, XFS, APFS, ReFS).
 * - `list` does not enter folders that are symbolic links, and removes temporary files that are older than a day.
 * - Tags are made of size, time of the last writing (in nanoseconds) and inode: a file that is written to within one tick of the file system's clock,
 *   and keeps its size, looks the same.
 * - `now` is the modification time that the file system gives a new file, so ages are right on network mounts with another clock.
 *
 * @param root A path (relative to the working folder at the time of the call) or a `file:` URL.
 *
 * @example
 * ```ts
 * const store = fileStore("./lake");
 * for await (const { path, size } of store.list("orders/")) console.log(path, size);
 * ```
 */
export function fileStore(root: string | URL): ObjectStore {
  const folder = resolve(root instanceof URL || root.startsWith("file:") ? fromUrl(root) : root);
  const url = pathToFileURL(folder).href;
  const directories = fileDirectories(folder);

  const locate = (path: string): string => {
    checkPath(path);
    if (process.platform === "win32" && /[\\:]/.test(path))
      throw new AlluviumError("ALV_CONFIG", `${JSON.stringify(path)} cannot be a file name on Windows`);
    return join(folder, path);
  };
  /** Checks the call, runs it, and tells its failure. */
  const guard = async <T>(
    doing: string,
    path: string,
    call: StoreCall | undefined,
    run: () => Promise<T>,
  ): Promise<T> => {
    call?.signal?.throwIfAborted();
    try {
      return await run();
    } catch (error) {
      if (call?.signal?.aborted === true) throw call.signal.reason;
      throw fileError(error, doing, path, url);
    }
  };
  /** Calls `place` with a temporary file beside `file` that `make` made and synced, and removes it. */
  const withTemporary = async <T>(
    file: string,
    make: (temporary: string) => Promise<void>,
    place: (temporary: string) => Promise<T>,
  ): Promise<T> => {
    const directory = dirname(file);
    await directories.ensure(directory);
    const temporary = temporaryIn(directory);
    try {
      await make(temporary);
      return await place(temporary);
    } finally {
      await unlink(temporary).catch(() => undefined);
    }
  };

  return {
    specVersion: 1,
    url,
    capabilities: { putIfAbsent: true, rename: true },
    async get(path, call) {
      const file = locate(path);
      return guard("read", path, call, async () => {
        await using handle = await open(file, "r").catch(noFolder);
        const stats = await handle.stat({ bigint: true });
        if (!stats.isFile())
          throw new AlluviumError("ALV_NOT_FOUND", `${path} in ${url} is a folder, not a file`);
        const { ifMatch } = call ?? {};
        /** Of the open file, since another one may have its name by now. */
        const check = (now: typeof stats): void => {
          if (ifMatch !== undefined && fileTag(now) !== ifMatch) throw changedObject(path, url);
        };
        check(stats);
        const { start, end } = resolveRange(call?.range, Number(stats.size));
        const { into } = call ?? {};
        const size = end - start;
        const bytes =
          into !== undefined && into.length >= size ? into.subarray(0, size) : new Uint8Array(size);
        let done = 0;
        while (done < bytes.length) {
          call?.signal?.throwIfAborted();
          const count = Math.min(READ_BYTES, bytes.length - done);
          const { bytesRead } = await handle.read(bytes, done, count, start + done);
          if (bytesRead === 0) break;
          done += bytesRead;
        }
        // It may have been written to in the meantime.
        if (ifMatch !== undefined) check(await handle.stat({ bigint: true }));
        return done < bytes.length ? bytes.subarray(0, done) : bytes;
      });
    },
    async head(path, call) {
      const file = locate(path);
      return guard("look at", path, call, () => inspect(file, path));
    },
    async put(path, bytes, call) {
      const file = locate(path);
      await guard("write", path, call, () =>
        withTemporary(
          file,
          (temporary) => writeNew(temporary, bytes),
          async (temporary) => {
            call?.signal?.throwIfAborted();
            await rename(temporary, file);
          },
        ),
      );
    },
    async putIfAbsent(path, bytes, call) {
      const file = locate(path);
      return guard("create", path, call, async () => {
        const created = await withTemporary(
          file,
          (temporary) => writeNew(temporary, bytes),
          async (temporary) => {
            call?.signal?.throwIfAborted();
            return linkNew(temporary, file, url);
          },
        );
        // Also when another one created it: it may have been killed before it could sync, and who reads it builds on it.
        await directories.sync([dirname(file)]);
        return created;
      });
    },
    async create(path, call) {
      const file = locate(path);
      return guard("create", path, call, async () => {
        await directories.ensure(dirname(file));
        return openFileWriter(file, path, url);
      });
    },
    async *list(prefix, call) {
      checkPrefix(prefix);
      call?.signal?.throwIfAborted();
      const files = listFiles({ root: folder, prefix, startAfter: call?.startAfter, signal: call?.signal });
      try {
        yield* files;
      } catch (error) {
        if (call?.signal?.aborted === true) throw call.signal.reason;
        throw fileError(error, "list", prefix, url);
      }
    },
    async delete(paths, call) {
      const files = paths.map((path) => [path, locate(path)] as const);
      await forEachConcurrent(files, CONCURRENCY, ([path, file]) =>
        guard("delete", path, call, () => unlink(file).catch(noFile)),
      );
      await guard("sync", "", call, () => directories.syncAlone(files.map(([, file]) => dirname(file))));
    },
    async rename(from, to, call) {
      const source = locate(from);
      const target = locate(to);
      return guard("rename", from, call, async () => {
        await directories.ensure(dirname(target));
        const moved = (await linkNew(source, target, url)) || (await sameFile(source, target));
        if (moved) await unlink(source).catch(noFile);
        return moved;
      });
    },
    async copy(from, to, call) {
      const source = locate(from);
      const target = locate(to);
      return guard("copy", from, call, async () => {
        if ((await inspect(source, from)) === undefined)
          throw new AlluviumError("ALV_NOT_FOUND", `there is no file ${from} in ${url}`);
        await withTemporary(
          target,
          (temporary) => copyNew(source, temporary),
          async (temporary) => {
            call?.signal?.throwIfAborted();
            await rename(temporary, target);
          },
        );
      });
    },
    async sync(paths, call) {
      const files = new Map(paths.map((path) => [locate(path), path]));
      await forEachConcurrent(files, CONCURRENCY, ([file, path]) =>
        guard("sync", path, call, () => syncFile(file)),
      );
      await guard("sync", "", call, () => directories.sync([...files.keys()].map((file) => dirname(file))));
    },
    async now(call) {
      return guard("read the clock of", "", call, async () => {
        await directories.ensure(folder);
        const temporary = temporaryIn(folder);
        try {
          await using handle = await open(temporary, "wx");
          return (await handle.stat()).mtime;
        } finally {
          await unlink(temporary).catch(() => undefined);
        }
      });
    },
  };
}

/** Writes a new file, and syncs it. */
async function writeNew(file: string, bytes: Uint8Array): Promise<void> {
  await using handle = await open(file, "wx");
  await writeWhole(handle, bytes, 0);
  await handle.sync();
}

/** Copies a file to a new one, and syncs that. */
async function copyNew(source: string, file: string): Promise<void> {
  await copyFile(source, file, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  // Elsewhere the time of the original comes along.
  if (process.platform !== "linux") await utimes(file, new Date(), new Date());
  await syncFile(file);
}

function fromUrl(root: string | URL): string {
  const { protocol, host } = new URL(root);
  if (protocol !== "file:" || (host !== "" && process.platform !== "win32"))
    throw new AlluviumError(
      "ALV_CONFIG",
      `fileStore takes a path or a file: URL without host, not ${protocol}//${host}…`,
    );
  return fileURLToPath(root);
}

function temporaryIn(directory: string): string {
  return join(directory, `.alv-${randomBytes(16).toString("hex")}.tmp`);
}

async function inspect(file: string, path: string): Promise<ObjectInfo | undefined> {
  try {
    return fileInfo(path, await stat(file, { bigint: true }));
  } catch (error) {
    noFile(error);
    return undefined;
  }
}

/** Links `source` to the new name `target`; `false` if that exists. */
async function linkNew(source: string, target: string, url: string): Promise<boolean> {
  try {
    await link(source, target);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw cannotLink(error) ? unsafeStore(url, error) : error;
  }
}

/** Whether two names are links of one file: what a `rename` that was killed between linking and unlinking leaves. */
async function sameFile(a: string, b: string): Promise<boolean> {
  const [x, y] = await Promise.all([stat(a, { bigint: true }), stat(b, { bigint: true })]);
  return a !== b && x.ino === y.ino && x.dev === y.dev && x.nlink > 1n;
}

async function syncFile(file: string): Promise<void> {
  // Opened for writing: Windows syncs nothing else.
  await using handle = await open(file, process.platform === "win32" ? "r+" : "r");
  try {
    await handle.sync();
  } catch (error) {
    throw syncFailed(file, error);
  }
}

/** Swallows what says that there is no file. */
function noFile(error: unknown): void {
  const code = systemCode(error);
  if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
}

/** A file in the place of a folder on the way means that there is nothing behind it. */
function noFolder(error: unknown): never {
  if (systemCode(error) !== "ENOTDIR") throw error;
  throw Object.assign(new Error("a file stands where a folder is meant", { cause: error }), {
    code: "ENOENT",
  });
}
