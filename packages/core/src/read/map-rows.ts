/** How {@link mapRows} runs. */
export interface MapOptions {
  /** How many calls may be in work at once. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
}

/**
 * `map` of each row, in order. As long as `map` returns values nothing waits; from the first promise on, `concurrency` calls are in work at
 * once. After a failure no further call is begun.
 */
export function mapRows<Result>(
  rows: readonly object[],
  map: (row: object, index: number) => Result | PromiseLike<Result>,
  options: MapOptions,
): Result[] | Promise<Result[]> {
  const results: Result[] = [];
  for (let i = 0; i < rows.length; i++) {
    const result = map(rows[i]!, i);
    if (isPromise(result)) return mapAsync(rows, map, options, results, result);
    results.push(result);
  }
  return results;
}

function isPromise<Result>(value: Result | PromiseLike<Result>): value is PromiseLike<Result> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { readonly then?: unknown }).then === "function"
  );
}

async function mapAsync<Result>(
  rows: readonly object[],
  map: (row: object, index: number) => Result | PromiseLike<Result>,
  { concurrency, signal }: MapOptions,
  results: Result[],
  begun: PromiseLike<Result>,
): Promise<Result[]> {
  let next = results.length;
  let first: PromiseLike<Result> | undefined = begun;
  let failed = false;
  const work = async (): Promise<void> => {
    try {
      while (next < rows.length && !failed) {
        signal.throwIfAborted();
        const index = next++;
        const call = first ?? map(rows[index]!, index);
        first = undefined;
        results[index] = await call;
      }
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const workers = Array.from({ length: Math.min(concurrency, rows.length - next) }, work);
  const settled = await Promise.allSettled(workers);
  const failure = settled.find((result) => result.status === "rejected");
  if (failure !== undefined) throw failure.reason;
  return results;
}
