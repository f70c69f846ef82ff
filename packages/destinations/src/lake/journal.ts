import { AlluviumError } from "@alluvium/core";
import type { LakeContext } from "./context.ts";
import { createOnce } from "./create-once.ts";
import {
  damaged,
  decodeManifest,
  decodeMarker,
  encodeManifest,
  encodeMarker,
  parseJson,
} from "./manifest-codec.ts";
import type { AppliedMarker, Manifest } from "./manifest.ts";
import { digits, manifestPath, markerPath, parseName } from "./paths.ts";

/** What a listing says of the manifests from some number on. */
export interface Listed {
  /** Numbers of the manifests found, ascending. */
  readonly sequences: readonly number[];
  /** Whether the newest of them has an applied marker. */
  readonly applied: boolean;
}

/** The manifests numbered `from` and above. */
export async function listFrom(context: LakeContext, from: number): Promise<Listed> {
  const { store, paths, signal } = context;
  const sequences: number[] = [];
  let marked = -1;
  const startAfter = from > 0 ? `${paths.folder}${digits(from)}` : undefined;
  const options = startAfter === undefined ? { signal } : { startAfter, signal };
  for await (const { path } of store.list(paths.folder, options)) {
    const name = parseName(paths, path);
    // Manifests and markers sort first: what follows belongs to other folders.
    if (name === undefined) break;
    if (name.kind === "json") sequences.push(name.sequence);
    else marked = name.sequence;
  }
  return { sequences, applied: sequences.length > 0 && sequences.at(-1) === marked };
}

/** The newest manifest, found by the hint and one listing from it; `undefined` when there is none. */
export async function findNewest(
  context: LakeContext,
): Promise<{ readonly manifest: Manifest; readonly applied: boolean } | undefined> {
  const hint = await readHint(context);
  let listed = await listFrom(context, hint);
  // A hint that points beyond the manifests is of a state folder that was put back: only a whole listing tells.
  if (listed.sequences.length === 0 && hint > 0) listed = await listFrom(context, 0);
  const sequence = listed.sequences.at(-1);
  if (sequence === undefined) return undefined;
  const manifest = await readManifest(context, sequence);
  if (manifest === undefined)
    throw new AlluviumError(
      "ALV_CONCURRENT_RUN",
      `the manifest ${manifestPath(context.paths, sequence)} vanished while it was read: another run of the pipeline is active`,
    );
  try {
    await checkChain(context, manifest);
  } catch (error) {
    throw await overtaken(context, sequence, error);
  }
  return { manifest, applied: listed.applied };
}

/**
 * The newest manifest follows on the one before it, which is always kept. A manifest that does not was left by a run that slept
 * while the state folder was deleted and begun again: to take it for the newest would bring its cursors back.
 */
async function checkChain(context: LakeContext, manifest: Manifest): Promise<void> {
  if (manifest.sequence === 0) return;
  const before = await readManifest(context, manifest.sequence - 1);
  if (
    before !== undefined &&
    before.loadId === manifest.predecessor &&
    before.incarnation === manifest.incarnation
  )
    return;
  const path = manifestPath(context.paths, manifest.sequence);
  throw new AlluviumError(
    "ALV_STATE_INVALID",
    `the manifest ${path} follows on load ${manifest.predecessor}, but ${
      before === undefined
        ? "there is no manifest before it"
        : `the manifest before it is of load ${before.loadId}`
    }: restore the folder from a backup, or delete that one file if the state folder was deleted and begun again`,
  );
}

/** The manifest of a load; `undefined` when there is none. Throws `ALV_STATE_INVALID`. */
export async function readManifest(context: LakeContext, sequence: number): Promise<Manifest | undefined> {
  const path = manifestPath(context.paths, sequence);
  const bytes = await getOptional(context, path);
  if (bytes === undefined) return undefined;
  const manifest = decodeManifest(bytes, path);
  const { pipeline, lane } = context.pipeline;
  if (manifest.pipeline !== pipeline || manifest.lane !== lane || manifest.sequence !== sequence)
    throw damaged(
      path,
      "manifest",
      `it says ${manifest.pipeline}/${manifest.lane}, load ${manifest.sequence}: it was copied or renamed, or the file system folds case`,
    );
  return manifest;
}

/** The applied marker of a load; `undefined` when there is none. */
export async function readMarker(context: LakeContext, sequence: number): Promise<AppliedMarker | undefined> {
  const path = markerPath(context.paths, sequence);
  const bytes = await getOptional(context, path);
  return bytes === undefined ? undefined : decodeMarker(bytes, path);
}

/**
 * Looks, just before the commit point, whether the pipeline is still ours: the newest manifest is the one that we follow on. Throws
 * `ALV_CONCURRENT_RUN` when another run went on, `ALV_STATE_LOST` when the state was deleted under us.
 */
export async function checkFree(context: LakeContext, newest: Manifest | undefined): Promise<void> {
  const sequence = newest === undefined ? 0 : newest.sequence + 1;
  const { sequences } = await listFrom(context, Math.max(0, sequence - 1));
  if (sequences.some((other) => other >= sequence)) throw concurrent(context, sequence);
  if (newest === undefined) return;
  const before = sequences.includes(newest.sequence)
    ? await readManifest(context, newest.sequence)
    : undefined;
  if (before === undefined) {
    // A run that slept since the listing finds its manifest gone because others went on.
    const { sequences: now } = await listFrom(context, sequence);
    throw now.length > 0 ? concurrent(context, sequence) : deleted(context, newest.sequence);
  }
  if (before.loadId !== newest.loadId || before.writer !== newest.writer)
    throw concurrent(context, newest.sequence);
}

