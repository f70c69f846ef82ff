import { randomUUID } from "node:crypto";
import type { ObjectStore, Schema } from "@alluvium/core";
import {
  batchBytes,
  concatBatches,
  materialize,
  sliceBatch,
  takeBatch,
  type Batch,
} from "@alluvium/core/columns";
import { createParquetEncoder, openParquet } from "@alluvium/core/parquet";
import { closing } from "../../lake/closing.ts";
import { objectSource } from "../../lake/files/object-source.ts";
import { rowOrder } from "./row-order.ts";

/** How {@link sortedBatches} sorts. */
export interface SortOptions {
  readonly store: ObjectStore;
  /** Where sorted runs are put until they are merged; ends with `/`. */
  readonly folder: string;
  readonly schema: Schema;
  /** Indexes of the columns that order the rows, the first one counts most. */
  readonly by: readonly number[];
  /** Bytes of rows in memory. */
  readonly budget: number;
  readonly signal: AbortSignal;
}

/** What a run takes in memory while it is merged: a row group and the rows decoded from it. */
const RUN_BYTES = 4 << 20;
const ROW_GROUP_BYTES = 1 << 20;
const MERGE_ROWS = 4096;

/**
 * The rows of `source`, sorted: in memory where they fit, else as an external merge sort – runs of a quarter of the budget, sorted and
 * put into the store, are merged as many at once as the budget holds. Rows that compare equal keep their order. Runs are deleted at the end.
 */
export async function* sortedBatches(
  source: AsyncIterable<Batch>,
  options: SortOptions,
): AsyncGenerator<Batch> {
  const { schema, budget, store } = options;
  const made: string[] = [];
  const keep = async (batches: AsyncIterable<Batch> | Iterable<Batch>): Promise<string> => {
    const path = `${options.folder}${randomUUID()}.parquet`;
    made.push(path);
    await writeRun(path, batches, options);
    return path;
  };
  try {
    let runs: string[] = [];
    let held: Batch[] = [];
    let bytes = 0;
    for await (const { length, columns } of source) {
      options.signal.throwIfAborted();
      // Small batches may share the memory of large ones: they are copied when they are put together, and only then let go.
      const batch: Batch = { schema, length, columns: columns.map(materialize) };
      held.push(batch);
      bytes += batchBytes(batch);
      if (bytes < budget / 4) continue;
      runs.push(await keep(sortedPieces(held, options)));
      held = [];
      bytes = 0;
    }
    if (runs.length === 0) {
      yield* sortedPieces(held, options);
      return;
    }
    if (held.length > 0) runs.push(await keep(sortedPieces(held, options)));
    held = [];
    const atOnce = Math.max(2, Math.floor(budget / 2 / RUN_BYTES));
    while (runs.length > atOnce) {
      const merged: string[] = [];
      for (let start = 0; start < runs.length; start += atOnce) {
        const group = runs.slice(start, start + atOnce);
        merged.push(await keep(mergedRuns(group, options)));
        await store.delete(group);
      }
      runs = merged;
    }
    yield* mergedRuns(runs, options);
  } finally {
    if (made.length > 0) await store.delete(made).catch(() => undefined);
  }
}

function* sortedPieces(held: readonly Batch[], { by }: SortOptions): Generator<Batch> {
  if (held.length === 0) return;
  const batch = concatBatches(held);
  const order = rowOrder(batch, batch, by);
  const rows = Int32Array.from({ length: batch.length }, (_, row) => row);
  // Typed arrays sort in place and stably.
  rows.sort(order);
  for (let start = 0; start < rows.length; start += MERGE_ROWS)
    yield takeBatch(batch, rows.subarray(start, start + MERGE_ROWS));
}

async function writeRun(
  path: string,
  batches: AsyncIterable<Batch> | Iterable<Batch>,
  { store, schema, signal }: SortOptions,
): Promise<void> {
  await closing(await store.create(path, { signal }), async (writer) => {
    const encoder = createParquetEncoder({
      schema,
      sink: (bytes) => writer.write(bytes),
      rowGroupBytes: ROW_GROUP_BYTES,
      dictionary: false,
    });
    await closing(encoder, async () => {
      for await (const batch of batches) await encoder.write(batch);
      await encoder.close();
    });
    await writer.complete();
  });
}

/** A run that is being merged. */
interface Cursor {
  readonly rows: AsyncIterator<Batch>;
  /** Number of the run: of equal rows those of the earlier run come first. */
  readonly run: number;
  batch: Batch;
  /** First row that was not yet given. */
  from: number;
  /** First row that is not yet chosen. */
  next: number;
}

async function* mergedRuns(paths: readonly string[], options: SortOptions): AsyncGenerator<Batch> {
  let cursors: Cursor[] = [];
  for (const [run, path] of paths.entries()) {
    const rows = readRun(path, options)[Symbol.asyncIterator]();
    const { value, done } = await rows.next();
    if (done !== true) cursors.push({ rows, run, batch: value, from: 0, next: 0 });
  }
  while (cursors.length > 0) {
    options.signal.throwIfAborted();
    yield chooseRows(cursors, options);
    for (const cursor of cursors) {
      cursor.from = cursor.next;
      if (cursor.next < cursor.batch.length) continue;
      const { value, done } = await cursor.rows.next();
      cursor.batch = done === true ? { ...cursor.batch, length: 0 } : value;
      cursor.from = 0;
      cursor.next = 0;
    }
    cursors = cursors.filter(({ batch }) => batch.length > 0);
  }
}

/** The next rows of all runs in order, until one run's batch is used up. */
function chooseRows(cursors: readonly Cursor[], { by }: SortOptions): Batch {
  const orders = cursors.map(({ batch }) => cursors.map((other) => rowOrder(batch, other.batch, by)));
  const before = (a: number, b: number): boolean => {
    const order = orders[a]![b]!(cursors[a]!.next, cursors[b]!.next);
    return order < 0 || (order === 0 && cursors[a]!.run < cursors[b]!.run);
  };
  // A heap of cursors by their next row.
  const heap: number[] = [];
  const sink = (): void => {
    for (let at = 0; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < heap.length && before(heap[child]!, heap[least]!)) least = child;
      if (least === at) return;
      [heap[at], heap[least]] = [heap[least]!, heap[at]!];
      at = least;
    }
  };
  for (const index of cursors.keys()) {
    heap.push(index);
    for (let at = heap.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!before(heap[at]!, heap[parent]!)) break;
      [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
      at = parent;
    }
  }
  const chosen: number[] = [];
  for (;;) {
    const index = heap[0]!;
    const cursor = cursors[index]!;
    chosen.push(index);
    cursor.next += 1;
    if (cursor.next >= cursor.batch.length) break;
    sink();
  }
  const starts: number[] = [];
  let length = 0;
  for (const { from, next } of cursors) {
    starts.push(length);
    length += next - from;
  }
  const pieces = cursors.flatMap(({ batch, from, next }) =>
    next > from ? [sliceBatch(batch, from, next)] : [],
  );
  return takeBatch(
    concatBatches(pieces),
    Int32Array.from(chosen, (index) => starts[index]!++),
  );
}

async function* readRun(path: string, { store, signal }: SortOptions): AsyncGenerator<Batch> {
  const { size } = (await store.head(path, { signal }))!;
  const parquet = await openParquet(objectSource(store, path, size, signal), { name: path });
  yield* parquet.read({ batchRows: MERGE_ROWS, signal });
}
