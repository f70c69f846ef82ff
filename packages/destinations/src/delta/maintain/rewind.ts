import { AlluviumError, timeOrderedId } from "@alluvium/core";
import { finishLoad, nextIdentity } from "../../lake/commit.ts";
import type { LakeContext } from "../../lake/context.ts";
import { checkFree, concurrent, putManifest, readManifest } from "../../lake/journal.ts";
import { takeLease, type Lease } from "../../lake/lease.ts";
import type { Manifest } from "../../lake/manifest.ts";
import { recoverNewest } from "../../lake/recover.ts";
import { loadSchema } from "../../lake/schemas.ts";
import type { SessionState } from "../../lake/session-state.ts";
import type { TableState } from "../log/state.ts";
import { knownPipelines } from "../write/ownership.ts";
import { lakeContext, lakeOf } from "./lake.ts";
import type { Rewound } from "./restore-options.ts";
import type { CareContext } from "./target.ts";

/** A cursor that is about to go back. Holds the pipeline's lease until it is disposed. */
export interface Rewind extends AsyncDisposable {
  /** Commits a manifest with the older cursor: from then on the next run begins there. */
  commit(): Promise<Rewound>;
}

/** What becomes of the state. */
interface Plan {
  readonly table: string;
  readonly stream: string;
  readonly newest: Manifest;
  /** The load whose cursor comes back; `undefined`: none had one yet. */
  readonly back: Manifest | undefined;
}

/**
 * Takes the lease of the pipeline that loads a table, finishes what its last run left, and finds the cursor that its stream had when
 * the table was as `wanted` has it. Refuses, before anything is changed, what cannot be rewound.
 */
export async function openRewind(care: CareContext, wanted: TableState): Promise<Rewind> {
  const lake = await lakeOf(care);
  if (lake === undefined)
    throw new AlluviumError(
      "ALV_CONFIG",
      `restore: the table at ${care.url} stands in no lake, so that there is no cursor to rewind. Leave rewind out.`,
    );
  const pipeline = pipelineOf(care, wanted);
  const context = lakeContext(lake, pipeline, care);
  const lease = await takeLease(context, context.timing.leaseWait);
  try {
    const { newest, parked } = await recoverNewest(context);
    if (newest === undefined)
      throw new AlluviumError(
        "ALV_STATE_LOST",
        `restore: there is no state of pipeline ${pipeline.pipeline}/${pipeline.lane} in ${lake.store.url}, so that there is no cursor to rewind. Leave rewind out.`,
        { pipeline: pipeline.pipeline },
      );
    const plan = await planRewind(context, newest, wanted);
    const session: SessionState = {
      context,
      lease,
      newest,
      incarnation: newest.incarnation,
      parked,
      tables: new Map(),
      streams: new Map(),
      unapplied: undefined,
      dead: undefined,
      noticed: performance.now(),
      boundaries: new Map(),
    };
    if (parked.some(({ stream }) => stream === plan.stream))
      throw new AlluviumError(
        "ALV_TABLE_PARKED",
        `restore: stream ${plan.stream} has a table that is set aside: settle it with retry, skip or resync, and restore again`,
        { pipeline: pipeline.pipeline, resource: plan.table },
      );
    return {
      commit: () => commitRewind(session, plan),
      [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose](),
    };
  } catch (error) {
    await disposeQuietly(lease);
    throw error;
  }
}

async function disposeQuietly(lease: Lease): Promise<void> {
  try {
    await lease[Symbol.asyncDispose]();
  } catch {
    // The first error matters.
  }
}

/** The one pipeline and lane that loads a table. */
function pipelineOf(care: CareContext, wanted: TableState): LakeContext["pipeline"] {
  const found = new Map<string, LakeContext["pipeline"]>();
  for (const { pipeline, lane = "main" } of knownPipelines(wanted))
    found.set(`${pipeline}/${lane}`, { pipeline, lane });
  const [only, ...others] = found.values();
  if (only !== undefined && others.length === 0) return only;
  throw new AlluviumError(
    "ALV_UNSUPPORTED",
    only === undefined
      ? `restore: no pipeline is known to have loaded version ${wanted.version} of the table at ${care.url}, so that there is no cursor to rewind. Leave rewind out.`
      : `restore: ${[...found.keys()].join(", ")} all load the table at ${care.url}, so that their cursors cannot go back with it. Leave rewind out, and resync what needs it.`,
  );
}

