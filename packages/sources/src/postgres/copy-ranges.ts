import { createReaders, type Selection } from "./columns.ts";
import type { PgConnection } from "./connection.ts";
import { createCopy, type CopyFlow } from "./copy.ts";
import { BatchQueue } from "./queue.ts";
import type { ReaderPool } from "./readers.ts";
import { createSink, type ReadyBatch } from "./sink.ts";
import type { Snapshot } from "./snapshot.ts";
import type { TypePolicy } from "./types.ts";

const MIB = 1 << 20;

/** What to copy, and how. */
export interface CopyRangesOptions {
  readonly resource: string;
  /** One SELECT each; together the rows to read. */
  readonly selects: readonly string[];
  readonly selection: Selection;
  readonly policy: TypePolicy;
  readonly snapshot: Snapshot;
  readonly pool: ReaderPool;
  /** How many connections read at once. */
  readonly workers: number;
  /** Bytes to hold. */
  readonly budget: number;
  readonly signal: AbortSignal;
  /** Counts values that became null, by column. */
  readonly nulled: Map<string, number>;
}

/** Copies the ranges, several at once, and yields their rows in batches in the order in which they come. */
export async function* copyRanges(options: CopyRangesOptions): AsyncGenerator<ReadyBatch> {
  const { workers, budget } = options;
  // Each connection holds a batch in the making; the queue holds what is made.
  const batchBytes = Math.max(64 * 1024, Math.min(4 * MIB, Math.floor(budget / (workers + 2))));
  const queue = new BatchQueue(Math.max(batchBytes, budget - workers * batchBytes));
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const left = [...options.selects];
  const call = { signal, resource: options.resource };
  const work = async (connection: PgConnection): Promise<void> => {
    const sink = createSink(
      options.selection.schema,
      createReaders(options.selection, options.policy, options.resource, options.nulled),
      batchBytes,
      (ready) => queue.push(ready),
    );
    for (let select = left.shift(); select !== undefined; select = left.shift()) {
      const sql = `copy (${select}) to stdout (format binary)`;
      await connection.submit(
        (beat) => pausedWhileFull(sql, options, (block) => sink.add(block), queue, connection, beat),
        call,
      );
    }
    sink.flush();
  };
  const tasks = Array.from({ length: workers }, () =>
    options.pool.use(options.snapshot, { ...call, needed: () => left.length > 0 }, work),
  );
  void Promise.all(tasks).then(
    () => queue.end(),
    (error: unknown) => {
      queue.fail(error);
      stop.abort(error);
    },
  );
  try {
    yield* queue;
  } finally {
    stop.abort(new Error("the stream was closed"));
    await Promise.allSettled(tasks);
  }
}

/** A COPY that stops reading from the socket while the queue is full. */
function pausedWhileFull(
  sql: string,
  options: CopyRangesOptions,
  add: Parameters<typeof createCopy>[0]["onBlock"],
  queue: BatchQueue,
  connection: PgConnection,
  beat: (running: boolean) => void,
): ReturnType<typeof createCopy> {
  let running = true;
  let paused = false;
  let flow: CopyFlow | undefined;
  const pause = (): void => {
    paused = true;
    flow?.pause();
    // The server is not silent, we do not listen.
    beat(false);
    queue.onRoom(() => {
      paused = false;
      if (!running) return;
      beat(true);
      flow?.resume();
    });
  };
  const copy = createCopy({
    sql,
    columns: options.selection.columns.length,
    onStart(started) {
      flow = started;
      beat(true);
    },
    onActivity: () => beat(true),
    onBlock(block) {
      add(block);
      if (queue.full && !paused) pause();
    },
    onFailure: (error) => {
      if (connection.info.ownership !== "given") connection.destroy(error as Error);
    },
  });
  const over = (): void => {
    running = false;
  };
  copy.done.then(over, over);
  return copy;
}
