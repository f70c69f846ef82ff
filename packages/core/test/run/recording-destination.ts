import type { Destination, TablePlan } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { memoryDestination, type MemoryStore } from "@alluvium/core/testing";

/** What a run asked of a destination. */
export interface Recording {
  /** The tables of each load's plan. */
  readonly plans: (readonly TablePlan[])[];
  readonly written: { readonly table: string; readonly batch: Batch }[];
  /** Marks that sealed, with whether the stream had ended. */
  readonly seals: { readonly stream: string; readonly end: boolean }[];
}

/** A destination in memory that records what it is told to do. */
export function recordingDestination(store: MemoryStore): Destination & Recording {
  const memory = memoryDestination({ store });
  const recording: Recording = { plans: [], written: [], seals: [] };
  return {
    ...memory,
    ...recording,
    open: async (context) => {
      const session = await memory.open(context);
      return {
        ...session,
        async begin(plan) {
          recording.plans.push(plan.tables);
          const load = await session.begin(plan);
          return {
            ...load,
            write(table, batch, options) {
              recording.written.push({ table, batch });
              return load.write(table, batch, options);
            },
            mark(stream, options) {
              if (options.seal) recording.seals.push({ stream, end: options.end });
              return load.mark(stream, options);
            },
          };
        },
      };
    },
  };
}
