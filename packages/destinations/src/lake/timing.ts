import { setTimeout as wait } from "node:timers/promises";

/** Times and counts of the lake protocol, in milliseconds. Given by tests and for stores of special habits; the defaults are right. */
export interface LakeTiming {
  /** How often a run renews its lease; 0: never. @default 5 000 */
  readonly leaseRenew: number;
  /** A lease renewed less than this ago is live. @default 15 000 */
  readonly leaseLive: number;
  /** How often a live lease of another run is looked at again. @default 1 000 */
  readonly leasePoll: number;
  /** How long a live lease is waited out when the run does not say. @default 20 000 */
  readonly leaseWait: number;
  /** At most this often a checkpoint looks whether another run has taken the pipeline. @default 5 000 */
  readonly notice: number;
  /** Age at which other engines' vacuum may delete a file that no table names. @default 604 800 000 (7 days, Delta's) */
  readonly vacuumAge: number;
  /** Age at which superseded manifests may be deleted. @default 604 800 000 (7 days) */
  readonly manifestAge: number;
  /** Superseded manifests beyond this number are deleted whatever their age. @default 1 000 */
  readonly manifestCount: number;
  /** Superseded manifests are looked for after every so many commits. @default 16 */
  readonly garbageEvery: number;
  /** How often a store's call that may pass is tried. @default 8 */
  readonly attempts: number;
  /** The first pause between attempts is at most this long; each further one may be twice as long. @default 50 */
  readonly backoff: number;
  /** Waits. Rejects with the signal's reason. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

const DAY = 86_400_000;

/** The timing of real runs. */
export const defaultTiming: LakeTiming = {
  leaseRenew: 5_000,
  leaseLive: 15_000,
  leasePoll: 1_000,
  leaseWait: 20_000,
  notice: 5_000,
  vacuumAge: 7 * DAY,
  manifestAge: 7 * DAY,
  manifestCount: 1_000,
  garbageEvery: 16,
  attempts: 8,
  backoff: 50,
  sleep,
};

/** The pause before attempt `attempt + 1`: full jitter, so that two writers do not meet again. */
export function pause(timing: LakeTiming, attempt: number): number {
  return Math.random() * Math.min(timing.backoff * 2 ** attempt, 10_000);
}

async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(milliseconds, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
