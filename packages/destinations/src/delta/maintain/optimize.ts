import { AlluviumError } from "@alluvium/core";
import { closing } from "../../lake/closing.ts";
import type { AddFile } from "../log/actions.ts";
import { fileKey, inTable } from "../log/paths.ts";
import { readFiles } from "../log/replay.ts";
import type { TableState } from "../log/state.ts";
import { columnsOf } from "../read/columns.ts";
import { predicatesOf } from "../read/predicate.ts";
import { coverage } from "../read/pruning.ts";
import { candidateOf, isWorthwhile, packBins, type Bin, type BinRules, type Candidate } from "./bins.ts";
import { bytesOf } from "./change.ts";
import { putChange } from "./commit.ts";
import type { OptimizeOptions, OptimizeResult } from "./optimize-options.ts";
import { orderColumns, orderTag, orderedBins } from "./ordering.ts";
import { liveRows, openRewriter, readingOf, storedPaths } from "./rewriter.ts";
import { sortedBatches } from "./sort.ts";
import { careContext, openToWrite, type CareContext, type CareTarget } from "./target.ts";

const TARGET_BYTES = 128 << 20;
const PURGE = 0.1;
/** A conflict costs at most the work on so many bytes. */
const COMMIT_BYTES = 1 << 30;
/** Files that are looked at together; what is known of a file takes some hundred bytes. */
const CANDIDATES = 50_000;
const ROUNDS = 20;
/** Folder of sorted runs within the table. Hidden from readers, and covered by `vacuum`. */
const SORT_FOLDER = "_alv_sort";

interface Settings extends BinRules {
  readonly options: OptimizeOptions;
  readonly maxBytes: number;
}

/** A bin that is written again and waits for its commit. */
interface Rewritten {
  readonly bin: Bin;
  readonly added: readonly AddFile[];
  readonly rows: number;
}

interface Tally {
  versions: number[];
  filesRemoved: number;
  bytesRemoved: number;
  filesAdded: number;
  bytesAdded: number;
  rowsRewritten: number;
  rowsPurged: number;
  filesConflicted: number;
}

/**
 * Puts small files together and gets rid of dead rows and, if asked, of disorder. The table holds the same rows afterwards
 * (`dataChange: false`); appends of others are not in the way, and a bin whose files others changed meanwhile is worked out again.
 * `minFiles`: fewer small files are left as they are, unless they fill a file.
 */
export async function optimizeTable(
  target: CareTarget,
  options: OptimizeOptions,
  minFiles = 2,
): Promise<OptimizeResult> {
  const context = careContext(target, options);
  const settings = { ...settingsOf(options), minFiles };
  const tally: Tally = {
    versions: [],
    filesRemoved: 0,
    bytesRemoved: 0,
    filesAdded: 0,
    bytesAdded: 0,
    rowsRewritten: 0,
    rowsPurged: 0,
    filesConflicted: 0,
  };
  let read = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const state = await openToWrite(context);
    const { bins, more } = await findBins(context, state, settings, settings.maxBytes - read);
    for (const { files } of bins) read += bytesOf(files);
    if (options.dryRun === true) {
      for (const { files } of bins) countRemoved(tally, files);
      return tally;
    }
    const conflicted = await rewriteBins(context, state, bins, settings, tally);
    if (bins.length === 0 || (!more && !conflicted) || read >= settings.maxBytes) break;
    // Whole rounds do not count against conflicts where there is simply much to do.
    if (!conflicted) round = 0;
  }
  return tally;
}

function settingsOf(options: OptimizeOptions): Omit<Settings, "minFiles"> {
  const { targetBytes = TARGET_BYTES, purge = PURGE, maxBytes = Number.POSITIVE_INFINITY } = options;
  if (!(targetBytes > 0))
    throw new AlluviumError("ALV_CONFIG", `optimize: targetBytes is ${targetBytes}; give bytes above 0`);
  if (!(purge >= 0 && purge <= 1))
    throw new AlluviumError("ALV_CONFIG", `optimize: purge is ${purge}; give a share from 0 to 1`);
  if (!(maxBytes > 0))
    throw new AlluviumError("ALV_CONFIG", `optimize: maxBytes is ${maxBytes}; give bytes above 0`);
  return { options, targetBytes, purge, maxBytes };
}

