import { AlluviumError, checkpoint, type ObjectStore } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { faultStore, StoppedError } from "@alluvium/core/testing";
import { memoryDisk } from "./lakes.ts";

export const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 100_000);
/** Of so many steps one is tried. */
export const stride = Number(process.env["ALLUVIUM_STRIDE"] ?? 11);

/** How runs go whose commits and failures are to be many and quick. */
export const atOnce = { commitInterval: 0, retry: { attempts: 1 } } as const;

/** A `read` that gives pages of rows, and after each a point to resume from. */
export function readPages<Row extends object>(pages: readonly (readonly Row[])[]) {
  return async function* ({ position }: { readonly position?: unknown }) {
    for (let page = typeof position === "number" ? position : 0; page < pages.length; page++) {
      yield pages[page]!;
      yield checkpoint(page + 1);
    }
  };
}

/** What is stopped, and what must hold afterwards. */
export interface StopsOptions {
  /** What a process does that is stopped at a step of its store. */
  readonly run: (store: ObjectStore) => Promise<unknown>;
  /** What others did before. @default nothing */
  readonly before?: (store: ObjectStore) => Promise<unknown>;
  /** Of so many steps one is tried. @default {@link stride} */
  readonly every?: number;
  /** Looks at the disk that the next process finds; the lease of the one that was stopped has run out. */
  readonly check: (disk: ObjectStore, step: number) => Promise<void>;
}

/** Stops a process at steps of its store, each time on a disk of its own. Resolves with how many steps it has. */
export async function stopAtSteps({ run, before, every = stride, check }: StopsOptions): Promise<number> {
  const whole = faultStore(memoryStore());
  await before?.(whole);
  const first = whole.steps.length;
  await run(whole);
  const steps = whole.steps.length - first;
  for (let step = seed % every; step < steps; step += every) {
    const { store: disk, later } = memoryDisk();
    await before?.(disk);
    await untilStopped(run(faultStore(disk, { stopAt: step })));
    later(20_000);
    await check(disk, step);
  }
  return steps;
}

async function untilStopped(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    let cause = error;
    while (AlluviumError.is(cause) && cause.cause !== undefined) cause = cause.cause;
    if (!(cause instanceof StoppedError)) throw error;
  }
}
