/** What can end a run before its streams do. */
export interface Stops {
  /** Aborted when nothing more is to be read: by the deadline, and by whatever aborts `ending`. */
  readonly reading: AbortSignal;
  /** Aborted when nothing more is to be done at all: by the user's signal, or by a failure that leaves the run without a future. */
  readonly ending: AbortSignal;
  /** Ends everything because of `error`. The first call counts. */
  readonly fail: (error: unknown) => void;
  dispose(): void;
}

/** Longest time that a timer of Node can wait. */
const longestTimer = 2 ** 31 - 1;

/** Joins the user's signal, the deadline and failures. */
export function createStops(signal: AbortSignal | undefined, deadline: Date | undefined): Stops {
  const reading = new AbortController();
  const ending = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function end(reason: unknown): void {
    ending.abort(reason);
    reading.abort(reason);
  }

  function watch(at: number): void {
    const left = at - Date.now();
    if (left <= 0) reading.abort(new Error("the run's deadline has come"));
    else timer = setTimeout(() => watch(at), Math.min(left, longestTimer));
  }

  const onAbort = (): void => end(signal?.reason);
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  if (deadline !== undefined) watch(deadline.getTime());
  return {
    reading: reading.signal,
    ending: ending.signal,
    fail: end,
    dispose() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}
