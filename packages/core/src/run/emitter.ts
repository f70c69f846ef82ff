import type { EventBody, RunEvent } from "./events.ts";

/** Sends events on, in order. Takes an event with or without its time. */
export type Emit = (event: EventBody & { readonly time?: number }) => void;

/**
 * One emitter for a whole run: gives each event its time, which never steps back, and hands it to every handler in turn.
 * What a handler throws is ignored, and so is the rejection of one that is async: a broken log must not break a load.
 */
export function createEmitter(
  handlers: readonly (((event: RunEvent) => unknown) | undefined)[],
  now: () => number = Date.now,
): Emit {
  let last = 0;
  return (body) => {
    last = Math.max(last, body.time ?? now());
    const event: RunEvent = { ...body, time: last };
    for (const handler of handlers) {
      try {
        const result = handler?.(event);
        if (result instanceof Promise) result.catch(() => {});
      } catch {
        // See above.
      }
    }
  };
}
