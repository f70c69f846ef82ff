import { AlluviumError, type ObjectStore } from "@alluvium/core";
import { unsettled, type LogEntries, type LogEntry } from "./log-entries.ts";
import { folderOf, placeOf, temporaryPath, type LogFolder, type LogPlace } from "./log-place.ts";

const ATTEMPTS = 3;

/**
 * A store whose `putIfAbsent` goes through items. To create an object that decides something:
 *
 * 0. it must not be there, and of a log the version before it must be complete (else it is finished first);
 * 1. the bytes are written to a temporary file;
 * 2. an incomplete item that names this file is put only if there is none: **from here on the commit is won**;
 * 3. the bytes are put in place;
 * 4. the item is marked complete, with a time from which it may be deleted.
 *
 * What is left after 2 can be finished by anybody: before a listing, the newest item is looked at. Source: `BaseExternalLogStore` of delta-io/delta. Beyond it:
 * after 2 the object is looked for once more, so that a writer that slept until the item of a finished commit had expired overwrites nothing; and a lost
 * answer to 2 is settled by the name of the temporary file.
 */
export function exclusiveStore(store: ObjectStore, entries: LogEntries, scheme: string): ObjectStore {
  const looked = new Set<string>();

  /** Items under another scheme are of writers that would not see ours. */
  async function checkScheme({ kind, tablePath }: LogFolder): Promise<void> {
    if (kind !== "log" || looked.has(tablePath) || !tablePath.startsWith(`${scheme}:`)) return;
    for (const other of ["s3", "s3a", "s3n"].filter((one) => one !== scheme)) {
      const theirs = tablePath.replace(`${scheme}:`, `${other}:`);
      if ((await entries.latest(theirs)) === undefined) continue;
      throw new AlluviumError(
        "ALV_STORE_UNSAFE",
        `another writer keeps the commits of ${tablePath} under ${theirs}, so that two could take the same version: give dynamoDbLogStore scheme: "${other}", or delete those items if nobody writes so any more`,
      );
    }
    looked.add(tablePath);
  }

  /** Puts the file of a commit in place that somebody left incomplete. */
  async function finish({ folder }: LogFolder, entry: LogEntry): Promise<void> {
    const path = `${folder}${entry.fileName}`;
    for (let attempt = 1; ; attempt++) {
      try {
        if ((await store.head(path)) === undefined)
          await store.put(path, await store.get(`${folder}${entry.tempPath}`));
        await entries.complete(entry);
        return;
      } catch (cause) {
        const gone = AlluviumError.is(cause) && cause.code === "ALV_NOT_FOUND";
        // Whoever finished it meanwhile may have deleted the temporary file.
        if (gone && (await store.head(path)) !== undefined) continue;
        if (attempt < ATTEMPTS && !gone) continue;
        throw new AlluviumError(
          "ALV_STORE_FAILED",
          gone
            ? `${path} in ${store.url} is committed by its item in DynamoDB, but its temporary file ${entry.tempPath} is gone: restore it from a version of the bucket, or delete the item if the folder was deleted`
            : `${path} in ${store.url}, which another writer left incomplete, cannot be finished: ${(cause as Error).message}`,
          { cause, retryable: !gone },
        );
      }
    }
  }

  /** A version is only put on one that is complete. */
  async function checkBefore(place: LogPlace): Promise<void> {
    const version = BigInt(place.fileName.slice(0, 20));
    if (place.kind !== "log" || version === 0n) return;
    const name = `${String(version - 1n).padStart(20, "0")}.json`;
    const entry = await entries.get(place.tablePath, name);
    if (entry?.complete === false) return finish(place, entry);
    if ((await store.head(`${place.folder}${name}`)) !== undefined) return;
    throw new AlluviumError(
      "ALV_STORE_FAILED",
      `${place.path} in ${store.url} cannot be committed: ${name}, the version before it, is not there`,
      { retryable: false },
    );
  }

  async function create(
    place: LogPlace,
    bytes: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { tablePath, fileName, folder, path } = place;
    const call = signal ? { signal } : {};
    if ((await store.head(path, call)) !== undefined) return false;
    await checkScheme(place);
    await checkBefore(place);
    const tempPath = temporaryPath(place);
    const temporary = `${folder}${tempPath}`;
    // The caller may use its bytes again.
    const copy = new Uint8Array(bytes);
    await store.put(temporary, copy, call);
    const own: LogEntry = { tablePath, fileName, tempPath, complete: false };
    signal?.throwIfAborted();
    if (!(await entries.begin(own))) {
      const winner = await entries.get(tablePath, fileName).catch((error: unknown) => {
        throw unsettled(path, error);
      });
      if (winner === undefined) throw unsettled(path, new Error("its item came and went"));
      if (winner.tempPath !== tempPath) {
        await store.delete([temporary]).catch(() => undefined);
        if (!winner.complete) await finish(place, winner);
        else if ((await store.head(path)) === undefined) throw stale(place);
        return false;
      }
    }
    // Won. Whatever fails from here on, others can do.
    try {
      if ((await store.head(path)) === undefined) await store.put(path, copy);
      else if (Buffer.compare(await store.get(path), copy) !== 0) {
        // The item of the commit that has this number has expired.
        await entries.withdraw(own);
        await store.delete([temporary]).catch(() => undefined);
        return false;
      }
    } catch (error) {
      throw unsettled(path, error);
    }
    const done = await entries.complete(own).then(
      () => true,
      () => false,
    );
    // Other engines may be about to copy that of a log; a rule of the bucket takes those.
    if (done && place.kind === "manifest") await store.delete([temporary]).catch(() => undefined);
    return true;
  }

  function stale({ path, tablePath }: LogPlace): AlluviumError {
    return new AlluviumError(
      "ALV_STORE_FAILED",
      `${path} in ${store.url} is not there, but its item in DynamoDB says that it was committed: if the folder was deleted to begin again, delete the items with tablePath ${tablePath} as well`,
      { retryable: false },
    );
  }

  return {
    specVersion: 1,
    url: store.url,
    capabilities: { ...store.capabilities, putIfAbsent: true },
    get: (path, call) => store.get(path, call),
    head: (path, call) => store.head(path, call),
    put: (path, bytes, call) => store.put(path, bytes, call),
    create: (path, call) => store.create(path, call),
    delete: (paths, call) => store.delete(paths, call),
    rename: (from, to, call) => store.rename(from, to, call),
    copy: (from, to, call) => store.copy(from, to, call),
    sync: (paths, call) => store.sync(paths, call),
    now: (call) => store.now(call),
    async putIfAbsent(path, bytes, call) {
      const place = placeOf(store, scheme, path);
      if (place !== undefined) return create(place, bytes, call?.signal);
      // Two that put it at once put the same, or something that decides nothing.
      if ((await store.head(path, call)) !== undefined) return false;
      await store.put(path, bytes, call);
      return true;
    },
    async *list(prefix, options) {
      const folder = folderOf(store, scheme, prefix);
      if (folder === undefined) return yield* store.list(prefix, options);
      options?.signal?.throwIfAborted();
      const newest = await entries.latest(folder.tablePath);
      if (newest?.complete === false) await finish(folder, newest);
      // Temporary files sort before all versions.
      const startAfter = options?.startAfter ?? (folder.kind === "log" ? `${prefix}.~` : undefined);
      yield* store.list(prefix, { ...options, ...(startAfter !== undefined && { startAfter }) });
    },
  };
}
