import type { Emit } from "./emitter.ts";

/**
 * Does `work` with something that is then closed. A failure to close it is a warning: it must neither hide why the work failed nor
 * make a failure of work that is committed.
 */
export async function closing<Held extends AsyncDisposable, Result>(
  what: string,
  held: Held,
  emit: Emit,
  work: (held: Held) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(held);
  } finally {
    try {
      await held[Symbol.asyncDispose]();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      emit({ type: "warning", code: undefined, message: `closing the ${what} failed: ${message}` });
    }
  }
}
