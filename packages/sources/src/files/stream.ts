import {
  AlluviumError,
  type ObjectInfo,
  type Stream,
  type StreamContext,
  type StreamItem,
} from "@alluvium/core";
import { createBrink, type Brink } from "./brink.ts";
import { tagOf } from "./content/open.ts";
import type { DescribedTable } from "./described.ts";
import type { FileContent } from "./format.ts";
import { filesCursorCodec, type FilesCursor, type HalfFile } from "./ledger/cursor.ts";
import type { Hints } from "./hints.ts";
import { openLedger, wasDone, type Ledger } from "./ledger/ledger.ts";
import { listMatching, listNamed } from "./listing/list.ts";
import { openAhead } from "./open-ahead.ts";
import { clockOf, missingPlace } from "./place.ts";
import { createReader, type Reader } from "./reader.ts";
import { retakeRows } from "./retake.ts";

type Context = StreamContext<FilesCursor>;
type Item = StreamItem<FilesCursor>;

/** Files that are opened while one is read. */
const AHEAD = 16;
/** A point to resume from comes at least so often, where files are small (ms). */
const CHECKPOINT_MS = 1000;
/** Files of such a time are said to be of the future (ms). */
const FUTURE_MS = 3_600_000;
/** Remembered files above which all are listed, so that those that are out of the window are forgotten. */
const MANY_DONE = 500_000;

/** A table's files as a stream. `hints`: what a queue says of new ones. */
export function createStream(table: DescribedTable, hints?: Hints): Stream<FilesCursor> {
  const brink = createBrink();
  return {
    name: table.name,
    tables: [table.description],
    cursor: filesCursorCodec,
    identity: { url: table.store.url, files: [...table.globs], format: table.format.name },
    read: (context) => read(table, context, hints, brink),
    retake: async (_, rows, again) => retakeRows(table, rows, again),
    ...(hints && {
      async acknowledge({ sweep, file }) {
        if (sweep === undefined && file === undefined) hints.settle(table, { all: true });
      },
    }),
  };
}

async function* read(
  table: DescribedTable,
  context: Context,
  hints: Hints | undefined,
  brink: Brink,
): AsyncGenerator<Item> {
  const { since, window, attempt } = context;
  context.emit({
    type: "streamStarted",
    time: Date.now(),
    stream: table.name,
    tables: [table.name],
    since: since?.watermark === undefined ? undefined : new Date(since.watermark).toISOString(),
    attempt,
  });
  const reader = createReader(table, context);
  const told = context.limit === undefined ? hints : undefined;
  const items =
    window === undefined ? readNew(table, context, reader, told, brink) : readWindow(table, context, reader);
  if (context.limit === undefined) return yield* brink.watch(items, reader);
  let rows = 0;
  for await (const item of items) {
    yield item;
    if ("batch" in item) rows += item.batch.length;
    if (rows >= context.limit) return;
  }
}

/**
 * Reads what is not done: first what a sweep left that was under way, then by a sweep of its own, which is a partial one over the files that a queue
 * names where all were listed not long ago.
 */
async function* readNew(
  table: DescribedTable,
  context: Context,
  reader: Reader,
  hints: Hints | undefined,
  brink: Brink,
): AsyncGenerator<Item> {
  const { since, signal } = context;
  const ledger = openLedger(since, table.windowMs, () => reader.learned());
  if (since === undefined) hints?.pass(table);
  const named = since === undefined ? undefined : await hints?.ask(table);
  let half = since?.file;
  // Of a partial sweep the half-read file is gone on with, before another sweep begins: nothing is said of what comes before it.
  const isRest = half !== undefined && since?.sweep?.partial === true;
  let listed = 0;
  let isWhole = false;
  for (let last = !ledger.isUnderWay && !isRest; ; last = true) {
    const now = await clockOf(table.store, signal);
    const isSpared = hints !== undefined && !ledger.isUnderWay && wasSwept(since, now - hints.sweepEveryMs);
    const paths = last || !isRest ? (isSpared ? named : undefined) : [];
    const { until, after } = ledger.begin(now - table.minAgeMs, { partial: paths !== undefined });
    if (half !== undefined) yield* readHalf(table, context, reader, ledger, half, brink);
    const startAfter = half?.path ?? after;
    half = undefined;
    isWhole = paths === undefined;
    let future = 0;
    const infos =
      paths === undefined
        ? listMatching(table.store, table.selection, { startAfter, signal })
        : listNamed(table.store, paths, { signal });
    async function* chosen(): AsyncGenerator<ObjectInfo> {
      for await (const info of infos) {
        listed += 1;
        if (last && info.modified.getTime() > until) hints?.keep(info.path);
        if (info.modified.getTime() > Math.max(until, now + FUTURE_MS)) future += 1;
        if (isToBeRead(table, ledger, info)) yield info;
      }
    }
    for await (const { info, content } of openAhead(chosen(), AHEAD, signal, reader.open)) {
      brink.enter(info.path);
      const opened =
        "error" in content ? await openAgain(table, context, ledger, reader, info, content.error) : content;
      if (opened !== undefined) yield* readWhole(table, context, reader, ledger, opened, brink);
    }
    if (future > 0)
      warn(
        table,
        context,
        undefined,
        `${future} ${future === 1 ? "file has a time that has" : "files have times that have"} not come yet, and will be read then: are clocks wrong?`,
      );
    ledger.end(last && hints !== undefined && paths === undefined ? now : undefined);
    if (last) break;
  }
  yield* reader.flush();
  if (isWhole && listed === 0) {
    const missing = await missingPlace(table.store);
    const what = missing ?? `no file in ${table.store.url} matches ${table.globs.join(", ")}`;
    warn(table, context, "ALV_SOURCE_NOT_FOUND", what);
  }
  const cursor = ledger.cursor();
  if (cursor === since) hints?.settle(table);
  yield { checkpoint: cursor };
}

