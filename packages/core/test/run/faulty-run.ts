import { AlluviumError, checkpoint, type Pipeline } from "@alluvium/core";
import { memoryDestination, type MemoryStore } from "@alluvium/core/testing";
import { faultyDestination } from "./faulty-destination.ts";

/** At which step a run fails, and how. */
export interface Fault {
  /** -1: at none. */
  readonly step: number;
  readonly code: "ALV_STORE_FAILED" | "ALV_INTERNAL";
}

/** A `read` that gives pages of rows, each with a point to resume from, and is a step before and after each. */
type ReadPages = <Row extends object>(
  pages: readonly (readonly Row[])[],
) => (context: {
  readonly position?: unknown;
}) => AsyncGenerator<readonly Row[] | ReturnType<typeof checkpoint>>;

/** One run into a store in memory that fails at a step of its reading or of the destination. Gives the number of steps. */
export async function faultyRun(
  store: MemoryStore,
  { step: fault, code }: Fault,
  open: (destination: ReturnType<typeof memoryDestination>, readPages: ReadPages) => Pick<Pipeline, "run">,
): Promise<number> {
  let steps = 0;
  const onStep = (): void => {
    if (steps++ === fault) throw new AlluviumError(code, `fault at step ${fault}`);
  };
  const readPages: ReadPages = (pages) =>
    async function* ({ position }) {
      for (let page = typeof position === "number" ? position : 0; page < pages.length; page++) {
        onStep();
        yield pages[page]!;
        onStep();
        yield checkpoint(page + 1);
      }
    };
  const load = open(faultyDestination(memoryDestination({ store }), onStep), readPages);
  try {
    await load.run({ commitInterval: 0, retry: { attempts: 3, minDelay: 0, maxDelay: 0 } });
  } catch (error) {
    if (!AlluviumError.is(error) || !error.message.includes("fault at step")) throw error;
  }
  return steps;
}
