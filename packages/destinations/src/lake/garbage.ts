import type { ObjectInfo } from "@alluvium/core";
import type { LakeContext } from "./context.ts";
import { readManifest } from "./journal.ts";
import type { Manifest } from "./manifest.ts";
import { parseName } from "./paths.ts";

/** Objects that one delete call names. */
const BATCH = 500;

/**
 * Deletes superseded manifests, their markers, lists and schemas once their retention is over. The newest and its predecessor stay
 * (a run that slept is told by them), as do those that parked tables need. What a manifest's files became is not touched: only vacuum
 * deletes data files. Errors are swallowed: the next one tries again.
 */
export async function collectGarbage(context: LakeContext, newest: Manifest): Promise<void> {
  try {
    await collect(context, newest);
  } catch {
    // Growth is not worth a failed load.
  }
}

async function collect(context: LakeContext, newest: Manifest): Promise<void> {
  const { store, paths, timing, signal } = context;
  const now = (await store.now({ signal })).getTime();
  const kept = new Set([
    newest.sequence,
    newest.sequence - 1,
    ...newest.parked.map(({ sequence }) => sequence),
  ]);
  const superseded = (sequence: number, { modified }: ObjectInfo): boolean =>
    sequence < newest.sequence &&
    !kept.has(sequence) &&
    (now - modified.getTime() >= timing.manifestAge || sequence <= newest.sequence - timing.manifestCount);

  const doomed: string[] = [];
  const gone = new Set<number>();
  for await (const info of store.list(paths.folder, { signal })) {
    const name = parseName(paths, info.path);
    if (name === undefined) break;
    // A marker goes with its manifest; of a pair, both are looked at by their own age, which differ by moments.
    if (!superseded(name.sequence, info)) continue;
    doomed.push(info.path);
    if (name.kind === "json") gone.add(name.sequence);
    if (doomed.length >= BATCH) await store.delete(doomed.splice(0));
  }
  await store.delete(doomed.splice(0));
  if (gone.size === 0) return;

  for await (const info of store.list(paths.lists, { signal })) {
    const sequence = Number(info.path.slice(paths.lists.length, paths.lists.length + 20));
    if (superseded(sequence, info)) doomed.push(info.path);
    if (doomed.length >= BATCH) await store.delete(doomed.splice(0));
  }

  const schemas = await schemasOf(context, newest, kept);
  for await (const info of store.list(paths.schemas, { signal })) {
    const hash = info.path.slice(paths.schemas.length).replace(/\.json$/, "");
    // A young one may be of a load that is about to be committed.
    if (!schemas.has(hash) && now - info.modified.getTime() >= timing.manifestAge) doomed.push(info.path);
  }
  await store.delete(doomed);
}

async function schemasOf(
  context: LakeContext,
  newest: Manifest,
  kept: ReadonlySet<number>,
): Promise<ReadonlySet<string>> {
  const hashes = new Set<string>();
  for (const sequence of kept) {
    const manifest = sequence === newest.sequence ? newest : await readManifest(context, sequence);
    if (manifest === undefined) continue;
    for (const { schema } of manifest.changes) hashes.add(schema);
    for (const { schema } of Object.values(manifest.tables)) hashes.add(schema);
    for (const { schema } of Object.values(manifest.known)) hashes.add(schema);
  }
  return hashes;
}
