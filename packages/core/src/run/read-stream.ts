import { batchBytes } from "../columns/size.ts";
import { AlluviumError } from "../errors.ts";
import { canonicalJson } from "../state/canonical.ts";
import type { StreamContext } from "../stream.ts";
import type { Budget, Shares } from "./budget.ts";
import type { Emit } from "./emitter.ts";
import type { Loads } from "./loads.ts";
import { asError, backoff, mayPass } from "./retry.ts";
import { isOwn, isResumable, keepsCursor, type StreamRun } from "./stream-run.ts";
import { abortable, pause } from "./wait.ts";

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
  readonly window: StreamContext["window"];
  /** Whether the destination is done with a batch when it has written it. */
  readonly releases: boolean | undefined;
}

/** Milliseconds that a stream which was told to stop may take before the run goes on without it. */
const stopGrace = 5000;

/**
 * Reads one stream to its end, and again from its last sealed checkpoint when that fails in a way that may pass. What fails in any other way is read once
 * more as well, where checkpoints came since the sealed one: up to the last of them, so that the rows before what is wrong are committed. Resolves when the
 * stream is done, in whatever way; `run.status` says how, and the result is the error that it failed with. Rejects only when the whole run ends.
 */
export async function readStream(run: StreamRun, options: ReadOptions): Promise<AlluviumError | undefined> {
  const { loads, ending, reading, emit } = options;
  const stream = run.stream.name;
  let failures = 0;
  run.read = true;
  run.sealedAt = Date.now();
  for (let attempt = 1; ; attempt++) {
    const { since } = run;
    try {
      run.status = "reading";
      await readOnce(run, attempt, options);
      emit({ type: "streamFinished", stream, rows: run.rows });
      return undefined;
    } catch (error) {
      ending.throwIfAborted();
      // A table that was set aside takes its stream with it; what is left of it is dropped with the load.
      if (isParked(run)) return undefined;
      const cut = reading.aborted;
      const { savedRows: from, rows: to } = run;
      const unfit = cut ? await loads.cut(run) : undefined;
      if (!cut) await loads.rollback(run);
      const problem = asError(error, { resource: stream, step: "read" });
      failures = run.since === since ? failures + 1 : 1;
      run.brink = from > run.sealedRows && keepsCursor(run) && isResumable(run) ? { from, to } : undefined;
      const passes = mayPass(error);
      const again = passes || (run.brink !== undefined && failures === 1);
      const over = cut || !again || failures >= options.attempts;
      if (over) run.status = cut ? "cut" : "failed";
      await loads.settle();
      if (over) return cut ? unfit : problem;
      const delay = passes ? backoff(failures, options.minDelay, options.maxDelay) : 0;
      const { code, message } = problem;
      emit({ type: "retry", stream, attempt: attempt + 1, delay, code, message });
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
  const { loads, reading, shares, surplus, window, streamBudget, emit } = options;
  const { name } = run.stream;
  const tables = new Map(run.tables.map((table) => [table.resource, table]));
  const start = startedEvent(run, attempt, emit);
  run.ordinals.restart();
  const stop = new AbortController();
  const signal = AbortSignal.any([reading, stop.signal]);
  run.stop = stop;
  let iterator: AsyncIterator<unknown> | undefined;
  let done = false;
  try {
    const { since } = run;
    const items = run.stream.read({ signal, since, window, budget: streamBudget, attempt, emit: start.emit });
    const source = items[Symbol.asyncIterator]();
    iterator = source;
    for (;;) {
      // A source that hangs must not hold up the run.
      const { done: over, value: item } = await abortable<Awaited<ReturnType<typeof source.next>>>(
        signal,
        (resolve, reject) => void source.next().then(resolve, reject),
      );
      start.announce();
      if (over === true) break;
      if ("checkpoint" in item) {
        await loads.checkpoint(run, item.checkpoint);
        emit({ type: "checkpoint", stream: name });
        continue;
      }
      const table = tables.get(item.table);
      if (table === undefined)
        throw new AlluviumError(
          "ALV_SOURCE_FAILED",
          `stream ${name} yielded rows for ${item.table}, which it did not describe; it has ${[...tables.keys()].join(", ")}`,
        );
      if ("refused" in item) {
        await loads.refuse(run, table, item.refused, item.values ?? 0);
        continue;
      }
      const bytes = batchBytes(item.batch);
      // What is larger than the stream's own slot waits until there is room for it.
      const release = await surplus.take(bytes - shares.slot, signal);
      try {
        await loads.write(run, table, item.batch, bytes, item);
      } finally {
        release();
      }
      emit({ type: "batchRead", stream: name, table: item.table, rows: item.batch.length, bytes });
      if (options.releases === true) item.release?.();
    }
    done = true;
    await loads.end(run);
  } finally {
    run.stop = undefined;
    if (!done) {
      stop.abort(new Error(`reading ${name} was stopped`));
      if (iterator !== undefined) await close(iterator);
    }
  }
}

/** Ends a generator midway. One that does not end in time is left to the disposal of its source. */
async function close(iterator: AsyncIterator<unknown>): Promise<void> {
  const closed = new AbortController();
  try {
    await Promise.race([iterator.return?.(), pause(stopGrace, closed.signal)]);
  } catch {
    // The failure that made us stop is the one to tell of.
  } finally {
    closed.abort();
  }
}

/** Announces an attempt once: by the stream's own event where it sends one (it knows its snapshot), else by ours at its first item. */
function startedEvent(
  { stream, since, tables }: StreamRun,
  attempt: number,
  emit: Emit,
): { readonly emit: Emit; readonly announce: () => void } {
  let announced = false;
  return {
    emit: (event) => {
      announced ||= event.type === "streamStarted" && event.stream === stream.name;
      emit(event);
    },
    announce: () => {
      if (announced) return;
      announced = true;
      emit({
        type: "streamStarted",
        stream: stream.name,
        tables: tables.filter(isOwn).map(({ resource }) => resource),
        since: since === undefined ? undefined : canonicalJson(stream.cursor.encode(since)),
        attempt,
      });
    },
  };
}
