import type { Stream } from "../stream.ts";
import type { Emit } from "./emitter.ts";
import { messageOf } from "./retry.ts";

/** Tells sources what is committed, beside the reading, in order for each stream. Disposing it waits for what is under way. */
export interface Acknowledger extends AsyncDisposable {
  acknowledge(stream: Stream, cursor: unknown): void;
}

/** A failed acknowledgement is an event, not a failure: the load is committed, and the next one tells the source again. */
export function createAcknowledger(emit: Emit, signal: AbortSignal): Acknowledger {
  const last = new Map<Stream, Promise<void>>();

  async function tell(stream: Stream, cursor: unknown, before: Promise<void> | undefined): Promise<void> {
    await before;
    try {
      await stream.acknowledge?.(cursor, { signal });
      emit({ type: "acknowledged", stream: stream.name });
    } catch (error) {
      emit({
        type: "acknowledgeFailed",
        stream: stream.name,
        message: messageOf(error),
      });
    }
  }

  return {
    acknowledge(stream, cursor) {
      if (stream.acknowledge !== undefined) last.set(stream, tell(stream, cursor, last.get(stream)));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(last.values());
    },
  };
}
