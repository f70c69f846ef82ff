import type { RowCounts } from "@alluvium/core";
import pLimit from "p-limit";
import { applyChange, identityOf, isPoison, reasonOf, receiptOf, type ApplyOutcome } from "./apply-change.ts";
import { loadChange } from "./changes.ts";
import type { LakeContext } from "./context.ts";
import type { LoadIdentity, TableChange } from "./contract.ts";
import { secureFiles } from "./files-anew.ts";
import { overtaken, putHint, putMarker } from "./journal.ts";
import { applyLoads } from "./loads.ts";
import { LOADS_TABLE } from "./loads-table.ts";
import { removeRevived } from "./revived.ts";
import type { AppliedMarker, Manifest, StoredChange } from "./manifest.ts";

/** Tables that are applied at once. */
const CONCURRENT = 8;

/**
 * Makes a committed load visible in all its tables, then in the table of loads, then marks it as applied. What is already there is
 * skipped, so that any process may do it again. A table that can never take its part is parked. `recovering`: by another process
 * than the one that wrote the files, which are looked at first.
 */
export async function applyManifest(
  context: LakeContext,
  manifest: Manifest,
  recovering: boolean,
): Promise<AppliedMarker> {
  try {
    return await applyAll(context, manifest, recovering);
  } catch (error) {
    throw await overtaken(context, manifest.sequence, error);
  }
}

async function applyAll(
  context: LakeContext,
  manifest: Manifest,
  recovering: boolean,
): Promise<AppliedMarker> {
  const versions: Record<string, number | null> = {};
  const parked: Record<string, string> = {};
  const changed: Record<string, RowCounts> = {};
  const boundaries: Record<string, string> = {};
  const take = ({ table }: StoredChange, outcome: ApplyOutcome): void => {
    if ("parked" in outcome) {
      parked[table] = outcome.parked;
      return;
    }
    versions[table] = outcome.version ?? null;
    if (outcome.changed) changed[table] = outcome.changed;
    if (outcome.boundary !== undefined) boundaries[table] = outcome.boundary;
  };
  const limit = pLimit(CONCURRENT);
  // What follows other tables comes after them.
  const { roots = [], followers = [] } = Object.groupBy(manifest.changes, (change) =>
    followedBy(change) === undefined ? "roots" : "followers",
  );
  for (const changes of [roots, followers]) {
    // All are waited for: none may go on behind the back of an error.
    const settled = await Promise.allSettled(
      changes.map((change) =>
        limit(async (): Promise<ApplyOutcome> => {
          const root = followedBy(change);
          if (root !== undefined && root in parked)
            return { parked: `its rows belong to those of table ${root}, which is set aside` };
          return applyStored(context, identityOf(manifest), change, recovering);
        }),
      ),
    );
    for (const [index, result] of settled.entries()) {
      if (result.status === "rejected") throw result.reason;
      take(changes[index]!, result.value);
    }
  }
  const { loadId, sequence } = manifest;
  if (!manifest.parked.some(({ table }) => table === LOADS_TABLE)) {
    const receipts = manifest.changes.map((change) => receiptOf(change, { versions, parked, changed }));
    const outcome = await applyLoads(context, manifest, receipts);
    if ("parked" in outcome) parked[LOADS_TABLE] = outcome.parked;
  }
  const { marker, first } = await putMarker(context, sequence, {
    loadId,
    versions,
    parked,
    ...(Object.keys(changed).length > 0 && { changed }),
    ...(Object.keys(boundaries).length > 0 && { boundaries }),
  });
  if (!first && !context.store.capabilities.rename)
    await removeRevived(context, manifest, (later) => applyManifest(context, later, true));
  await deleteChanges(context, manifest, marker);
  await putHint(context, sequence);
  for (const [table, reason] of Object.entries(marker.parked))
    context.emit({ type: "tableParked", table, reason });
  return marker;
}

/**
 * Deletes the files of changes that are folded in: only now that the marker says so for good. What a run that is killed here leaves,
 * vacuum finds; those of tables that are set aside stay.
 */
async function deleteChanges(
  context: LakeContext,
  manifest: Manifest,
  { parked }: AppliedMarker,
): Promise<void> {
  try {
    for (const stored of manifest.changes) {
      if (stored.operation.kind !== "merge" || stored.table in parked) continue;
      const { files } = await loadChange(context, stored);
      const staged = files.filter((file) => file.changes);
      await context.store.delete(staged.map((file) => `${stored.directory}/${file.staged}`));
    }
  } catch {
    // They are in nobody's way.
  }
}

/** The table whose rows those of a change follow. */
export function followedBy({ operation }: Pick<StoredChange, "operation">): string | undefined {
  return operation.kind === "merge" ? operation.follows?.table : undefined;
}

/** Applies one table's part of a manifest. */
export async function applyStored(
  context: LakeContext,
  load: LoadIdentity,
  stored: StoredChange,
  recovering: boolean,
): Promise<ApplyOutcome> {
  const change = await loadChange(context, stored);
  if (!recovering) return applyChange(context, load, change);
  for (let attempt = 1; ; attempt++) {
    try {
      if (await isApplied(context, load, change)) return await applyChange(context, load, change);
      const age = (await context.store.now()).getTime() - Date.parse(stored.written);
      const old = age > context.timing.vacuumAge / 2;
      return await applyChange(context, load, await secureFiles(context, change, old));
    } catch (error) {
      if (!isPoison(error)) throw error;
      // What was missing may have become part of the table since we asked it: whose load it is may be applying it too.
      if (attempt > 1) return { parked: reasonOf(error) };
    }
  }
}

/** Whether the table itself says that it has the load. */
async function isApplied(context: LakeContext, load: LoadIdentity, change: TableChange): Promise<boolean> {
  const { store, signal } = context;
  const table = await context.format.inspect(change.directory, { store, signal });
  return (
    table?.pipelines.some(
      (known) =>
        known.pipeline === load.pipeline &&
        known.lane === load.lane &&
        known.incarnation === load.incarnation &&
        known.sequence !== undefined &&
        known.sequence >= load.sequence,
    ) ?? false
  );
}
