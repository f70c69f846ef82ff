import { AlluviumError, timeOrderedId } from "@alluvium/core";
import { applyStored, followedBy } from "./apply.ts";
import { identityOf, receiptOf, type ApplyOutcome } from "./apply-change.ts";
import { finishLoad, finishUnapplied, nextIdentity } from "./commit.ts";
import { checkFree, concurrent, putManifest, readManifest, readMarker } from "./journal.ts";
import { applyLoads } from "./loads.ts";
import { LOADS_TABLE } from "./loads-table.ts";
import type { KnownTable, Manifest, ParkedEntry, Settled } from "./manifest.ts";
import { tableDirectory } from "./paths.ts";
import { refuseDead, type SessionState } from "./session-state.ts";

type How = Settled["how"];

/**
 * Settles a parked table with a manifest of its own. `retry`: applies what was set aside, once more. `skip`: gives up the rows of that
 * load for that table. `resync`: forgets the stream's cursor; its next load replaces what its tables hold, also for a table that is
 * not parked (say, one that was dropped by hand).
 */
export async function settleTable(session: SessionState, table: string, how: How): Promise<void> {
  refuseDead(session);
  await finishUnapplied(session);
  const { newest } = session;
  const entry = session.parked.find((other) => other.table === table);
  if (
    newest === undefined ||
    (entry === undefined && (how !== "resync" || newest.known[table] === undefined))
  )
    throw new AlluviumError(
      "ALV_CONFIG",
      `${how}("${table}"): there is no ${how === "resync" ? "table of this name in the state" : "parked table of this name"}; parked are ${session.parked.map((other) => other.table).join(", ") || "none"}`,
      { resource: table },
    );
  const settled = { table, loadId: entry?.loadId ?? newest.loadId, how };
  const next =
    how === "retry"
      ? await retried(session, newest, entry!, settled)
      : how === "skip"
        ? await skipped(session, newest, entry!, settled)
        : resynced(session, newest, table, settled);
  await commitSettlement(session, newest, next);
}

/** What a settlement changes of the manifest before it. */
type Settlement = Pick<Manifest, "settled" | "parked"> & Partial<Pick<Manifest, "streams" | "known">>;

async function retried(
  session: SessionState,
  newest: Manifest,
  entry: ParkedEntry,
  settled: Settled,
): Promise<Settlement> {
  const { context } = session;
  const parked = session.parked.filter((other) => other !== entry);
  const manifest = await readManifest(context, entry.sequence);
  if (manifest?.loadId !== entry.loadId)
    throw new AlluviumError(
      "ALV_TABLE_PARKED",
      `the manifest of load ${entry.loadId} is gone, so that its rows for table ${entry.table} cannot be applied any more: use skip or resync`,
      { resource: entry.table, load: entry.loadId },
    );
  if (entry.table === LOADS_TABLE) {
    for (let sequence = entry.sequence; sequence <= newest.sequence; sequence++)
      await retryLoads(session, sequence);
    return { settled: [settled], parked };
  }
  const change = manifest.changes.find(({ table }) => table === entry.table)!;
  const root = parked.find(({ table }) => table === followedBy(change));
  if (root !== undefined)
    throw new AlluviumError(
      "ALV_TABLE_PARKED",
      `the rows of table ${entry.table} belong to those of table ${root.table}, which is set aside too (${root.reason}): settle that one first`,
      { resource: entry.table, load: entry.loadId },
    );
  const outcome = await applyStored(context, identityOf(manifest), change, true);
  refuseOutcome(entry, outcome);
  const versions = { [entry.table]: "version" in outcome ? (outcome.version ?? null) : null };
  const changed = "changed" in outcome && outcome.changed ? { [entry.table]: outcome.changed } : {};
  const receipt = { ...receiptOf(change, { versions, parked: {}, changed }), operation: "retry" };
  return { settled: [{ ...settled, receipt }], parked };
}

async function retryLoads(session: SessionState, sequence: number): Promise<void> {
  const { context } = session;
  const manifest = await readManifest(context, sequence);
  if (manifest === undefined) return;
  const marker = await readMarker(context, sequence);
  const receipts = manifest.changes.map((change) => receiptOf(change, marker));
  refuseOutcome(manifest, await applyLoads(context, manifest, receipts));
}

function refuseOutcome(
  load: { readonly loadId: string; readonly table?: string },
  outcome: ApplyOutcome,
): void {
  if (!("parked" in outcome)) return;
  const table = load.table ?? LOADS_TABLE;
  throw new AlluviumError(
    "ALV_TABLE_PARKED",
    `table ${table} still cannot take load ${load.loadId} (${outcome.parked}): mend that and retry, or use skip or resync`,
    { resource: table, load: load.loadId },
  );
}

async function skipped(
  session: SessionState,
  newest: Manifest,
  entry: ParkedEntry,
  settled: Settled,
): Promise<Settlement> {
  const { store, format, signal } = session.context;
  const parked = session.parked.filter((other) => other !== entry);
  const known: Record<string, KnownTable> = { ...newest.known };
  try {
    // A table that is not there (never created, or dropped) is created anew by its next load.
    if ((await format.inspect(tableDirectory(entry.table), { store, signal })) === undefined)
      delete known[entry.table];
  } catch (error) {
    // What stands there is refused when the next load begins, by name.
    if (!AlluviumError.is(error) || error.retryable) throw error;
  }
  return { settled: [settled], parked, known };
}

function resynced(session: SessionState, newest: Manifest, table: string, settled: Settled): Settlement {
  const stream = newest.known[table]?.stream ?? session.parked.find((entry) => entry.table === table)!.stream;
  const known = Object.fromEntries(
    Object.entries(newest.known).map(([name, entry]) => [
      name,
      entry.stream === stream ? { ...entry, resync: true as const } : entry,
    ]),
  );
  const streams = { ...newest.streams };
  delete streams[stream];
  return {
    settled: [settled],
    parked: session.parked.filter((entry) => entry.stream !== stream),
    known,
    streams,
  };
}

async function commitSettlement(
  session: SessionState,
  newest: Manifest,
  settlement: Settlement,
): Promise<void> {
  const { context } = session;
  const now = (await context.store.now()).toISOString();
  const manifest: Manifest = {
    ...newest,
    ...nextIdentity(session, timeOrderedId()),
    writer: context.writer,
    predecessor: newest.loadId,
    startedAt: now,
    committedAt: now,
    changes: [],
    loadsFile: crypto.randomUUID(),
    ...settlement,
  };
  await checkFree(context, newest);
  const outcome = await putManifest(context, manifest);
  if (outcome.kind === "lost") throw (session.dead = concurrent(context, manifest.sequence));
  if (outcome.kind !== "won") throw (session.dead = outcome.error);
  session.newest = manifest;
  session.unapplied = manifest;
  session.tables.clear();
  await finishLoad(session, manifest);
}
