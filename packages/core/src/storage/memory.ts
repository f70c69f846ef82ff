/**
 * A store of objects in memory.
 *
 * @module core/storage/memory
 */
import { AlluviumError } from "../errors.ts";
import { changedObject } from "./changed.ts";
import { checkPath, checkPrefix, compareBytewise } from "./path.ts";
import { resolveRange } from "./range.ts";
import type { ObjectInfo, ObjectStore, ObjectWriter, StoreCall } from "./store.ts";

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** Name in `url` and messages. @default "memory:" */
  readonly url?: string;
  /** The store's clock. @default `() => new Date()` */
  readonly clock?: () => Date;
}

interface Entry {
  readonly bytes: Uint8Array;
  readonly info: ObjectInfo;
}

/**
 * A store in this process's memory: for tests, and for tables that are thrown away. Everything that holds the same object shares its
 * content. It behaves like an object store: an object being written is invisible until it is complete, and nothing needs syncing.
 *
 * @example
 * ```ts
 * const store = memoryStore();
 * await store.put("hello.txt", new TextEncoder().encode("hello"));
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): ObjectStore {
  const { url = "memory:", clock = () => new Date() } = options;
  const objects = new Map<string, Entry>();
  let writes = 0;

  const insert = (path: string, bytes: Uint8Array): ObjectInfo => {
    writes += 1;
    const info = { path, size: bytes.length, modified: clock(), etag: `"${writes}"` };
    objects.set(path, { bytes, info });
    return info;
  };
  const enter = async (path: string, call: StoreCall | undefined): Promise<void> => {
    checkPath(path);
    // Every call gives others a turn, as real stores do.
    await Promise.resolve();
    call?.signal?.throwIfAborted();
  };
  const missing = (path: string): AlluviumError =>
    new AlluviumError("ALV_NOT_FOUND", `there is no object ${path} in ${url}`);
  const taken = (path: string): AlluviumError =>
    new AlluviumError("ALV_STORE_FAILED", `cannot create ${path} in ${url}: it exists already`, {
      retryable: false,
    });

  return {
    specVersion: 1,
    url,
    capabilities: { putIfAbsent: true, rename: true },
    async get(path, call) {
      await enter(path, call);
      const entry = objects.get(path);
      if (entry === undefined) throw missing(path);
      if (call?.ifMatch !== undefined && call.ifMatch !== entry.info.etag) throw changedObject(path, url);
      const { start, end } = resolveRange(call?.range, entry.bytes.length);
      return entry.bytes.slice(start, end);
    },
    async head(path, call) {
      await enter(path, call);
      return objects.get(path)?.info;
    },
    async put(path, bytes, call) {
      const copy = new Uint8Array(bytes);
      await enter(path, call);
      insert(path, copy);
    },
    async putIfAbsent(path, bytes, call) {
      const copy = new Uint8Array(bytes);
      await enter(path, call);
      if (objects.has(path)) return false;
      insert(path, copy);
      return true;
    },
    async create(path, call) {
      await enter(path, call);
      if (objects.has(path)) throw taken(path);
      return memoryWriter(path, (bytes) => {
        if (objects.has(path)) throw taken(path);
        return insert(path, bytes);
      });
    },
    async *list(prefix, call) {
      checkPrefix(prefix);
      const after = call?.startAfter;
      const paths = [...objects.keys()]
        .filter(
          (path) => path.startsWith(prefix) && (after === undefined || compareBytewise(path, after) > 0),
        )
        .sort(compareBytewise);
      for (const path of paths) {
        await Promise.resolve();
        call?.signal?.throwIfAborted();
        // Deleted since: object stores leave it out or not; leaving it out is the harder case for callers.
        const entry = objects.get(path);
        if (entry !== undefined) yield entry.info;
      }
    },
    async delete(paths, call) {
      for (const path of paths) {
        await enter(path, call);
        objects.delete(path);
      }
    },
    async rename(from, to, call) {
      checkPath(to);
      await enter(from, call);
      const entry = objects.get(from);
      if (entry === undefined) throw missing(from);
      if (objects.has(to)) return false;
      objects.delete(from);
      objects.set(to, { bytes: entry.bytes, info: { ...entry.info, path: to } });
      return true;
    },
    async copy(from, to, call) {
      checkPath(to);
      await enter(from, call);
      const entry = objects.get(from);
      if (entry === undefined) throw missing(from);
      insert(to, entry.bytes);
    },
    async sync(paths, call) {
      for (const path of paths) {
        await enter(path, call);
        if (!objects.has(path)) throw missing(path);
      }
    },
    async now(call) {
      await Promise.resolve();
      call?.signal?.throwIfAborted();
      return clock();
    },
  };
}

function memoryWriter(path: string, insert: (bytes: Uint8Array) => ObjectInfo): ObjectWriter {
  const parts: Uint8Array[] = [];
  let size = 0;
  let state: "open" | "complete" | "disposed" = "open";
  const open = (): void => {
    if (state !== "open")
      throw new AlluviumError("ALV_INTERNAL", `the writer of ${path} is ${state} already`);
  };
  return {
    path,
    get size() {
      return size;
    },
    async write(bytes) {
      open();
      parts.push(new Uint8Array(bytes));
      size += bytes.length;
      await Promise.resolve();
    },
    async complete() {
      open();
      const bytes = new Uint8Array(size);
      let at = 0;
      for (const part of parts) {
        bytes.set(part, at);
        at += part.length;
      }
      await Promise.resolve();
      const info = insert(bytes);
      state = "complete";
      return info;
    },
    async [Symbol.asyncDispose]() {
      parts.length = 0;
      if (state === "open") state = "disposed";
      await Promise.resolve();
    },
  };
}