/**
 * Looks, after winning a number, above it. A run that slept can win a number that was used and whose manifest is deleted since:
 * then there are higher ones that do not follow on ours, nothing may be applied, and `ALV_CONCURRENT_RUN` is thrown. `superseded`:
 * another run found our load committed, finished it and went on.
 */
export async function checkWinner(
  context: LakeContext,
  manifest: Manifest,
): Promise<"newest" | "superseded"> {
  const { sequence, loadId } = manifest;
  const { sequences } = await listFrom(context, Math.max(0, sequence - 1));
  const above = sequences.filter((other) => other > sequence);
  if (above.length === 0) {
    if (sequence > 0 && !sequences.includes(sequence - 1)) throw deleted(context, sequence - 1);
    return "newest";
  }
  if (above[0] === sequence + 1) {
    const next = await readManifest(context, sequence + 1);
    if (next?.predecessor === loadId) return "superseded";
  }
  throw concurrent(context, sequence);
}

/**
 * What to say where the state lacks what a manifest refers to: that another run of the pipeline went on, if one did while this one slept. Then what is
 * missing was cleared away when its retention was over, and nothing is damaged.
 */
export async function overtaken(context: LakeContext, sequence: number, error: unknown): Promise<unknown> {
  if (!AlluviumError.is(error) || !["ALV_STATE_INVALID", "ALV_STATE_LOST"].includes(error.code)) return error;
  const { sequences } = await listFrom(context, sequence + 1);
  return sequences.length > 0 ? concurrent(context, sequence + 1) : error;
}

/** Another run has taken the pipeline. */
export function concurrent(context: LakeContext, sequence: number): AlluviumError {
  const { pipeline, lane } = context.pipeline;
  return new AlluviumError(
    "ALV_CONCURRENT_RUN",
    `another run of ${pipeline}/${lane} has committed load ${sequence} or a later one: nothing of this run's open load is committed. Run again, one at a time, or give this one a lane of its own`,
    { pipeline, step: "commit" },
  );
}

function deleted(context: LakeContext, sequence: number): AlluviumError {
  const { pipeline } = context.pipeline;
  return new AlluviumError(
    "ALV_STATE_LOST",
    `the manifest ${manifestPath(context.paths, sequence)} was deleted while this run was going: nothing of its open load is committed. Restore the folder from a backup`,
    { pipeline, step: "commit" },
  );
}

/** How the attempt to commit a manifest ended. `unknown`: it may exist, now or later, and what it names must stay. */
export type PutOutcome =
  | { readonly kind: "won" }
  | { readonly kind: "lost"; readonly winner: Manifest }
  | { readonly kind: "failed" | "unknown"; readonly error: unknown };

/** Creates a manifest: the commit point. */
export async function putManifest(context: LakeContext, manifest: Manifest): Promise<PutOutcome> {
  const path = manifestPath(context.paths, manifest.sequence);
  const outcome = await createOnce(context, path, encodeManifest(manifest));
  if (outcome.kind === "created") return { kind: "won" };
  if (outcome.kind !== "exists") return outcome;
  const winner = decodeManifest(outcome.bytes, path);
  return winner.loadId === manifest.loadId && winner.writer === manifest.writer
    ? { kind: "won" }
    : { kind: "lost", winner };
}

/** Creates the marker that ends the roll-forward of a load; of two, the first stays. `first`: it surely is this one. */
export async function putMarker(
  context: LakeContext,
  sequence: number,
  marker: AppliedMarker,
): Promise<{ readonly marker: AppliedMarker; readonly first: boolean }> {
  const path = markerPath(context.paths, sequence);
  const outcome = await createOnce(context, path, encodeMarker(marker));
  if (outcome.kind === "created") return { marker, first: true };
  if (outcome.kind === "exists") return { marker: decodeMarker(outcome.bytes, path), first: false };
  throw outcome.error;
}

/** Notes the newest manifest, so that finding it takes one short listing. Losing the hint costs a longer one. */
export async function putHint(context: LakeContext, sequence: number): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify({ sequence })}\n`);
  try {
    await context.store.put(context.paths.hint, bytes);
  } catch {
    // Only a hint.
  }
}

async function readHint(context: LakeContext): Promise<number> {
  const bytes = await getOptional(context, context.paths.hint);
  if (bytes === undefined) return 0;
  try {
    const hint = parseJson(bytes, context.paths.hint, "hint") as { readonly sequence?: unknown } | null;
    const sequence = hint?.sequence;
    return typeof sequence === "number" && Number.isSafeInteger(sequence) && sequence > 0 ? sequence : 0;
  } catch {
    return 0;
  }
}

/** The bytes of an object; `undefined` when there is none. */
export async function getOptional(context: LakeContext, path: string): Promise<Uint8Array | undefined> {
  try {
    return await context.store.get(path, { signal: context.signal });
  } catch (error) {
    if (AlluviumError.is(error) && error.code === "ALV_NOT_FOUND") return undefined;
    throw error;
  }
}
