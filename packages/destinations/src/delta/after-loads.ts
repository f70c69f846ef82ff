import { AlluviumError, type DestinationSession, type Load, type OpenContext } from "@alluvium/core";

type Receipt = Awaited<ReturnType<Load["commit"]>>;

/** Some care for tables after loads. */
export interface AfterLoads<Due extends { readonly table: string }> {
  /** What is done, for warnings: `optimized`. */
  readonly done: string;
  /** What is to be done after a load. */
  readonly due: (receipt: Receipt) => Iterable<Due>;
  /** Does it for one table. */
  readonly care: (due: Due) => Promise<void>;
}

/**
 * A session whose loads are followed by some care for tables. A load is committed and applied when the care begins: whether it works or not, the load's
 * receipt is the same, and what fails is a warning.
 */
export function afterLoads<Due extends { readonly table: string }>(
  session: DestinationSession,
  { signal, emit }: OpenContext,
  { done, due, care }: AfterLoads<Due>,
): DestinationSession {
  return {
    ...session,
    begin: async (...plan: Parameters<DestinationSession["begin"]>): Promise<Load> => {
      const load = await session.begin(...plan);
      const commit: Load["commit"] = async (...next) => {
        const receipt = await load.commit(...next);
        for (const one of due(receipt)) {
          if (signal.aborted) break;
          try {
            await care(one);
          } catch (error) {
            // The load stands; a run that was aborted meanwhile notices by itself.
            if (signal.aborted) break;
            const { table } = one;
            emit({
              type: "warning",
              time: Date.now(),
              code: AlluviumError.is(error) ? error.code : undefined,
              table,
              message: `table ${table} could not be ${done} after the load, which is committed: ${error instanceof Error ? error.message : String(error)}`,
            });
          }
        }
        return receipt;
      };
      return { ...load, commit };
    },
  };
}
