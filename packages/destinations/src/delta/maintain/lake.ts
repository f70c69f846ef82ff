import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { AlluviumError, type ObjectStore } from "@alluvium/core";
import { fileStore } from "@alluvium/core/storage/file";
import { loadChange } from "../../lake/changes.ts";
import type { LakeContext } from "../../lake/context.ts";
import type { DataFile } from "../../lake/contract.ts";
import { rewriteWith } from "../../lake/files/rewrite.ts";
import { openTableWriter } from "../../lake/files/table-writer.ts";
import { findNewest, readManifest, readMarker } from "../../lake/journal.ts";
import type { Manifest } from "../../lake/manifest.ts";
import { lakePaths, STATE_FOLDER } from "../../lake/paths.ts";
import { defaultTiming } from "../../lake/timing.ts";
import { deltaFormat } from "../format.ts";
import type { CareContext, CareTarget } from "./target.ts";

/** The lake that a table stands in. */
export interface Lake {
  /** Its root. */
  readonly store: ObjectStore;
  /** Directory of the table in it. */
  readonly directory: string;
}

/** The lake of a table, if it stands in one: the folder around it keeps the state of pipelines. */
export async function lakeOf({ store, directory, url, signal }: CareContext): Promise<Lake | undefined> {
  const place = placeOf({ store, directory, url });
  if (place === undefined) return undefined;
  const folder = "prefix" in place ? `${place.prefix}/${STATE_FOLDER}/` : `${STATE_FOLDER}/`;
  for await (const _ of place.store.list(folder, { signal })) {
    if (!("prefix" in place)) return place;
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `the table at ${url} stands in a lake at ${place.prefix} of ${store.url}: open it with the lake's root as its store`,
    );
  }
  return undefined;
}

function placeOf({
  store,
  directory,
}: CareTarget): Lake | { readonly store: ObjectStore; readonly prefix: string } | undefined {
  if (directory !== "" && !directory.includes("/")) return { store, directory };
  if (store.url.startsWith("file:")) {
    const path = `${fileURLToPath(store.url).replace(/\/$/, "")}/${directory}`.replace(/\/$/, "");
    return path === "" ? undefined : { store: fileStore(dirname(path)), directory: basename(path) };
  }
  return directory === "" ? undefined : { store, prefix: dirname(directory) };
}

/** What the functions of the lake protocol work with, for one pipeline and lane. */
export function lakeContext(
  { store }: Lake,
  pipeline: LakeContext["pipeline"],
  { signal, budget }: Pick<CareContext, "signal" | "budget">,
): LakeContext {
  return {
    store,
    format: deltaFormat,
    openWriter: openTableWriter,
    rewrite: rewriteWith({}),
    timing: defaultTiming,
    pipeline,
    paths: lakePaths(pipeline),
    runId: crypto.randomUUID(),
    writer: crypto.randomUUID(),
    signal,
    budget,
    adopt: false,
    shared: false,
    emit: () => {},
    loadsTable: undefined,
  };
}

/** The pipelines and lanes that keep their state in a lake. */
async function* pipelinesOf({ store }: Lake, signal: AbortSignal): AsyncGenerator<LakeContext["pipeline"]> {
  let last = "";
  for await (const { path } of store.list(`${STATE_FOLDER}/`, { signal })) {
    const [, pipeline, lane, file] = path.split("/");
    if (file === undefined || `${pipeline}/${lane}` === last) continue;
    last = `${pipeline}/${lane}`;
    yield { pipeline: decodeURIComponent(pipeline!), lane: decodeURIComponent(lane!) };
  }
}

/** Refuses to go on while a run is at work in a lake: what it has staged is its own. */
export async function refuseRunning(lake: Lake, care: CareContext, doing: string): Promise<void> {
  for await (const pipeline of pipelinesOf(lake, care.signal)) {
    const { store, signal, paths, timing } = lakeContext(lake, pipeline, care);
    const info = await store.head(paths.lease, { signal });
    if (info === undefined) continue;
    const age = (await store.now({ signal })).getTime() - info.modified.getTime();
    if (Math.abs(age) >= timing.leaseLive) continue;
    throw new AlluviumError(
      "ALV_CONCURRENT_RUN",
      `${doing}: a run of ${pipeline.pipeline}/${pipeline.lane} is active or was ended less than ${timing.leaseLive / 1000} s ago. Wait for it, and try again. Nothing was changed.`,
      { pipeline: pipeline.pipeline },
    );
  }
}

/** A file of a load that is committed and does not yet stand in the table's log. */
export interface PendingFile {
  readonly file: DataFile;
  readonly load: Pick<Manifest, "pipeline" | "lane" | "loadId" | "sequence">;
}

/**
 * The files that committed loads name for a table and that its log may not have yet: of the newest load of each pipeline if it is not
 * applied, and of those that are set aside.
 */
export async function* pendingFiles(lake: Lake, care: CareContext): AsyncGenerator<PendingFile> {
  for await (const pipeline of pipelinesOf(lake, care.signal)) {
    const context = lakeContext(lake, pipeline, care);
    const found = await findNewest(context);
    if (found === undefined) continue;
    const { manifest, applied } = found;
    const marker = applied ? await readMarker(context, manifest.sequence) : undefined;
    if (marker === undefined) yield* filesOf(context, manifest, lake.directory, undefined);
    else if (Object.keys(marker.parked).length > 0)
      yield* filesOf(context, manifest, lake.directory, Object.keys(marker.parked));
    const sequences = new Map<number, string[]>();
    for (const { sequence, table } of manifest.parked)
      sequences.set(sequence, [...(sequences.get(sequence) ?? []), table]);
    for (const [sequence, tables] of sequences) {
      const aside = await readManifest(context, sequence);
      if (aside !== undefined) yield* filesOf(context, aside, lake.directory, tables);
    }
  }
}

async function* filesOf(
  context: LakeContext,
  manifest: Manifest,
  directory: string,
  tables: readonly string[] | undefined,
): AsyncGenerator<PendingFile> {
  for (const change of manifest.changes) {
    if (change.directory !== directory || (tables !== undefined && !tables.includes(change.table))) continue;
    for (const file of (await loadChange(context, change)).files) yield { file, load: manifest };
  }
}
