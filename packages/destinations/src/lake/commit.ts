import { AlluviumError, type LoadReceipt, type PipelineState, type SchemaChange } from "@alluvium/core";
import { applyManifest } from "./apply.ts";
import { receiptOf } from "./apply-change.ts";
import { storeChange } from "./changes.ts";
import type { LakeContext } from "./context.ts";
import type { LoadIdentity } from "./contract.ts";
import { collectGarbage } from "./garbage.ts";
import { checkFree, checkWinner, concurrent, putManifest, readMarker } from "./journal.ts";
import type { AppliedMarker, KnownTable, Manifest, StoredTableState } from "./manifest.ts";
import { latestTime } from "./merge-operation.ts";
import { parkedBy } from "./parked.ts";
import { planChanges, type PlannedChange } from "./plan-changes.ts";
import { storeSchema } from "./schemas.ts";
import { noteBoundaries, refuseDead, type SessionState } from "./session-state.ts";

/** A load about to be committed. */
export interface OpenLoad {
  readonly loadId: string;
  readonly startedAt: Date;
  /** What it changes of tables beside their rows, by table. */
  readonly schemaChanges: ReadonlyMap<string, readonly SchemaChange[]>;
}

/**
 * Commits a load: makes its files durable, creates its manifest if no other run has (the commit point), looks whether this run is
 * still the newest, applies the load, and only then returns, so that the source may be told.
 */
export async function commitLoad(
  session: SessionState,
  load: OpenLoad,
  state: PipelineState,
): Promise<LoadReceipt> {
  const { context } = session;
  refuseDead(session);
  await finishUnapplied(session);
  context.signal.throwIfAborted();
  session.incarnation ??= state.incarnation;
  const planned = await planChanges(session, nextIdentity(session, load.loadId), load.schemaChanges);
  let manifest: Manifest;
  try {
    manifest = await writeManifest(session, load, state, planned);
    await checkFree(context, session.newest);
  } catch (error) {
    await deleteExtra(context, planned);
    throw error;
  }
  const outcome = await putManifest(context, manifest);
  if (outcome.kind === "unknown") throw unknownOutcome(session, manifest, outcome.error);
  if (outcome.kind !== "won") {
    await deleteExtra(context, planned);
    if (outcome.kind === "failed") throw outcome.error;
    session.dead = concurrent(context, manifest.sequence);
    throw session.dead;
  }
  noteCommitted(session, manifest, planned);
  return finishLoad(session, manifest);
}

/** Applies a load that this session committed, unless another run has done so and gone on. */
export async function finishLoad(session: SessionState, manifest: Manifest): Promise<LoadReceipt> {
  const { context } = session;
  let marker: AppliedMarker | undefined;
  try {
    const superseded = (await checkWinner(context, manifest)) === "superseded";
    if (superseded) {
      session.dead = concurrent(context, manifest.sequence + 1);
      marker = await readMarker(context, manifest.sequence);
    }
    if (!superseded) marker = await applyManifest(context, manifest, false);
  } catch (error) {
    if (AlluviumError.is(error) && ["ALV_CONCURRENT_RUN", "ALV_STATE_LOST"].includes(error.code))
      session.dead = error;
    throw error;
  }
  session.unapplied = undefined;
  noteBoundaries(session, manifest, marker);
  session.parked = [...manifest.parked, ...parkedBy(manifest, marker)];
  if (session.dead === undefined && (manifest.sequence + 1) % context.timing.garbageEvery === 0)
    await collectGarbage(context, manifest);
  return receiptFor(manifest, marker);
}

/** A load that this session committed and could not apply comes first: the next one is never put before it is applied. */
export async function finishUnapplied(session: SessionState): Promise<void> {
  if (session.unapplied !== undefined) await finishLoad(session, session.unapplied);
}

/** Who the next load of a session is. */
export function nextIdentity(session: SessionState, loadId: string): LoadIdentity {
  const { context, newest } = session;
  const incarnation = (session.incarnation ??= crypto.randomUUID());
  const { pipeline, lane } = context.pipeline;
  const sequence = newest === undefined ? 0 : newest.sequence + 1;
  return { pipeline, lane, incarnation, sequence, loadId, runId: context.runId };
}

