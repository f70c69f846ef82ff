import type { ParkedTable } from "@alluvium/core";
import type { LakeContext } from "./context.ts";
import type { AppliedMarker, Manifest, ParkedEntry } from "./manifest.ts";
import { manifestPath } from "./paths.ts";

/** Tables that could not be applied with a load, by its marker. */
export function parkedBy(manifest: Manifest, marker: AppliedMarker | undefined): readonly ParkedEntry[] {
  const { sequence, loadId } = manifest;
  return Object.entries(marker?.parked ?? {}).map(([table, reason]) => ({
    table,
    // The table of loads belongs to no stream.
    stream: manifest.changes.find((change) => change.table === table)?.stream ?? "",
    sequence,
    loadId,
    reason,
  }));
}

/** Parked tables as the session shows them. */
export async function listParked(
  context: LakeContext,
  parked: readonly ParkedEntry[],
): Promise<readonly ParkedTable[]> {
  const tables: ParkedTable[] = [];
  for (const { table, stream, loadId, reason, sequence } of parked) {
    const info = await context.store.head(manifestPath(context.paths, sequence));
    tables.push({ table, stream, loadId, reason, retryable: info !== undefined });
  }
  return tables;
}
