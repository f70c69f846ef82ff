import type { Emit } from "./emitter.ts";
import { messageOf } from "./retry.ts";

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
      emit({ type: "warning", code: undefined, message: `closing the ${what} failed: ${messageOf(error)}` });
    }
  }
}