async function planRewind(context: LakeContext, newest: Manifest, wanted: TableState): Promise<Plan> {
  const { pipeline } = context.pipeline;
  const entry = Object.entries(newest.known).find(([, { id }]) => id === wanted.metadata.id);
  if (entry === undefined)
    throw new AlluviumError(
      "ALV_TABLE_FOREIGN",
      `restore: pipeline ${pipeline} does not know the table ${wanted.metadata.id} any more, so that there is no cursor to rewind. Leave rewind out.`,
      { pipeline },
    );
  const [table, { stream }] = entry;
  const others = Object.keys(newest.known).filter(
    (name) => name !== table && newest.known[name]!.stream === stream,
  );
  if (others.length > 0)
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `restore: stream ${stream} also feeds ${others.join(", ")}, which would get their rows again if its cursor went back. Restore without rewind, or resync("${table}").`,
      { pipeline, resource: table },
    );
  const sequence = knownPipelines(wanted)
    .filter(({ incarnation }) => incarnation === newest.incarnation)
    .reduce<number | undefined>((most, each) => {
      if (each.sequence === undefined) return most;
      return most === undefined ? each.sequence : Math.max(most, each.sequence);
    }, undefined);
  if (sequence === undefined) return { table, stream, newest, back: undefined };
  const back = sequence === newest.sequence ? newest : await readManifest(context, sequence);
  if (back === undefined || back.incarnation !== newest.incarnation)
    throw new AlluviumError(
      "ALV_NOT_FOUND",
      `restore: version ${wanted.version} is of load ${sequence} of pipeline ${pipeline}, whose manifest with the cursor is no longer kept. Restore without rewind, or resync("${table}"). Nothing was changed.`,
      { pipeline, resource: table },
    );
  return { table, stream, newest, back };
}

async function commitRewind(session: SessionState, plan: Plan): Promise<Rewound> {
  const { context } = session;
  const { pipeline, lane } = context.pipeline;
  const { stream, newest, back } = plan;
  const rewound = { pipeline, lane, stream, loadId: back?.loadId };
  const cursor = back?.streams[stream];
  // Called again after a crash, the cursor may already be there.
  if (JSON.stringify(cursor) === JSON.stringify(newest.streams[stream])) return rewound;
  const now = (await context.store.now()).toISOString();
  const { [stream]: _, ...rest } = newest.streams;
  const manifest: Manifest = {
    ...newest,
    ...nextIdentity(session, timeOrderedId()),
    writer: context.writer,
    predecessor: newest.loadId,
    startedAt: now,
    committedAt: now,
    streams: cursor === undefined ? rest : { ...rest, [stream]: cursor },
    ...(await schemasOf(context, plan)),
    changes: [],
    settled: [],
    loadsFile: crypto.randomUUID(),
  };
  await checkFree(context, newest);
  const outcome = await putManifest(context, manifest);
  if (outcome.kind === "lost") throw concurrent(context, manifest.sequence);
  if (outcome.kind !== "won") throw outcome.error;
  session.newest = manifest;
  session.unapplied = manifest;
  await finishLoad(session, manifest);
  return rewound;
}

/** What the state remembers of the table's columns goes back as well, as far as it is still kept; else later columns come back as null. */
async function schemasOf(
  context: LakeContext,
  { table, newest, back }: Plan,
): Promise<Partial<Pick<Manifest, "tables" | "known">>> {
  const [tables, known] = [back?.tables[table], back?.known[table]];
  if (tables === undefined || known === undefined) return {};
  try {
    await loadSchema(context, tables.schema);
    await loadSchema(context, known.schema);
  } catch (error) {
    if (AlluviumError.is(error) && error.code === "ALV_STATE_INVALID") return {};
    throw error;
  }
  return {
    tables: { ...newest.tables, [table]: tables },
    known: { ...newest.known, [table]: { ...newest.known[table]!, schema: known.schema } },
  };
}
