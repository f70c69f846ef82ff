import { AlluviumError, readsAll, type ObjectStore, type SourceContext } from "@alluvium/core";
import { compareScalars } from "@alluvium/core/columns";
import type { DescribedTable } from "./described.ts";
import { isMeant } from "./listing/list.ts";
import type { NotifiedFile } from "./notified.ts";
import { notifications, type Notified } from "./notifications.ts";
import { millisecondsOf, type FilesNotifications } from "./options.ts";

/** How often all files are listed beside the queue, unless it is said. */
const SWEEP_EVERY = { hours: 24 };

/**
 * What a queue says of new files, for the tables of one session. It is asked once, by the first table that wants to know. Disposing it deletes the
 * messages whose files are loaded: of each table that they may be of, everything that was read since the queue was asked is committed, or was before.
 */
export interface Hints extends AsyncDisposable {
  /** Milliseconds after which all files are listed nevertheless. */
  readonly sweepEveryMs: number;
  /** Asks the queue before a table is read: paths of its files, in byte order. `undefined`: it cannot be read, and a warning has said so. */
  ask(table: DescribedTable): Promise<readonly string[] | undefined>;
  /** A table is listed from nothing, and the queue is not asked for it. What it has said by now is found without it. */
  pass(table: DescribedTable): void;
  /** A file is not to be read yet: the queue must name it again. */
  keep(path: string): void;
  /**
   * What was read of a table since it asked is committed (`all`), or one read has found nothing after the cursor that it was given. That may be one that
   * is not committed, but then the read before it, which gave it, is not settled.
   */
  settle(table: DescribedTable, options?: { readonly all: boolean }): void;
}

/** Opens it. Nothing is asked before a table asks. */
export function openHints(
  options: FilesNotifications,
  store: ObjectStore,
  tables: readonly DescribedTable[],
  { emit, signal }: Pick<SourceContext, "emit" | "signal">,
): Hints {
  const { sweepEvery = SWEEP_EVERY, ...own } = options;
  const queue = notifications(own);
  const stop = new AbortController();
  const pathOf = pathsBelow(store.url);
  const named = new Set<string>();
  const kept = new Set<string>();
  /** Reads of each table that asked, and are neither committed nor without anything new. */
  const open = new Map<DescribedTable, number>();
  let asked: Promise<void> | undefined;
  let received: Notified | undefined;

  const warn = (message: string, code?: AlluviumError["code"]): void =>
    emit({ type: "warning", time: Date.now(), code, message: `files: ${message}` });

  async function receive(): Promise<void> {
    try {
      received = await queue.receive({ signal: AbortSignal.any([signal, stop.signal]) });
    } catch (error) {
      signal.throwIfAborted();
      // What is not set up is not for a listing to hide.
      if (!AlluviumError.is(error) || error.code === "ALV_CONFIG" || error.code === "ALV_MISSING_PACKAGE")
        throw error;
      return warn(`${error.message}. Everything is listed instead`, error.code);
    }
    const { files, unknown } = received;
    let foreign = 0;
    for (const path of files.map(pathOf))
      if (path === "other") foreign += 1;
      else if (path !== undefined) named.add(path.path);
    const { queueUrl } = own;
    if (unknown > 0)
      warn(`the queue ${queueUrl} holds messages that are no events of S3 (${unknown}): they stay there`);
    if (foreign > 0)
      warn(
        `the queue ${queueUrl} names files of other buckets than ${store.url} (${foreign}): their messages stay there`,
      );
  }

  function isSettled(table: DescribedTable): boolean {
    const { disposition, merge } = table.description;
    return (open.get(table) ?? (readsAll(disposition, merge) ? 0 : 1)) === 0;
  }

  function isToStay(file: NotifiedFile): boolean {
    const path = pathOf(file);
    if (path === undefined) return false;
    if (path === "other" || kept.has(path.path)) return true;
    return tables.some((table) => isMeant(table.selection, path.path) && !isSettled(table));
  }

  return {
    sweepEveryMs: millisecondsOf(sweepEvery),
    async ask(table) {
      open.set(table, (open.get(table) ?? 0) + 1);
      await (asked ??= receive());
      if (received === undefined) return undefined;
      return [...named].filter((path) => isMeant(table.selection, path)).sort(compareScalars);
    },
    pass(table) {
      if (received !== undefined && !open.has(table)) open.set(table, 0);
    },
    keep(path) {
      if (named.has(path)) kept.add(path);
    },
    settle(table, { all } = { all: false }) {
      const reads = open.get(table);
      if (reads !== undefined) open.set(table, all ? 0 : Math.max(0, reads - 1));
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error("the source is closed"));
      await asked?.catch(() => undefined);
      try {
        await received?.acknowledge({ keep: isToStay, signal });
      } catch (error) {
        // They come back.
        if (signal.aborted) return;
        if (!AlluviumError.is(error)) throw error;
        warn(error.message, error.code);
      }
    },
  };
}

/** Paths of named files within a store: `other` in another bucket, `undefined` beside the store's prefix. Of a store that is no bucket names are paths. */
function pathsBelow(url: string): (file: NotifiedFile) => { readonly path: string } | "other" | undefined {
  const [, own, below = ""] = /^s3:\/\/([^/]+)\/?(.*)$/s.exec(url) ?? [];
  const prefix = below === "" ? "" : `${below}/`;
  return ({ bucket, key }) => {
    if (own !== undefined && bucket !== own) return "other";
    // What some tools put for folders.
    if (!key.startsWith(prefix) || key.endsWith("/")) return undefined;
    return { path: key.slice(prefix.length) };
  };
}