async function writeManifest(
  session: SessionState,
  load: OpenLoad,
  state: PipelineState,
  planned: readonly PlannedChange[],
): Promise<Manifest> {
  const { context, newest } = session;
  const { store, timing } = context;
  const identity = nextIdentity(session, load.loadId);
  const now = (await store.now()).getTime();
  const oldest = Math.min(now, ...planned.flatMap(({ sets }) => sets.map(({ written }) => written)));
  if (now - oldest > timing.vacuumAge / 2)
    throw new AlluviumError(
      "ALV_LOAD_EXPIRED",
      `load ${load.loadId} has files that were begun ${new Date(oldest).toISOString()}, more than half the vacuum age (${timing.vacuumAge / 86_400_000} days) ago: other engines may delete them at any time. Run again, with commits closer together`,
      { load: load.loadId },
    );
  await store.sync(
    planned.flatMap(({ change }) => change.files.map(({ staged }) => `${change.directory}/${staged}`)),
  );
  const kept = hashesOf(newest);
  const changes = [];
  for (const [index, { table, change, sets }] of planned.entries()) {
    const written = Math.min(now, ...sets.map((set) => set.written));
    const facts = { stream: table.stream, written, schemaChanges: load.schemaChanges.get(table.name) };
    changes.push(await storeChange(context, change, facts, { ...identity, index }, kept));
  }
  const known: Record<string, KnownTable> = { ...newest?.known };
  for (const [table, boundary] of session.boundaries)
    if (known[table] !== undefined) known[table] = { ...known[table], boundary };
  for (const { table, tableId, stream, schema, operation, rows } of changes) {
    const latest = operation.kind === "merge" ? latestTime(operation, rows) : undefined;
    const boundary = latest ?? known[table]?.boundary;
    known[table] = { id: tableId, stream, schema, ...(boundary !== undefined && { boundary }) };
  }
  const parkedStreams = new Set(session.parked.map(({ stream }) => stream));
  return {
    ...identity,
    writer: context.writer,
    predecessor: newest?.loadId ?? null,
    startedAt: load.startedAt.toISOString(),
    committedAt: new Date(now).toISOString(),
    streams: { ...state.streams, ...pick(newest?.streams ?? {}, (stream) => parkedStreams.has(stream)) },
    tables: await storeTables(session, state, parkedStreams, kept),
    known,
    changes,
    parked: session.parked,
    settled: [],
    loadsFile: crypto.randomUUID(),
  };
}

async function storeTables(
  session: SessionState,
  state: PipelineState,
  parkedStreams: ReadonlySet<string>,
  kept: ReadonlySet<string>,
): Promise<Readonly<Record<string, StoredTableState>>> {
  const tables: [string, StoredTableState][] = [];
  for (const [name, table] of Object.entries(state.tables)) {
    const { schema, parked: _, ...rest } = table;
    const before = parkedStreams.has(table.stream) ? session.newest?.tables[name] : undefined;
    tables.push([name, before ?? { ...rest, schema: await storeSchema(session.context, schema, kept) }]);
  }
  return Object.fromEntries(tables);
}

function noteCommitted(session: SessionState, manifest: Manifest, planned: readonly PlannedChange[]): void {
  session.newest = manifest;
  session.unapplied = manifest;
  session.streams.clear();
  for (const { table, change, sets } of planned) {
    table.take(sets);
    table.committed = change.schema;
    const ownership = change.ownership === "shared" ? "shared" : "own";
    table.target = { tableId: change.tableId, create: false, ownership };
  }
}

function unknownOutcome(session: SessionState, manifest: Manifest, cause: unknown): AlluviumError {
  // Its manifest may exist, or come into being yet: nothing that it names may be deleted.
  for (const table of session.tables.values()) table.abandon();
  const { pipeline } = session.context.pipeline;
  const error = new AlluviumError(
    "ALV_STORE_FAILED",
    `the store gave no answer to the commit of load ${manifest.loadId}, so that it is not known whether it is committed: the next run finds out and goes on from there`,
    { pipeline, load: manifest.loadId, step: "commit", cause },
  );
  session.dead = error;
  return error;
}

async function deleteExtra(context: LakeContext, planned: readonly PlannedChange[]): Promise<void> {
  const paths = planned.flatMap(({ change, extra }) =>
    extra.map(({ staged }) => `${change.directory}/${staged}`),
  );
  try {
    if (paths.length > 0) await context.store.delete(paths);
  } catch {
    // Orphans do no harm; the error that led here matters more.
  }
}

function receiptFor(manifest: Manifest, marker: AppliedMarker | undefined): LoadReceipt {
  const { loadId, sequence, committedAt, changes } = manifest;
  return {
    loadId,
    sequence,
    committedAt: new Date(committedAt),
    tables: changes.map((change) => receiptOf(change, marker)),
  };
}

function hashesOf(manifest: Manifest | undefined): ReadonlySet<string> {
  const tables = [...Object.values(manifest?.known ?? {}), ...Object.values(manifest?.tables ?? {})];
  return new Set(tables.map(({ schema }) => schema));
}

function pick<Value>(
  record: Readonly<Record<string, Value>>,
  keep: (key: string) => boolean,
): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => keep(key)));
}
