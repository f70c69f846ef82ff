import { AlluviumError } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { closing } from "../../lake/closing.ts";
import type { AddFile } from "../log/actions.ts";
import { readFiles } from "../log/replay.ts";
import { checkMayRemove, isTrue, writerFeatures } from "../log/protocol.ts";
import type { TableState } from "../log/state.ts";
import { columnsOf } from "../read/columns.ts";
import { readFileRows } from "../read/file-rows.ts";
import { predicatesOf, rowMatcher, type Predicate } from "../read/predicate.ts";
import { coverage, recordCount } from "../read/pruning.ts";
import { selectRows } from "../read/select.ts";
import { createVectorFile, type VectorFile } from "../write/deletion-vector.ts";
import type { CareChange } from "./change.ts";
import { commitChange } from "./commit.ts";
import type { DeletedRemains, DeleteOptions, DeleteResult } from "./delete-options.ts";
import { purgeStaged } from "./purge-staged.ts";
import { fileRetention, logRetention } from "./retention.ts";
import { openRewriter, readingOf, storedPaths } from "./rewriter.ts";
import { careContext, openToRead, type CareContext, type CareTarget } from "./target.ts";
import { wideBounds } from "./wide-bounds.ts";

interface Found {
  readonly removed: AddFile[];
  readonly added: AddFile[];
  readonly written: string[];
  rowsDeleted: number;
  marked: number;
  rewritten: number;
}

const FILE_BYTES = 128 << 20;

/** Deletes rows by conditions: by deletion vectors where the table has them, else (and to purge) by writing files again. */
export async function deleteRows(target: CareTarget, options: DeleteOptions): Promise<DeleteResult> {
  const context = careContext(target, options);
  const { where, purge = false } = options;
  if (!Array.isArray(where) || where.length === 0)
    throw new AlluviumError(
      "ALV_CONFIG",
      "delete: `where` has no condition, which would delete every row. Name the rows by at least one.",
    );
  // Files that were not yet visible when the rows are looked for must not bring them back.
  const stagedDeleted = purge ? await purgeStaged(context, where) : [];
  let found: Found | undefined;
  const version = await commitChange(context, async (state) => {
    checkMayRemove(state.metadata, `the table at ${context.url}`);
    found = await findRows(context, state, predicatesOf(where, columnsOf(state)), purge);
    if (found.removed.length === 0) return undefined;
    return changeOf(found, state, options);
  });
  const removed = found?.removed.length ?? 0;
  const marked = found?.marked ?? 0;
  return {
    version,
    rowsDeleted: found?.rowsDeleted ?? 0,
    filesMarked: marked,
    filesRemoved: removed - marked,
    filesAdded: (found?.added.length ?? 0) - marked,
    remains: purge ? await remainsOf(context, version, stagedDeleted) : undefined,
  };
}

function changeOf(found: Found, state: TableState, { where }: DeleteOptions): CareChange {
  const { removed, added, written, rowsDeleted, marked, rewritten } = found;
  const predicates = predicatesOf(where, columnsOf(state));
  return {
    operation: "DELETE",
    // Not the values: a request of erasure must not write down what it erases.
    parameters: { predicate: JSON.stringify(where.map(({ column, op }) => `${column} ${op} ?`)) },
    metrics: {
      numDeletedRows: rowsDeleted,
      numRemovedFiles: removed.length - marked,
      numAddedFiles: added.length - marked,
      numDeletionVectorsAdded: marked,
      numCopiedRows: rewritten,
    },
    dataChange: true,
    removed,
    added,
    reads: (add) => coverage(add, predicates) !== "none",
    written,
  };
}

async function findRows(
  context: CareContext,
  state: TableState,
  predicates: readonly Predicate[],
  purge: boolean,
): Promise<Found> {
  const { store, directory, signal } = context;
  const found: Found = { removed: [], added: [], written: [], rowsDeleted: 0, marked: 0, rewritten: 0 };
  const vectors = !purge && hasVectors(state) ? createVectorFile(store, directory) : undefined;
  try {
    for await (const { add } of readFiles(store, directory, state.segment, signal)) {
      if (add === undefined) continue;
      const covered = coverage(add, predicates);
      if (covered === "none") continue;
      const records = covered === "all" ? recordCount(add) : undefined;
      if (records === undefined) await deleteFrom(context, state, add, predicates, purge, vectors, found);
      else {
        found.removed.push(add);
        found.rowsDeleted += records - (add.deletionVector?.cardinality ?? 0);
      }
    }
    if (vectors !== undefined && vectors.count > 0) {
      await vectors.write({ signal });
      found.written.push(vectors.path);
    }
    return found;
  } catch (error) {
    await store.delete(found.written).catch(() => undefined);
    throw error;
  }
}

