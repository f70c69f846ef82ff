import { setTimeout as sleep } from "node:timers/promises";
import { mayPass } from "./errors.ts";

/** Tries of a call where nobody says how many. */
export const ATTEMPTS = 6;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 20_000;

/** How often something is tried. */
export interface RetryOptions {
  readonly attempts: number;
  readonly signal: AbortSignal | undefined;
  /** Which errors another try may not meet. @default those of the net and of servers under load */
  readonly again?: (error: unknown) => boolean;
}

/**
 * Tries again what may pass. Pauses are random up to a bound that doubles ("full jitter"), so that many who were refused at once do not come back
 * at once.
 *
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export async function retrying<Result>(
  { attempts, signal, again = mayPass }: RetryOptions,
  run: (attempt: number) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await run(attempt);
    } catch (error) {
      signal?.throwIfAborted();
      if (attempt >= attempts || !again(error)) throw error;
    }
    const bound = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1));
    await sleep(Math.random() * bound, undefined, signal && { signal }).catch(() => undefined);
  }
}
