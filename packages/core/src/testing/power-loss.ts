import { AlluviumError } from "../errors.ts";
import { checkPath, checkPrefix, compareBytewise } from "../storage/path.ts";
import { resolveRange } from "../storage/range.ts";
import type { ObjectInfo, ObjectStore, ObjectWriter, StoreCall } from "../storage/store.ts";
import { losePower, newFolder, syncEntries } from "./disk.ts";
import type { DiskFile, DiskFolder, LossChoice, PendingRename } from "./disk.ts";
import { seededRandom } from "./random.ts";

/** What becomes of what was not synced when the power goes. */
export interface PowerLoss {
  /**
   * `drop`: nothing of it arrives (a file whose name was synced but not its bytes is empty). `keep`: all of it arrives. `random`: of
   * each change, by `seed`: names appear or vanish or do not, bytes arrive whole, not at all, in part, or as zeros.
   * @default "drop"
   */
  readonly unsynced?: "drop" | "keep" | "random";
  /** @default 0 */
  readonly seed?: number;
}

/** A store on a modelled disk whose power can be cut. */
export interface PowerLossStore extends ObjectStore {
  /** Cuts the power. What survives is what the store holds from then on; writers that were open are dead. */
  cutPower(loss?: PowerLoss): void;
}

/** Options of {@link powerLossStore}. */
export interface PowerLossStoreOptions {
  /** The disk's clock. @default `() => new Date()` */
  readonly clock?: () => Date;
  /**
   * Called by `putIfAbsent` and `delete` when others see what they did but a loss of power would still undo it. Throw here to end a
   * process at that moment.
   */
  readonly beforeSync?: (path: string) => void;
}

/**
 * A store in memory that models a disk to the point where it loses power: a file's bytes survive if the file was synced, its name if
 * its folder (and that one's name, up to the root) was. `putIfAbsent` and `delete` are durable by themselves, the rest after `sync`. A rename
 * never loses both names, as on file systems with a journal. For tests: stop a run at a step by `faultStore`, cut the power, recover.
 *
 * @example
 * ```ts
 * const disk = powerLossStore();
 * await loadInto(faultStore(disk, { stopAt: step })).catch(ignoreStopped);
 * disk.cutPower({ unsynced: "random", seed });
 * await loadInto(disk);
 * ```
 */
