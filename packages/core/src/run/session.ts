import type { DestinationSession } from "../destination.ts";
import type { PipelineDefinition } from "./definition.ts";
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
  return destination.open({ pipeline: { pipeline: name, lane }, adopt, shared, leaseWait, ...call });
}
