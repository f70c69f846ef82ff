import type { DestinationSession } from "../destination.ts";
import type { PipelineDefinition } from "./definition.ts";
import { checksTable } from "./table-results.ts";
import type { Emit } from "./emitter.ts";

/** Opens a pipeline's destination for one run or call. */
export function openDestination(
  { name, lane = "main", destination, adopt = false, shared = false, leaseWait }: PipelineDefinition,
  call: {
    readonly runId: string;
    readonly signal: AbortSignal;
    readonly budget: number;
    readonly emit: Emit;
  },
): Promise<DestinationSession> {
  // All pipelines write their results into one table.
  const others = shared === true ? true : [...(shared === false ? [] : shared), checksTable];
  return destination.open({ pipeline: { pipeline: name, lane }, adopt, shared: others, leaseWait, ...call });
}
