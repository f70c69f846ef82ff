import type { LoadRecord } from "@alluvium/core";
import { receiptOf } from "./apply-change.ts";
import type { LakeContext } from "./context.ts";
import { listFrom, readManifest, readMarker } from "./journal.ts";

/**
 * Loads of this pipeline and lane, newest first, as far back as their manifests are kept (7 days and 1 000 loads unless said
 * otherwise). Older ones are in the table `_alv_loads`.
 */
export async function* loadHistory(
  context: LakeContext,
  limit: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<LoadRecord> {
  const { sequences } = await listFrom(context, 0);
  let given = 0;
  for (const sequence of sequences.toReversed()) {
    if (given >= limit) return;
    const manifest = await readManifest(context, sequence);
    // Deleted since the listing.
    if (manifest === undefined) continue;
    const marker = await readMarker(context, sequence);
    const { loadId, pipeline, lane, runId, startedAt, committedAt, changes, settled } = manifest;
    yield {
      loadId,
      pipeline,
      lane,
      sequence,
      runId,
      startedAt: new Date(startedAt),
      committedAt: new Date(committedAt),
      tables: [
        ...changes.map((change) => receiptOf(change, marker)),
        ...settled.flatMap(({ receipt }) => (receipt === undefined ? [] : [receipt])),
      ],
    };
    given += 1;
  }
}