/** Whether all files were listed after `time`, and not too many have come since. */
function wasSwept(since: FilesCursor | undefined, time: number): boolean {
  return since?.swept !== undefined && since.swept > time && since.done.count < MANY_DONE;
}

/** What a file of a listing is to a sweep, by the policy for those that changed. */
function isToBeRead(table: DescribedTable, ledger: Ledger, info: ObjectInfo): boolean {
  const file = { ...info, tag: tagOf(info) };
  const what = ledger.look(file);
  if (what !== "changed") return what === "new";
  if (table.changed === "error")
    throw new AlluviumError(
      "ALV_SOURCE_CHANGED",
      `files: ${table.name}: ${info.path} was loaded, and is another version now. Choose changed: "load" to read it again as new rows, or "skip" to leave it out`,
      { resource: table.name, step: "read", retryable: false },
    );
  if (table.changed !== "skip") return true;
  ledger.finish(file);
  return false;
}

/** A file, from its start to its end. One that was overwritten since it was opened, before it gave anything, is opened anew. */
async function* readWhole(
  table: DescribedTable,
  context: Context,
  reader: Reader,
  ledger: Ledger,
  opened: FileContent,
  brink: Brink,
): AsyncGenerator<Item> {
  let content: FileContent | undefined = opened;
  for (let attempt = 1; ; attempt++) {
    try {
      yield* reader.rows(content, undefined, (half) => ledger.cursor(half));
      break;
    } catch (error) {
      if (reader.hasBegun || codeOf(error) !== "ALV_SOURCE_CHANGED" || attempt > 5) throw error;
      const { path, size, modified } = content;
      content = await openAgain(table, context, ledger, reader, { path, size, modified }, error);
      if (content === undefined) return;
    }
  }
  ledger.finish(content);
  if (!reader.isDue(CHECKPOINT_MS) && !brink.holds(content.path)) return;
  yield* reader.flush();
  yield { checkpoint: ledger.cursor() };
  brink.save(content.path);
}

