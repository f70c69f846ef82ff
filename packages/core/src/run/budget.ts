import { abortable } from "./wait.ts";

/** Bytes that several may hold between them. */
export interface Budget {
  /**
   * Waits until `bytes` are free, first come first served, and takes them. More than there are in all is taken as all: alone, then.
   * Call the result to give them back. Rejects with `signal.reason`.
   */
  take(bytes: number, signal?: AbortSignal): Promise<() => void>;
}

/** How a run's budget is shared out: what is read ahead, what is between reading and writing, and what is being written. */
export interface Shares {
  /** For all streams together. */
  readonly source: number;
  /** Each stream's own part for the one batch that it has handed over. */
  readonly slot: number;
  /** What batches larger than a slot take in addition, for all streams together. */
  readonly surplus: number;
  readonly destination: number;
}

/** Shares a budget out. Encoding and compressing need the most, so the destination gets half. */
export function shareBudget(budget: number, concurrency: number): Shares {
  return {
    source: Math.floor(budget / 4),
    slot: Math.floor(budget / 8 / concurrency),
    surplus: Math.floor(budget / 8),
    destination: Math.floor(budget / 2),
  };
}

/** A budget of `total` bytes, all free. */
export function createBudget(total: number): Budget {
  let free = total;
  const queue: { readonly bytes: number; readonly enter: () => void }[] = [];

  function admit(): void {
    for (let head = queue[0]; head !== undefined && head.bytes <= free; head = queue[0]) {
      queue.shift();
      free -= head.bytes;
      head.enter();
    }
  }

  return {
    async take(wanted, signal) {
      signal?.throwIfAborted();
      let bytes = Math.min(wanted, total);
      if (bytes <= 0) return () => {};
      let entry: (typeof queue)[number];
      await abortable<void>(
        signal,
        (enter) => {
          entry = { bytes, enter };
          queue.push(entry);
          admit();
        },
        () => {
          queue.splice(queue.indexOf(entry), 1);
          admit();
        },
      );
      return () => {
        free += bytes;
        bytes = 0;
        admit();
      };
    },
  };
}
