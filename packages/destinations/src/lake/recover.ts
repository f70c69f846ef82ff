import { AlluviumError, type PipelineState, type Schema, type TableState } from "@alluvium/core";
import { applyManifest } from "./apply.ts";
import { isPoison } from "./apply-change.ts";
import type { LakeContext } from "./context.ts";
import { checkFree, findNewest, overtaken, readMarker } from "./journal.ts";
import { LOADS_TABLE } from "./loads-table.ts";
import type { AppliedMarker, Manifest, ParkedEntry } from "./manifest.ts";
import { isOurs, stateLost } from "./ownership.ts";
import { parkedBy } from "./parked.ts";
import { manifestPath } from "./paths.ts";
import { loadNewestSchema } from "./schemas.ts";

/** Where a pipeline stands. */
export interface Recovered {
  readonly newest: Manifest | undefined;
  /** Marker of the newest manifest. */
  readonly marker: AppliedMarker | undefined;
  readonly parked: readonly ParkedEntry[];
}

/**
 * Finds the newest manifest and rolls it forward. Throws `ALV_STATE_LOST` when there is none although the lake knows the pipeline,
 * `ALV_STATE_INVALID` when it cannot be read.
 */
export async function recoverNewest(context: LakeContext): Promise<Recovered> {
  const found = await findNewest(context);
  if (found === undefined) {
    await refuseLostState(context);
    return { newest: undefined, marker: undefined, parked: [] };
  }
  const { manifest, applied } = found;
  let marker = applied ? await readMarker(context, manifest.sequence) : undefined;
  if (marker === undefined) {
    await makeDurable(context, manifest);
    marker = await applyManifest(context, manifest, true);
    const tables = manifest.changes.map(({ table }) => table);
    context.emit({ type: "recovered", loadId: manifest.loadId, tables });
  }
  return { newest: manifest, marker, parked: [...manifest.parked, ...parkedBy(manifest, marker)] };
}

/**
 * Where a pipeline stands by its newest manifest, whether that is applied or not: for those who only look. Throws `ALV_STATE_LOST` and
 * `ALV_STATE_INVALID` like {@link recoverNewest}.
 */
export async function readNewest(context: LakeContext): Promise<PipelineState | undefined> {
  const found = await findNewest(context);
  if (found === undefined) {
    await refuseLostState(context);
    return undefined;
  }
  const { manifest, applied } = found;
  const marker = applied ? await readMarker(context, manifest.sequence) : undefined;
  const parked = marker === undefined ? [] : parkedBy(manifest, marker);
  return stateOf(context, manifest, [...manifest.parked, ...parked]);
}

/**
 * Syncs a manifest that another process put: it may have been killed before it could, and tables must never be ahead of a state that a loss
 * of power takes back.
 */
async function makeDurable(context: LakeContext, { sequence }: Manifest): Promise<void> {
  const path = manifestPath(context.paths, sequence);
  try {
    await context.store.sync([path]);
  } catch (error) {
    if (!AlluviumError.is(error) || error.code !== "ALV_NOT_FOUND") throw error;
    throw await overtaken(
      context,
      sequence,
      stateLost(context, `the manifest ${path} vanished while it was read`),
    );
  }
}

/** A first run, or a state that was deleted? The table of loads tells, and each table when a load begins. */
async function refuseLostState(context: LakeContext): Promise<void> {
  const { store, format, signal, adopt } = context;
  if (adopt === true || (Array.isArray(adopt) && adopt.length > 0)) return;
  try {
    const loads = await format.inspect(LOADS_TABLE, { store, signal });
    if (loads?.pipelines.some((entry) => isOurs(context, entry)) !== true) return;
  } catch (error) {
    // A damaged table of loads is parked by the first load; it does not keep a new pipeline out.
    if (isPoison(error)) return;
    throw error;
  }
  // Another run may have put the first manifest since we looked.
  await checkFree(context, undefined);
  throw stateLost(context, `${LOADS_TABLE} lists loads of this pipeline, but there is no manifest of it`);
}

/** The state that a manifest holds. */
export async function stateOf(
  context: LakeContext,
  manifest: Manifest,
  parked: readonly ParkedEntry[],
): Promise<PipelineState> {
  const schemas = new Map<string, Schema>();
  const tables: [string, TableState][] = [];
  for (const [name, table] of Object.entries(manifest.tables)) {
    const schema = schemas.get(table.schema) ?? (await loadNewestSchema(context, manifest, table.schema));
    schemas.set(table.schema, schema);
    const entry = parked.find((other) => other.table === name);
    const aside = entry === undefined ? {} : { parked: { loadId: entry.loadId, reason: entry.reason } };
    tables.push([name, { ...table, schema, ...aside }]);
  }
  const { incarnation, sequence, loadId, streams } = manifest;
  return { incarnation, sequence, loadId, streams, tables: Object.fromEntries(tables) };
}
