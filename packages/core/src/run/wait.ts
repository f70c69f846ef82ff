/**
 * What `begin` resolves or rejects, or the signal's reason as soon as that aborts: whatever is waited for must not hold up the end.
 * `undo` then takes back what `begin` began.
 */
export function abortable<Value>(
  signal: AbortSignal | undefined,
  begin: (resolve: (value: Value) => void, reject: (error: unknown) => void) => void,
  undo?: () => void,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      reject(signal?.reason as Error);
      undo?.();
    };
    const settled = (): void => signal?.removeEventListener("abort", stop);
    signal?.addEventListener("abort", stop, { once: true });
    begin(
      (value) => {
        settled();
        resolve(value);
      },
      (error) => {
        settled();
        reject(error as Error);
      },
    );
  });
}

/** Waits; rejects with `signal.reason`. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return abortable<void>(
    signal,
    (resolve) => {
      timer = setTimeout(resolve, milliseconds);
    },
    () => clearTimeout(timer),
  );
}
