import type { DestinationSession } from "../destination.ts";
import type { PipelineDefinition } from "./definition.ts";
import type { Emit } from "./emitter.ts";

/** Opens a pipeline's destination for one run or call. */
export function openDestination(
  definition: PipelineDefinition,
  call: {
    readonly runId: string;
    readonly signal: AbortSignal;
    readonly budget: number;
    readonly emit: Emit;
  },
): Promise<DestinationSession> {
  return definition.destination.open({
    pipeline: { pipeline: definition.name, lane: definition.lane ?? "main" },
    runId: call.runId,
    signal: call.signal,
    budget: call.budget,
    adopt: definition.adopt ?? false,
    shared: definition.shared ?? false,
    ...(definition.leaseWait === undefined ? {} : { leaseWait: definition.leaseWait }),
    emit: call.emit,
  });
}
