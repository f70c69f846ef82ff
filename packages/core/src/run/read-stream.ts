import { batchBytes } from "../columns/size.ts";
import { AlluviumError } from "../errors.ts";
import { canonicalJson } from "../state/canonical.ts";
import type { Budget, Shares } from "./budget.ts";
import type { Emit } from "./emitter.ts";
import type { Loads } from "./loads.ts";
import { asError, backoff, mayPass, pause } from "./retry.ts";
import type { StreamRun } from "./stream-run.ts";

/** What reading a stream needs of its run. */
export interface ReadOptions {
  readonly loads: Loads;
  readonly emit: Emit;
  /** Aborted when reading ends: by the deadline, an abort or a failure of the run. */
  readonly reading: AbortSignal;
  /** Aborted when everything ends: by an abort or a failure of the run. Its reason is what the run rejects with. */
  readonly ending: AbortSignal;
  readonly shares: Shares;
  readonly surplus: Budget;
  readonly streamBudget: number;
  readonly attempts: number;
  readonly minDelay: number;
  readonly maxDelay: number;
  readonly window: { readonly since?: unknown; readonly until?: unknown } | undefined;
}

/** Milliseconds that a stream which was told to stop may take before the run goes on without it. */
const stopGrace = 5000;

/**
 * Reads one stream to its end, and again from its last sealed checkpoint when that fails in a way that may pass. Resolves when the
 * stream is done, in whatever way; `run.status` says how, and the result is the error that it failed with. Rejects only when the whole run ends.
 */
export async function readStream(run: StreamRun, options: ReadOptions): Promise<AlluviumError | undefined> {
  const { loads, ending, reading } = options;
  let failures = 0;
  run.read = true;
  run.sealedAt = Date.now();
  for (let attempt = 1; ; attempt++) {
    const { since } = run;
    try {
      run.status = "reading";
      await readOnce(run, attempt, options);
      options.emit({ type: "streamFinished", stream: run.stream.name, rows: run.rows });
      return undefined;
    } catch (error) {
      ending.throwIfAborted();
      // A table that was set aside takes its stream with it; what is left of it is dropped with the load.
      if (isParked(run)) return undefined;
      const cut = reading.aborted;
      await (cut ? loads.cut(run) : loads.rollback(run));
      const problem = asError(error, { resource: run.stream.name, step: "read" });
      failures = run.since === since ? failures + 1 : 1;
      if (cut || !mayPass(error) || failures >= options.attempts) {
        run.status = cut ? "cut" : "failed";
        await loads.settle();
        return cut ? undefined : problem;
      }
      await loads.settle();
      const delay = backoff(failures, options);
      options.emit({
        type: "retry",
        stream: run.stream.name,
        attempt: attempt + 1,
        delay,
        code: problem.code,
        message: problem.message,
      });
      try {
        await pause(delay, reading);
      } catch {
        ending.throwIfAborted();
        run.status = "cut";
        return undefined;
      }
    }
  }
}

// Read through a function, because the status changes behind the back of control flow analysis.
function isParked(run: StreamRun): boolean {
  return run.status === "parked";
}

async function readOnce(run: StreamRun, attempt: number, options: ReadOptions): Promise<void> {
  const { loads, reading, shares, surplus } = options;
  const { stream } = run;
  const tables = new Map(run.tables.map((table) => [table.resource, table]));
  const start = startedEvent(run, attempt, options.emit);
  const stop = new AbortController();
  const onStop = (): void => stop.abort(reading.reason);
  if (reading.aborted) onStop();
  reading.addEventListener("abort", onStop, { once: true });
  run.stop = stop;
  let iterator: AsyncIterator<unknown> | undefined;
  let done = false;
  try {
    const items = stream.read({
      signal: stop.signal,
      since: run.since,
      ...(options.window === undefined ? {} : { window: options.window }),
      budget: options.streamBudget,
      attempt,
      emit: start.emit,
    });
    const source = items[Symbol.asyncIterator]();
    iterator = source;
    for (;;) {
      const result = await nextItem(source, stop.signal);
      if (result.done === true) break;
      start.announce();
      const item = result.value;
      if ("checkpoint" in item) {
        await loads.checkpoint(run, item.checkpoint);
        options.emit({ type: "checkpoint", stream: stream.name });
      } else {
        const table = tables.get(item.table);
        if (table === undefined)
          throw new AlluviumError(
            "ALV_SOURCE_FAILED",
            `stream ${stream.name} yielded rows for ${item.table}, which it did not describe; it has ${[...tables.keys()].join(", ")}`,
          );
        const bytes = batchBytes(item.batch);
        // What is larger than the stream's own slot waits until there is room for it.
        const release = await surplus.take(bytes - shares.slot, stop.signal);
        try {
          await loads.write(run, table, item.batch, bytes);
        } finally {
          release();
        }
        options.emit({
          type: "batchRead",
          stream: stream.name,
          table: item.table,
          rows: item.batch.length,
          bytes,
        });
      }
    }
    done = true;
    start.announce();
    await loads.end(run);
  } finally {
    reading.removeEventListener("abort", onStop);
    run.stop = undefined;
    if (!done) {
      stop.abort(reading.aborted ? reading.reason : new Error(`reading ${stream.name} was stopped`));
      if (iterator !== undefined) await close(iterator);
    }
  }
}

/** The next item, or the signal's reason as soon as it aborts: a source that hangs must not hold up the run. */
function nextItem<Item>(iterator: AsyncIterator<Item>, signal: AbortSignal): Promise<IteratorResult<Item>> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
    iterator
      .next()
      .finally(() => signal.removeEventListener("abort", stop))
      .then(resolve, reject);
  });
}

/** Ends a generator midway. One that does not end in time is left to the disposal of its source. */
async function close(iterator: AsyncIterator<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, stopGrace);
  });
  try {
    await Promise.race([Promise.resolve(iterator.return?.()), late]);
  } catch {
    // The failure that made us stop is the one to tell of.
  } finally {
    clearTimeout(timer);
  }
}

/** Announces an attempt once: by the stream's own event where it sends one (it knows its snapshot), else by ours at its first item. */
function startedEvent(
  run: StreamRun,
  attempt: number,
  emit: Emit,
): { readonly emit: Emit; readonly announce: () => void } {
  let announced = false;
  const { stream, since } = run;
  return {
    emit: (event) => {
      if (event.type === "streamStarted" && event.stream === stream.name) announced = true;
      emit(event);
    },
    announce: () => {
      if (announced) return;
      announced = true;
      emit({
        type: "streamStarted",
        stream: stream.name,
        tables: run.tables.map((table) => table.resource),
        since: since === undefined ? undefined : canonicalJson(stream.cursor.encode(since)),
        attempt,
      });
    },
  };
}
