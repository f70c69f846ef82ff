import { mkdir, open } from "node:fs/promises";
import { dirname, resolve, sep } from "node:path";
import { forEachConcurrent } from "./concurrent.ts";
import { syncFailed, systemCode } from "./file-errors.ts";

/** Making folders under a root, and making their entries survive a loss of power. */
export interface FileDirectories {
  /** Creates the folder and those above it where they are missing. */
  ensure(directory: string): Promise<void>;
  /** Syncs the folders and all that lead to them from the root, each once; and above the root what was created there. */
  sync(directories: Iterable<string>): Promise<void>;
  /** Syncs just these folders, each once; absent ones are left out. */
  syncAlone(directories: Iterable<string>): Promise<void>;
}

/** Concurrent system calls; libuv has four threads by default, and syncs of one journal share a flush. */
const CONCURRENCY = 8;

/** {@link FileDirectories} for the folder `root` (an absolute path). */
export function fileDirectories(root: string): FileDirectories {
  // The root itself may be new, made by us or by an earlier process that was killed before it could sync.
  const above = new Set([dirname(root)]);
  return {
    async ensure(directory) {
      const first = await mkdir(directory, { recursive: true }).catch(fileInTheWay);
      if (first === undefined) return;
      const highest = resolve(first);
      if (root !== highest && !root.startsWith(highest + sep)) return;
      for (let created = root; ; created = dirname(created)) {
        above.add(dirname(created));
        if (created === highest) break;
      }
    },
    async sync(directories) {
      const chain = new Set<string>();
      for (let directory of directories) {
        while (!chain.has(directory)) {
          chain.add(directory);
          if (directory === root) break;
          directory = dirname(directory);
        }
      }
      const pending = [...above];
      await forEachConcurrent([...chain, ...pending], CONCURRENCY, async (directory) => {
        await syncDirectory(directory, !chain.has(directory));
      });
      for (const directory of pending) above.delete(directory);
    },
    async syncAlone(directories) {
      await forEachConcurrent(new Set(directories), CONCURRENCY, async (directory) => {
        await syncDirectory(directory, false).catch(ignoreAbsent);
      });
    },
  };
}

/** `mkdir` says that it exists where a file stands in the place of the last folder. */
function fileInTheWay(error: unknown): never {
  if (systemCode(error) !== "EEXIST") throw error;
  throw Object.assign(new Error("a file stands in the place of a folder", { cause: error }), {
    code: "ENOTDIR",
  });
}

function ignoreAbsent(error: unknown): void {
  const code = systemCode(error);
  if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
}

/** Says that this file system, or Windows, has no syncing of folders: their entries are then as durable as they get. */
const noDirectorySync: ReadonlySet<string> = new Set(["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EBADF"]);

async function syncDirectory(directory: string, foreign: boolean): Promise<void> {
  try {
    await using handle = await open(directory, "r");
    await handle.sync();
  } catch (error) {
    const code = systemCode(error) ?? "";
    if (noDirectorySync.has(code)) return;
    const denied = code === "EACCES" || code === "EPERM";
    // Windows opens no folders; and a folder above the root may be one that we may pass through but not read.
    if ((denied || code === "EISDIR") && process.platform === "win32") return;
    if (denied && foreign) return;
    throw code === "EIO" ? syncFailed(directory, error) : error;
  }
}