function countRemoved(tally: Tally, files: readonly AddFile[]): void {
  tally.filesRemoved += files.length;
  tally.bytesRemoved += bytesOf(files);
  tally.rowsPurged += files.reduce((sum, add) => sum + (add.deletionVector?.cardinality ?? 0), 0);
}

/** What there is to do, as far as it is looked at together. */
async function findBins(
  { store, directory, signal }: CareContext,
  state: TableState,
  settings: Settings,
  maxBytes: number,
): Promise<{ readonly bins: readonly Bin[]; readonly more: boolean }> {
  const { options } = settings;
  const predicates = predicatesOf(options.where ?? [], columnsOf(state));
  const ordered = options.orderBy === undefined ? undefined : orderColumns(options.orderBy, state);
  let candidates: Candidate[] = [];
  let bins: readonly Bin[] = [];
  let more = false;
  for await (const { add } of readFiles(store, directory, state.segment, signal)) {
    if (add === undefined || coverage(add, predicates) === "none") continue;
    const candidate = candidateOf(add, settings);
    if (ordered === undefined && !isWorthwhile(candidate, settings)) continue;
    candidates.push(candidate);
    if (ordered !== undefined || candidates.length < CANDIDATES) continue;
    bins = packBins(candidates, settings);
    candidates = [];
    more = bins.length > 0;
    if (more) break;
  }
  if (!more) bins = ordered === undefined ? packBins(candidates, settings) : orderedBins(candidates, ordered);
  if (maxBytes === Number.POSITIVE_INFINITY) return { bins, more };
  let bytes = 0;
  const within = bins.filter(({ files }, i) => {
    bytes += bytesOf(files);
    return i === 0 || bytes <= maxBytes;
  });
  return { bins: within, more };
}

/** Writes bins again and commits them, some at a time. Returns whether some were in vain. */
async function rewriteBins(
  context: CareContext,
  opened: TableState,
  bins: readonly Bin[],
  settings: Settings,
  tally: Tally,
): Promise<boolean> {
  let state = opened;
  let base = opened.version;
  let group: Rewritten[] = [];
  let bytes = 0;
  let conflicted = false;
  const commit = async (): Promise<boolean> => {
    const work = group;
    group = [];
    bytes = 0;
    const outcome = await commitGroup(context, state, base, work, settings, tally);
    conflicted ||= outcome.conflicted;
    ({ state, base } = outcome);
    return outcome.go;
  };
  try {
    for (const bin of bins) {
      group.push(await rewriteBin(context, state, bin, settings));
      bytes += bytesOf(bin.files);
      if (bytes >= COMMIT_BYTES && !(await commit())) return true;
    }
    if (group.length > 0 && !(await commit())) return true;
  } catch (error) {
    await discard(context, group);
    throw error;
  }
  return conflicted;
}

async function rewriteBin(
  context: CareContext,
  state: TableState,
  bin: Bin,
  { targetBytes, options }: Settings,
): Promise<Rewritten> {
  const { store, directory, budget, signal } = context;
  const reading = readingOf(state, context);
  const { schema } = reading;
  const ordered = options.orderBy === undefined ? undefined : orderColumns(options.orderBy, state);
  const live = liveRows(bin.files, reading);
  const by = (ordered ?? []).filter(({ index }) => index !== undefined).map(({ index }) => index!);
  const folder = inTable(directory, `${SORT_FOLDER}/`);
  const rows =
    by.length === 0
      ? live
      : sortedBatches(live, { store, folder, schema, by, budget: Math.floor(budget / 2), signal });
  const rewriter = openRewriter(context, {
    state,
    partitionValues: bin.partitionValues,
    schema,
    // What is put together is cut only where the estimate was far off, so that no small rest is left behind.
    fileBytes: ordered === undefined ? targetBytes * 1.5 : targetBytes,
    ...(ordered !== undefined && { tags: orderTag(ordered) }),
  });
  return closing(rewriter, async () => {
    let count = 0;
    for await (const batch of rows) {
      signal.throwIfAborted();
      await rewriter.write(batch);
      count += batch.length;
    }
    return { bin, added: await rewriter.close(), rows: count };
  });
}