/** The rest of a file of which a part is committed. */
async function* readHalf(
  table: DescribedTable,
  context: Context,
  reader: Reader,
  ledger: Ledger,
  half: HalfFile,
  brink: Brink,
): AsyncGenerator<Item> {
  const { store, name } = table;
  const { path, position } = half;
  const info = await store.head(path, { signal: context.signal });
  if (info === undefined) {
    warn(
      table,
      context,
      "ALV_SOURCE_CHANGED",
      `${path} was removed when a part of it was loaded: the rest is not`,
    );
    ledger.pass(path);
    return;
  }
  if (tagOf(info) === half.tag) {
    if (half.format !== table.formatHash)
      throw new AlluviumError(
        "ALV_STATE_MISMATCH",
        `files: ${name}: a part of ${path} is loaded, and the options of its format have changed since: put them back until it is read to its end, or run with refresh: "data"`,
        { resource: name, step: "read" },
      );
    const content = await openHalf(reader, info, context.signal);
    if (content !== undefined) {
      yield* reader.rows(content, position, (file) => ledger.cursor(file));
      ledger.finish(content);
      yield* reader.flush();
      yield { checkpoint: ledger.cursor() };
      return;
    }
  }
  // Another version stands there now.
  const { changed } = table;
  if (changed !== "load" && changed !== "skip")
    throw new AlluviumError(
      "ALV_SOURCE_CHANGED",
      `files: ${name}: ${path} was overwritten when a part of it was committed, and the rest of that version is gone. Put that version back (of a folder the file itself with its time, since a copy of it is another version; of S3 what has the same ETag), or choose changed: "load" (the new version is read from its start, beside the rows that are there) or "skip" (it is left at these)`,
      { resource: name, step: "read", retryable: false },
    );
  warn(
    table,
    context,
    "ALV_SOURCE_CHANGED",
    `${path} was overwritten when a part of it was loaded: the rest of that version is not`,
  );
  const now = await store.head(path, { signal: context.signal });
  ledger.pass(path);
  if (now === undefined) return;
  const file = { ...now, tag: tagOf(now) };
  if (changed === "skip") {
    ledger.finish(file);
    return;
  }
  const what = ledger.look(file);
  if (what !== "new" && what !== "changed") return;
  const content = await openAgain(table, context, ledger, reader, now, undefined);
  if (content !== undefined) yield* readWhole(table, context, reader, ledger, content, brink);
}

/** Opens the version of which a part is done; `undefined` where another one has just taken its place. */
async function openHalf(
  reader: Reader,
  info: ObjectInfo,
  signal: AbortSignal,
): Promise<FileContent | undefined> {
  try {
    return await reader.open(info, signal);
  } catch (error) {
    if (codeOf(error) === "ALV_SOURCE_CHANGED") return undefined;
    throw error;
  }
}

/** Opens a file whose version was replaced since it was listed; `undefined`: it is gone, or for a later sweep. */
async function openAgain(
  table: DescribedTable,
  context: Context,
  ledger: Ledger,
  reader: Reader,
  listed: ObjectInfo,
  failure: unknown,
): Promise<FileContent | undefined> {
  const { path } = listed;
  let error = failure;
  let info: ObjectInfo | undefined = listed;
  for (let attempt = 1; ; attempt++) {
    if (error !== undefined) {
      const code = codeOf(error);
      if ((code !== "ALV_SOURCE_CHANGED" && code !== "ALV_NOT_FOUND") || attempt > 5) throw error;
      info = await table.store.head(path, { signal: context.signal });
    }
    if (info === undefined) {
      warn(table, context, "ALV_NOT_FOUND", `${path} was removed before it was read: it is left out`);
      return undefined;
    }
    if (error !== undefined && !isToBeRead(table, ledger, info)) return undefined;
    try {
      return await reader.open(info, context.signal);
    } catch (again) {
      error = again;
    }
  }
}

/** Reads files that were last written in a window of time, as far as they are done: the others the next ordinary run reads. */
async function* readWindow(table: DescribedTable, context: Context, reader: Reader): AsyncGenerator<Item> {
  const { signal, since: cursor } = context;
  const from = timeOf(table, "since", context.window?.since) ?? -Infinity;
  const until = timeOf(table, "until", context.window?.until) ?? Infinity;
  const isDone = cursor === undefined ? () => true : wasDone(cursor);
  async function* chosen(): AsyncGenerator<ObjectInfo> {
    for await (const info of listMatching(table.store, table.selection, { signal })) {
      const time = info.modified.getTime();
      if (time >= from && time < until && isDone({ ...info, tag: tagOf(info) })) yield info;
    }
  }
  for await (const { info, content } of openAhead(chosen(), AHEAD, signal, reader.open)) {
    if ("error" in content) {
      if (codeOf(content.error) !== "ALV_NOT_FOUND") throw content.error;
      warn(table, context, "ALV_NOT_FOUND", `${info.path} was removed before it was read: it is left out`);
    } else yield* reader.rows(content, undefined, undefined);
  }
  yield* reader.flush();
}

function timeOf({ name }: DescribedTable, option: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const time = value instanceof Date ? value.getTime() : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new AlluviumError(
    "ALV_CONFIG",
    `files: ${name}: ${option} must be a Date: backfills go by the time when files were last written`,
    { resource: name, step: "read" },
  );
}

function codeOf(error: unknown): string | undefined {
  return AlluviumError.is(error) ? error.code : undefined;
}

function warn(
  table: DescribedTable,
  { emit }: Context,
  code: AlluviumError["code"] | undefined,
  message: string,
): void {
  const text = `${table.name}: ${message}`;
  emit({ type: "warning", time: Date.now(), code, table: table.name, message: text });
}
