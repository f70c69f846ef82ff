import { AlluviumError } from "@alluvium/core";
import type { LakeContext } from "./context.ts";
import { concurrent, listFrom } from "./journal.ts";
import type { Lease } from "./lease.ts";
import type { AppliedMarker, Manifest, ParkedEntry } from "./manifest.ts";
import type { PendingTable } from "./pending-table.ts";

/** What a session knows between its loads. */
export interface SessionState {
  readonly context: LakeContext;
  readonly lease: Lease;
  /** The manifest that the next one follows on. */
  newest: Manifest | undefined;
  /** Of the state; `undefined` until its first load. */
  incarnation: string | undefined;
  /** `scd2`: the greatest times in validity columns, by table, where a marker says them; manifests know an upper limit only. */
  readonly boundaries: Map<string, string>;
  /** Tables that are set aside. */
  parked: readonly ParkedEntry[];
  readonly tables: Map<string, PendingTable>;
  /** Streams that sealed since the last commit, or ended. */
  readonly streams: Map<string, StreamProgress>;
  /** A committed load that is not yet applied everywhere. */
  unapplied: Manifest | undefined;
  /** Why the session can do nothing more. */
  dead: unknown;
  /** When a checkpoint last looked for other runs. */
  noticed: number;
}

/** How far a stream is within a load. */
export interface StreamProgress {
  sealed: boolean;
  ended: boolean;
}

/** Takes over the boundaries of a load that was just applied. */
export function noteBoundaries(
  { boundaries }: Pick<SessionState, "boundaries">,
  manifest: Manifest,
  marker: AppliedMarker | undefined,
): void {
  for (const { table } of manifest.changes) {
    const boundary = marker?.boundaries?.[table];
    if (boundary === undefined) boundaries.delete(table);
    else boundaries.set(table, boundary);
  }
}

/** The progress of a stream. */
export function progressOf(session: SessionState, stream: string): StreamProgress {
  let progress = session.streams.get(stream);
  if (progress === undefined) {
    progress = { sealed: false, ended: false };
    session.streams.set(stream, progress);
  }
  return progress;
}

/** The tables of a stream. */
export function tablesOf(session: SessionState, stream: string): readonly PendingTable[] {
  return [...session.tables.values()].filter((table) => table.stream === stream);
}

/** Throws `ALV_TABLE_PARKED` for a stream with a table that is set aside: its later rows may not overtake those that are missing. */
export function refuseParked(session: SessionState, stream: string): void {
  const parked = session.parked.find((entry) => entry.stream === stream && entry.stream !== "");
  if (parked === undefined) return;
  const { table, loadId, reason } = parked;
  throw new AlluviumError(
    "ALV_TABLE_PARKED",
    `table ${table} is set aside since load ${loadId} (${reason}): settle it with retry("${table}"), skip("${table}") or resync("${table}")`,
    { resource: table, load: loadId },
  );
}

/** Throws when the session has ended: disposed, or its pipeline taken by another run. */
export function refuseDead(session: SessionState): void {
  if (session.dead !== undefined) throw session.dead;
}

/**
 * Looks, now and then, whether another run has taken the pipeline: by its lease or by its manifests. Throws `ALV_CONCURRENT_RUN`, so
 * that a run whose work is in vain ends at its next checkpoint and not after hours.
 */
export async function noticeTaken(session: SessionState): Promise<void> {
  const { context, lease } = session;
  const sequence = (session.newest?.sequence ?? -1) + 1;
  const now = performance.now();
  const due = now - session.noticed >= context.timing.notice;
  if (!due && !lease.lost()) return;
  session.noticed = now;
  const { sequences } = await listFrom(context, sequence);
  if (sequences.length > 0) {
    session.dead = concurrent(context, sequences[0]!);
    throw session.dead;
  }
  if (await lease.check()) return;
  const { pipeline, lane } = context.pipeline;
  session.dead = new AlluviumError(
    "ALV_CONCURRENT_RUN",
    `another run of ${pipeline}/${lane} took the lease, because this one had not renewed it for ${context.timing.leaseLive / 1000} s: nothing of this run's open load is committed`,
    { pipeline },
  );
  throw session.dead;
}