/** Whether new deletion vectors may be written. */
function hasVectors({ protocol, metadata }: TableState): boolean {
  return (
    isTrue(metadata.configuration["delta.enableDeletionVectors"]) &&
    writerFeatures(protocol).includes("deletionVectors")
  );
}

/** Deletes what matches in one file. */
async function deleteFrom(
  context: CareContext,
  state: TableState,
  add: AddFile,
  predicates: readonly Predicate[],
  purge: boolean,
  vectors: VectorFile | undefined,
  found: Found,
): Promise<void> {
  // Conditions on partition columns were decided for the file as a whole.
  const tests = predicates.filter(({ column }) => !column.partition);
  const matched = await matchRows(context, state, add, tests);
  const hit = matched.live > 0 || (purge && matched.dead > 0);
  if (!hit) return;
  found.removed.push(add);
  found.rowsDeleted += matched.live;
  if (matched.left === 0) return;
  if (vectors !== undefined) {
    const deletionVector = vectors.add(matched.deleted);
    found.added.push({ ...add, deletionVector, stats: wideBounds(add.stats, matched.rows) });
    found.marked += 1;
    return;
  }
  const files = await keepOthers(context, state, add, tests);
  found.added.push(...files.added);
  found.written.push(...storedPaths(context.directory, files.added));
  found.rewritten += files.rows;
}

interface Matched {
  /** Rows that the file holds. */
  readonly rows: number;
  /** Matching rows that were there, and that were deleted before. */
  readonly live: number;
  readonly dead: number;
  /** Rows that stay. */
  readonly left: number;
  /** All rows that are deleted afterwards. */
  readonly deleted: Uint8Array;
}

/** Looks for matching rows, reading the columns of the conditions only. */
async function matchRows(
  context: CareContext,
  state: TableState,
  add: AddFile,
  tests: readonly Predicate[],
): Promise<Matched> {
  const columns = [...new Set(tests.map(({ column }) => column))];
  let deleted: Uint8Array = new Uint8Array(0);
  let rows = 0;
  let live = 0;
  let dead = 0;
  let left = 0;
  for await (const piece of readFileRows(add, readingOf(state, context, columns))) {
    context.signal.throwIfAborted();
    const { batch, firstRow } = piece;
    rows = firstRow + batch.length;
    if (deleted.length < (rows + 7) >> 3) {
      const grown = new Uint8Array(Math.max((rows + 7) >> 3, deleted.length * 2));
      grown.set(deleted);
      deleted = grown;
    }
    const matches = matcherOf(batch, tests);
    for (let row = 0; row < batch.length; row++) {
      const inFile = firstRow + row;
      const mask = 1 << (inFile & 7);
      const was = piece.deleted !== undefined && (piece.deleted[inFile >> 3]! & mask) !== 0;
      const hit = matches(row);
      if (was || hit) deleted[inFile >> 3]! |= mask;
      else left += 1;
      if (hit) {
        if (was) dead += 1;
        else live += 1;
      }
    }
  }
  return { rows, live, dead, left, deleted: deleted.subarray(0, (rows + 7) >> 3) };
}

function matcherOf(batch: Batch, tests: readonly Predicate[]): (row: number) => boolean {
  const matchers = tests.map((test) => {
    const index = batch.schema.fields.findIndex(({ name }) => name === test.column.name);
    return rowMatcher(test, batch.columns[index]!);
  });
  return (row) => matchers.every((matches) => matches(row));
}

/** Writes the rows that stay into new files; deleted ones are left out as well. */
async function keepOthers(
  context: CareContext,
  state: TableState,
  add: AddFile,
  tests: readonly Predicate[],
): Promise<{ readonly added: readonly AddFile[]; readonly rows: number }> {
  const reading = readingOf(state, context);
  const rewriter = openRewriter(context, {
    state,
    partitionValues: add.partitionValues,
    schema: reading.schema,
    fileBytes: FILE_BYTES * 1.5,
    ...(add.tags && { tags: add.tags as Readonly<Record<string, string>> }),
  });
  return closing(rewriter, async () => {
    let rows = 0;
    for await (const piece of readFileRows(add, reading)) {
      context.signal.throwIfAborted();
      // Without a test every row matches.
      const batch = tests.length === 0 ? undefined : selectRows(piece, tests, "others");
      if (batch === undefined) continue;
      rows += batch.length;
      await rewriter.write(batch);
    }
    return { added: await rewriter.close(), rows };
  });
}

async function remainsOf(
  context: CareContext,
  version: number | undefined,
  stagedDeleted: readonly string[],
): Promise<DeletedRemains> {
  const { metadata } = await openToRead(context);
  const now = (await context.store.now()).getTime();
  return {
    untilVersion: version === undefined ? undefined : version - 1,
    filesUntil: new Date(now + fileRetention(metadata.configuration)),
    logUntil: new Date(now + logRetention(metadata.configuration)),
    stagedDeleted,
  };
}