export function powerLossStore(options: PowerLossStoreOptions = {}): PowerLossStore {
  const { clock = () => new Date(), beforeSync } = options;
  const url = "memory:disk";
  const root = newFolder();
  let renames: PendingRename[] = [];
  /** Counts power cuts: a writer of an earlier time is dead. */
  let era = 0;

  const enter = async (path: string, call: StoreCall | undefined): Promise<void> => {
    checkPath(path);
    await Promise.resolve();
    call?.signal?.throwIfAborted();
  };
  const missing = (path: string): AlluviumError =>
    new AlluviumError("ALV_NOT_FOUND", `there is no file ${path} in ${url}`);
  const wrong = (path: string, why: string): AlluviumError =>
    new AlluviumError("ALV_STORE_FAILED", `cannot write ${path} in ${url}: ${why}`, { retryable: false });

  /** The folders on the way to a path, outermost first, each with the next name. */
  const trace = (path: string, make: boolean): { folder: DiskFolder; name: string }[] | undefined => {
    const way: { folder: DiskFolder; name: string }[] = [];
    let folder = root;
    const names = path.split("/");
    for (const [i, name] of names.entries()) {
      way.push({ folder, name });
      if (i === names.length - 1) break;
      let next = folder.entries.get(name);
      if (next === undefined && make) folder.entries.set(name, (next = newFolder()));
      if (next === undefined) return undefined;
      if (next.kind === "file") {
        if (make) throw wrong(path, "a file stands where a folder is needed");
        return undefined;
      }
      folder = next;
    }
    return way;
  };
  const find = (path: string): DiskFile | undefined => {
    const last = trace(path, false)?.at(-1);
    const node = last?.folder.entries.get(last.name);
    return node?.kind === "file" ? node : undefined;
  };
  const place = (path: string, file: DiskFile): void => {
    const { folder, name } = trace(path, true)!.at(-1)!;
    if (folder.entries.get(name)?.kind === "folder")
      throw wrong(path, "a folder stands where a file is meant");
    folder.entries.set(name, file);
  };
  const newFile = (bytes: Uint8Array): DiskFile => ({
    kind: "file",
    bytes,
    synced: undefined,
    modified: clock(),
  });
  const infoOf = (path: string, file: DiskFile): ObjectInfo => ({
    path,
    size: file.bytes.length,
    modified: file.modified,
  });
  const syncWay = (way: readonly { folder: DiskFolder }[]): void => {
    const folders = new Set(way.map(({ folder }) => folder));
    // A journal holds a rename whole: syncing either folder brings both names to the disk.
    const done = renames.filter((each) => folders.has(each.from) || folders.has(each.to.at(-1)!.folder));
    renames = renames.filter((each) => !done.includes(each));
    for (const { to, from, fromName, node } of done) {
      for (const { folder, name } of to) {
        const entry = folder.entries.get(name);
        if (entry !== undefined) folder.synced.set(name, entry);
      }
      if (from.synced.get(fromName) === node) from.synced.delete(fromName);
    }
    for (const folder of folders) syncEntries(folder);
  };
  const syncPath = (path: string): void => {
    const file = find(path);
    if (file === undefined) throw missing(path);
    file.synced = file.bytes;
    syncWay(trace(path, false)!);
  };

  return {
    specVersion: 1,
    url,
    capabilities: { putIfAbsent: true, rename: true },
    cutPower(loss = {}) {
      era += 1;
      losePower(root, renames, choiceOf(loss));
      renames = [];
    },
    async get(path, call) {
      await enter(path, call);
      const file = find(path);
      if (file === undefined) throw missing(path);
      const { start, end } = resolveRange(call?.range, file.bytes.length);
      return file.bytes.slice(start, end);
    },
    async head(path, call) {
      await enter(path, call);
      const file = find(path);
      return file === undefined ? undefined : infoOf(path, file);
    },
    async put(path, bytes, call) {
      const copy = new Uint8Array(bytes);
      await enter(path, call);
      place(path, newFile(copy));
    },
    async putIfAbsent(path, bytes, call) {
      const copy = new Uint8Array(bytes);
      await enter(path, call);
      const absent = find(path) === undefined;
      if (absent) place(path, newFile(copy));
      const made = find(path)!;
      if (absent) made.synced = made.bytes;
      beforeSync?.(path);
      syncPath(path);
      return absent;
    },
    async create(path, call) {
      await enter(path, call);
      if (find(path) !== undefined) throw wrong(path, "it exists already");
      const file = newFile(new Uint8Array(0));
      place(path, file);
      const born = era;
      return diskWriter(path, file, {
        check: () => {
          if (born !== era) throw wrong(path, "the power was cut since it was created");
        },
        remove: () => {
          const last = trace(path, false)?.at(-1);
          if (born === era && last?.folder.entries.get(last.name) === file)
            last.folder.entries.delete(last.name);
        },
        complete: () => {
          file.modified = clock();
          return infoOf(path, file);
        },
      });
    },
    async *list(prefix, call) {
      checkPrefix(prefix);
      const after = call?.startAfter;
      for (const info of walk(root, "")) {
        if (!info.path.startsWith(prefix) || (after !== undefined && compareBytewise(info.path, after) <= 0))
          continue;
        await Promise.resolve();
        call?.signal?.throwIfAborted();
        if (find(info.path) !== undefined) yield info;
      }
    },
    async delete(paths, call) {
      for (const path of paths) {
        await enter(path, call);
        const last = trace(path, false)?.at(-1);
        if (last === undefined) continue;
        if (find(path) !== undefined) {
          last.folder.entries.delete(last.name);
          beforeSync?.(path);
        }
        // Also when it was gone: another process may have deleted it and been killed before it could sync.
        syncWay([last]);
      }
    },
    async rename(from, to, call) {
      checkPath(to);
      await enter(from, call);
      const node = find(from);
      if (node === undefined) throw missing(from);
      if (find(to) !== undefined) return false;
      place(to, node);
      const { folder, name } = trace(from, false)!.at(-1)!;
      folder.entries.delete(name);
      renames.push({ node, from: folder, fromName: name, to: trace(to, false)! });
      return true;
    },
    async copy(from, to, call) {
      checkPath(to);
      await enter(from, call);
      const file = find(from);
      if (file === undefined) throw missing(from);
      // Its bytes come before its name, as those of `fileStore`.
      place(to, { ...newFile(file.bytes), synced: file.bytes });
    },
    async sync(paths, call) {
      for (const path of paths) {
        await enter(path, call);
        syncPath(path);
      }
    },
    async now(call) {
      await Promise.resolve();
      call?.signal?.throwIfAborted();
      return clock();
    },
  };

  function* walk(folder: DiskFolder, prefix: string): Generator<ObjectInfo> {
    const named = [...folder.entries].map(([name, node]) => ({
      path: prefix + name + (node.kind === "folder" ? "/" : ""),
      node,
    }));
    for (const { path, node } of named.sort((a, b) => compareBytewise(a.path, b.path))) {
      if (node.kind === "folder") yield* walk(node, path);
      else yield infoOf(path, node);
    }
  }
}

interface WriterHooks {
  readonly check: () => void;
  readonly remove: () => void;
  readonly complete: () => ObjectInfo;
}

function diskWriter(path: string, file: DiskFile, hooks: WriterHooks): ObjectWriter {
  let done = false;
  const check = (): void => {
    hooks.check();
    if (done) throw new AlluviumError("ALV_INTERNAL", `the writer of ${path} is closed already`);
  };
  return {
    path,
    get size() {
      return file.bytes.length;
    },
    async write(bytes) {
      check();
      const longer = new Uint8Array(file.bytes.length + bytes.length);
      longer.set(file.bytes);
      longer.set(bytes, file.bytes.length);
      file.bytes = longer;
      await Promise.resolve();
    },
    async complete() {
      await Promise.resolve();
      check();
      done = true;
      return hooks.complete();
    },
    async [Symbol.asyncDispose]() {
      if (!done) hooks.remove();
      done = true;
      await Promise.resolve();
    },
  };
}

function choiceOf({ unsynced = "drop", seed = 0 }: PowerLoss): LossChoice {
  if (unsynced === "keep") return { entry: () => true, content: (bytes) => bytes };
  if (unsynced === "drop") return { entry: () => false, content: (_, synced) => synced ?? new Uint8Array(0) };
  const random = seededRandom(seed);
  return {
    entry: () => random() < 0.5,
    content: (bytes, synced) => {
      const kind = Math.floor(random() * 4);
      const cut = Math.floor(random() * bytes.length);
      if (kind === 0) return bytes;
      if (kind === 1) return synced ?? new Uint8Array(0);
      if (kind === 2) return bytes.slice(0, cut);
      const torn = new Uint8Array(bytes);
      torn.fill(0, cut);
      return torn;
    },
  };
}
