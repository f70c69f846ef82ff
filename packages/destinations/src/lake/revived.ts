import { loadChange } from "./changes.ts";
import type { LakeContext } from "./context.ts";
import { listFrom, readManifest, readMarker } from "./journal.ts";
import type { AppliedMarker, Manifest } from "./manifest.ts";

/**
 * Takes away once more what later loads took away of a load's files, after an apply that was not the first to end. A store without `rename` copies files
 * to their final names, and a copy that it had begun may have ended after a later load had removed its target. `apply`: rolls a later load forward that is
 * not yet applied, which does the same.
 */
export async function removeRevived(
  context: LakeContext,
  manifest: Manifest,
  apply: (later: Manifest) => Promise<AppliedMarker>,
): Promise<void> {
  const { sequences } = await listFrom(context, manifest.sequence + 1);
  if (sequences.length === 0) return;
  const finals = await finalNames(context, manifest);
  for (const sequence of sequences) {
    const later = await readManifest(context, sequence);
    if (later === undefined) continue;
    for (const stored of later.changes) {
      const names = finals.get(stored.directory);
      if (names === undefined) continue;
      const { obsolete } = await loadChange(context, stored);
      const revived = obsolete.filter((path) => names.has(path));
      if (revived.length === 0) continue;
      const marker = (await readMarker(context, sequence)) ?? (await apply(later));
      // A load that is set aside has taken nothing away.
      if (stored.table in marker.parked) continue;
      await context.store.delete(revived.map((path) => `${stored.directory}/${path}`));
    }
  }
}

/** The names that a load's files got by a change of name, by directory. */
async function finalNames(
  context: LakeContext,
  { changes }: Manifest,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const names = new Map<string, ReadonlySet<string>>();
  for (const stored of changes) {
    const { files } = await loadChange(context, stored);
    const moved = files.filter(({ staged, final }) => staged !== final).map(({ final }) => final);
    if (moved.length > 0) names.set(stored.directory, new Set(moved));
  }
  return names;
}