/** How the commit of a group went. */
interface Committed {
  readonly state: TableState;
  readonly base: number;
  /** Whether some of the work was in vain. */
  readonly conflicted: boolean;
  /** Whether further bins of this round still fit the table. */
  readonly go: boolean;
}

/** Commits what is written again. What others changed meanwhile is dropped, the rest is tried again. */
async function commitGroup(
  context: CareContext,
  opened: TableState,
  from: number,
  work: readonly Rewritten[],
  settings: Settings,
  tally: Tally,
): Promise<Committed> {
  let state = opened;
  let base = from;
  let group = work;
  for (let attempt = 1; group.length > 0; attempt++) {
    try {
      const outcome = await putChange(context, changeOf(context, group, settings), state, base);
      if ("version" in outcome) {
        count(tally, group, outcome.version);
        return { state, base: outcome.version, conflicted: group.length < work.length, go: true };
      }
    } catch (error) {
      await discard(context, group);
      throw error;
    }
    const now = await openToWrite(context);
    const fits =
      now.metadata.id === opened.metadata.id &&
      now.metadata.schemaString === opened.metadata.schemaString &&
      JSON.stringify(now.metadata.partitionColumns) === JSON.stringify(opened.metadata.partitionColumns) &&
      attempt < ROUNDS;
    const alive = fits ? await stillThere(context, now, group) : [];
    const dropped = group.filter((each) => !alive.includes(each));
    await discard(context, dropped);
    tally.filesConflicted += dropped.reduce((sum, { bin }) => sum + bin.files.length, 0);
    if (!fits) return { state: now, base: now.version, conflicted: true, go: false };
    state = now;
    base = now.version;
    group = alive;
  }
  return { state, base, conflicted: true, go: true };
}

/** The bins all of whose files are still in the table as they were read. */
async function stillThere(
  { store, directory, signal }: CareContext,
  state: TableState,
  group: readonly Rewritten[],
): Promise<readonly Rewritten[]> {
  const sought = new Map<string, Rewritten>();
  for (const each of group) for (const add of each.bin.files) sought.set(fileKey(add), each);
  const found = new Map<Rewritten, number>();
  for await (const { add } of readFiles(store, directory, state.segment, signal)) {
    const each = add && sought.get(fileKey(add));
    if (each !== undefined) found.set(each, (found.get(each) ?? 0) + 1);
  }
  return group.filter((each) => found.get(each) === each.bin.files.length);
}

function changeOf(
  { directory }: CareContext,
  group: readonly Rewritten[],
  { targetBytes, options }: Settings,
): Parameters<typeof putChange>[1] {
  const removed = group.flatMap(({ bin }) => bin.files);
  const added = group.flatMap((each) => each.added);
  return {
    operation: "OPTIMIZE",
    parameters: {
      targetSize: String(targetBytes),
      predicate: JSON.stringify(
        (options.where ?? []).map(({ column, op, value }) => `${column} ${op} ${shown(value)}`),
      ),
      zOrderBy: "[]",
      ...(options.orderBy && { orderBy: JSON.stringify(options.orderBy) }),
    },
    metrics: {
      numRemovedFiles: removed.length,
      numRemovedBytes: bytesOf(removed),
      numAddedFiles: added.length,
      numAddedBytes: bytesOf(added),
      numDeletionVectorsRemoved: removed.filter(({ deletionVector }) => deletionVector).length,
    },
    dataChange: false,
    removed,
    added,
    written: storedPaths(directory, added),
  };
}

function shown(value: unknown): string {
  return typeof value === "string"
    ? `'${value}'`
    : value instanceof Date
      ? value.toISOString()
      : String(value);
}

function count(tally: Tally, group: readonly Rewritten[], version: number): void {
  tally.versions.push(version);
  for (const { bin, added, rows } of group) {
    countRemoved(tally, bin.files);
    tally.filesAdded += added.length;
    tally.bytesAdded += bytesOf(added);
    tally.rowsRewritten += rows;
  }
}

/** Deletes what no commit will name. */
async function discard({ store, directory }: CareContext, group: readonly Rewritten[]): Promise<void> {
  const paths = group.flatMap(({ added }) => storedPaths(directory, added));
  if (paths.length > 0) await store.delete(paths).catch(() => undefined);
}
