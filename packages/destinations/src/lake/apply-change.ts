import { AlluviumError, type ErrorCode, type RowCounts, type TableReceipt } from "@alluvium/core";
import type { LakeContext } from "./context.ts";
import { poison, type ApplyContext, type LoadIdentity, type TableChange } from "./contract.ts";
import { mayPass } from "./create-once.ts";
import type { AppliedMarker, Manifest, StoredChange } from "./manifest.ts";
import { pause } from "./timing.ts";

/** What became of one table of a load. */
export type ApplyOutcome =
  | { readonly version?: number; readonly changed?: RowCounts; readonly boundary?: string }
  | { readonly parked: string };

/** Applies a change; what may pass is tried again, what can never succeed is `parked`. */
export async function applyChange(
  context: LakeContext,
  load: LoadIdentity,
  change: TableChange,
): Promise<ApplyOutcome> {
  const { timing, signal } = context;
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      const { already: _, ...applied } = await context.format.apply(change, applyContext(context, load));
      return applied;
    } catch (error) {
      if (isPoison(error)) return { parked: reasonOf(error) };
      if (!mayPass(error) || attempt + 1 >= timing.attempts) throw error;
    }
    await timing.sleep(pause(timing, attempt), signal);
  }
}

/** What `format.apply` and `format.prepare` are given. */
export function applyContext(context: LakeContext, load: LoadIdentity): ApplyContext {
  const { store, signal, budget } = context;
  return { store, signal, load, budget };
}

/** Who commits, for `txn` and `commitInfo`. */
export function identityOf(manifest: Manifest): LoadIdentity {
  const { pipeline, lane, incarnation, sequence, loadId, runId } = manifest;
  return { pipeline, lane, incarnation, sequence, loadId, runId };
}

/** Whether an error says that a change can never be applied. */
export function isPoison(error: unknown): error is AlluviumError {
  return AlluviumError.is(error) && (poison as readonly ErrorCode[]).includes(error.code);
}

/** Why a table is parked, in words that are kept. */
export function reasonOf(error: AlluviumError): string {
  return `${error.code}: ${error.message}`;
}

/** What a load did to a table, by what its commits say. */
export function receiptOf(
  change: StoredChange,
  applied: Pick<AppliedMarker, "versions" | "parked" | "changed"> | undefined,
): TableReceipt {
  const { table, rows, bytes, fileCount, operation, schemaChanges } = change;
  const version = applied?.versions[table];
  const parked = applied?.parked[table];
  const changed = applied?.changed?.[table];
  return {
    table,
    rows,
    bytes,
    files: fileCount,
    operation: operation.kind === "merge" ? operation.strategy : operation.kind,
    ...(version === undefined || version === null ? {} : { version }),
    ...(changed === undefined ? {} : { changed }),
    // A table that is set aside is as it was; settling it with "retry" tells of its changes.
    ...(schemaChanges === undefined || parked !== undefined ? {} : { schemaChanges }),
    ...(parked === undefined ? {} : { parked }),
  };
}
