import { setTimeout as sleep } from "node:timers/promises";
import { AlluviumError } from "../errors.ts";
import { abandonWriter } from "../storage/abandon.ts";
import type { ObjectStore, ObjectWriter } from "../storage/store.ts";

/** What a step of a {@link faultStore} does: a call of the store or of a writer. */
export type FaultCall =
  | "get"
  | "head"
  | "put"
  | "putIfAbsent"
  | "create"
  | "write"
  | "complete"
  | "dispose"
  | "list"
  | "delete"
  | "rename"
  | "copy"
  | "sync"
  | "now";

/**
 * One I/O step. A call that changes something is two: `before` its effect, and `after` it, where only the answer can still be lost.
 * A call that reads is one step, `before`. `delete` steps once per path.
 */
export interface FaultStep {
  /** From 0, over all calls of the store. */
  readonly index: number;
  /** The call of the store. */
  readonly call: FaultCall;
  readonly when: "before" | "after";
  /** The path that it is about. */
  readonly path: string;
}

/**
 * What goes wrong at a step: `stop` ends the process (see {@link FaultStore}); `transient` is a retryable failure – after the effect: an
 * answer that was lost –; `full` a full disk; an `Error` is thrown as it is; `delay` waits for milliseconds.
 */
export type Fault = "stop" | "transient" | "full" | Error | { readonly delay: number };

/** When a {@link faultStore} breaks. */
export interface FaultPlan {
  /** Stops at the step of this index. */
  readonly stopAt?: number;
  /**
   * Called at every step. What it returns goes wrong; while it waits the caller waits: run a second writer here to interleave two.
   * It must use another store (the inner one, or a `faultStore` of its own).
   */
  readonly at?: (step: FaultStep) => Fault | undefined | Promise<Fault | undefined>;
}

/** Thrown by every call of a {@link FaultStore} that has stopped. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";
}

/**
 * A store as one process sees it. Once stopped it refuses everything, as if the process were dead: writers stay as they are, clean-up
 * does not happen, and what was on its way may or may not have arrived.
 */
export interface FaultStore extends ObjectStore {
  /** Steps so far. */
  readonly steps: readonly FaultStep[];
  /** Whether it has stopped. */
  readonly stopped: boolean;
  /** Stops now. */
  stop(): void;
}

/**
 * A store that breaks on purpose, around any other: for tests that stop a load at every step and find out whether the next run
 * recovers. Count the steps of a run that succeeds, then run again once per step.
 *
 * @example
 * ```ts
 * const whole = faultStore(memoryStore());
 * await loadInto(whole);
 * for (let step = 0; step < whole.steps.length; step++) {
 *   const disk = memoryStore();
 *   await loadInto(faultStore(disk, { stopAt: step })).catch(ignoreStopped);
 *   await loadInto(disk); // the next process: recovers
 *   await expectEveryRowOnce(disk);
 * }
 * ```
 */
export function faultStore(inner: ObjectStore, plan: FaultPlan = {}): FaultStore {
  const steps: FaultStep[] = [];
  const writers = new Set<ObjectWriter>();
  let stopped = false;

  const dead = (): StoppedError =>
    new StoppedError("the process was stopped on purpose at a step of its fault plan");
  const alive = (): void => {
    if (stopped) throw dead();
  };
  const stop = (): void => {
    stopped = true;
    for (const writer of writers) void abandonWriter(writer).catch(() => undefined);
    writers.clear();
  };
  const step = async (call: FaultCall, when: FaultStep["when"], path: string): Promise<void> => {
    alive();
    const at: FaultStep = { index: steps.length, call, when, path };
    steps.push(at);
    if (plan.stopAt === at.index) stop();
    alive();
    const fault = await plan.at?.(at);
    alive();
    if (fault === undefined) return;
    if (fault === "stop") {
      stop();
      throw dead();
    }
    if (fault instanceof Error) throw fault;
    if (typeof fault === "object") {
      await sleep(fault.delay);
      return alive();
    }
    throw failure(fault, at);
  };
  const reading = async <T>(call: FaultCall, path: string, run: () => Promise<T>): Promise<T> => {
    await step(call, "before", path);
    const result = await run();
    alive();
    return result;
  };
  const changing = async <T>(call: FaultCall, path: string, run: () => Promise<T>): Promise<T> => {
    await step(call, "before", path);
    const result = await run();
    await step(call, "after", path);
    return result;
  };
  const wrapWriter = (writer: ObjectWriter): ObjectWriter => {
    writers.add(writer);
    return {
      path: writer.path,
      get size() {
        return writer.size;
      },
      write: (bytes) => changing("write", writer.path, () => writer.write(bytes)),
      complete: () => changing("complete", writer.path, () => writer.complete()),
      async [Symbol.asyncDispose]() {
        // Of a completed writer it does nothing, and of a dead process it does not happen.
        if (stopped || !writers.delete(writer)) return;
        await writer[Symbol.asyncDispose]();
      },
    };
  };

  return {
    specVersion: 1,
    url: inner.url,
    capabilities: inner.capabilities,
    get steps() {
      return steps;
    },
    get stopped() {
      return stopped;
    },
    stop,
    get: (path, options) => reading("get", path, () => inner.get(path, options)),
    head: (path, options) => reading("head", path, () => inner.head(path, options)),
    put: (path, bytes, options) => changing("put", path, () => inner.put(path, bytes, options)),
    putIfAbsent: (path, bytes, options) =>
      changing("putIfAbsent", path, () => inner.putIfAbsent(path, bytes, options)),
    async create(path, options) {
      await step("create", "before", path);
      const writer = await inner.create(path, options);
      try {
        await step("create", "after", path);
      } catch (error) {
        if (stopped) await abandonWriter(writer);
        else await writer[Symbol.asyncDispose]();
        throw error;
      }
      return wrapWriter(writer);
    },
    async *list(prefix, options) {
      await step("list", "before", prefix);
      for await (const info of inner.list(prefix, options)) {
        alive();
        yield info;
      }
      alive();
    },
    async delete(paths, options) {
      alive();
      for (const path of paths) await changing("delete", path, () => inner.delete([path], options));
    },
    rename: (from, to, options) => changing("rename", from, () => inner.rename(from, to, options)),
    copy: (from, to, options) => changing("copy", from, () => inner.copy(from, to, options)),
    sync: (paths, options) => changing("sync", paths[0] ?? "", () => inner.sync(paths, options)),
    now: (options) => reading("now", "", () => inner.now(options)),
  };
}

function failure(fault: "transient" | "full", { call, when, path }: FaultStep): AlluviumError {
  return fault === "full"
    ? new AlluviumError(
        "ALV_STORE_FULL",
        `cannot ${call} ${path}: no space left (on purpose). Make room, then run again`,
      )
    : new AlluviumError(
        "ALV_STORE_FAILED",
        `cannot ${call} ${path}: the connection broke ${when} the effect (on purpose)`,
      );
}
