import { AlluviumError, type PipelineState } from "@alluvium/core";
import type { SqlContext } from "./context.ts";
import type { SqlLease } from "./engine.ts";
import type { ParkedEntry } from "./parked.ts";
import type { PendingTable } from "./pending-table.ts";
import { newestLoad } from "./state-row.ts";

/** What a session knows between its loads. */
export interface SessionState {
  readonly context: SqlContext;
  /** `undefined` in a session that only reads. */
  readonly lease: SqlLease | undefined;
  /** The state that the next one follows on. */
  newest: PipelineState | undefined;
  /** Tables that are set aside. */
  parked: readonly ParkedEntry[];
  readonly tables: Map<string, PendingTable>;
  /** Tables that this session has begun anew. */
  readonly restarted: Set<string>;
  /** Streams that sealed since the last commit, or ended. */
  readonly streams: Map<string, StreamProgress>;
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

/** A checkpoint looks this often whether another run has taken the pipeline, in milliseconds. */
const NOTICE = 5000;

/** The progress of a stream. */
export function progressOf({ streams }: SessionState, stream: string): StreamProgress {
  let progress = streams.get(stream);
  if (progress === undefined) {
    progress = { sealed: false, ended: false };
    streams.set(stream, progress);
  }
  return progress;
}

/** The tables of a stream. */
export function tablesOf({ tables }: SessionState, stream: string): readonly PendingTable[] {
  return [...tables.values()].filter((table) => table.stream === stream);
}

/** Throws `ALV_TABLE_PARKED` for a stream with a table that is set aside: its later rows may not overtake those that are missing. */
export function refuseParked({ parked }: SessionState, stream: string): void {
  const entry = parked.find((other) => other.stream === stream);
  if (entry === undefined) return;
  const { table, loadId, reason } = entry;
  throw new AlluviumError(
    "ALV_TABLE_PARKED",
    `table ${table} is set aside since load ${loadId} (${reason}): settle it with retry("${table}"), skip("${table}") or resync("${table}")`,
    { resource: table, load: loadId },
  );
}

/** Throws when the session has ended: disposed, or its pipeline taken by another run. */
export function refuseDead({ dead }: SessionState): void {
  if (dead !== undefined) throw dead;
}

/** The error of a session whose pipeline went on without it. */
export function concurrent({ open }: SqlContext, why: string): AlluviumError {
  const { pipeline, lane } = open.pipeline;
  return new AlluviumError(
    "ALV_CONCURRENT_RUN",
    `another run of ${pipeline}/${lane} ${why}: nothing of this run's open load is committed. Let that run finish, or give this one a lane of its own`,
    { pipeline },
  );
}

/**
 * Looks, now and then, whether another run has taken the pipeline: by its lease or by its loads. Throws `ALV_CONCURRENT_RUN`, so
 * that a run whose work is in vain ends at its next checkpoint and not after hours.
 */
export async function noticeTaken(session: SessionState): Promise<void> {
  const { context, lease, newest } = session;
  const now = performance.now();
  if (now - session.noticed < NOTICE) return;
  session.noticed = now;
  const found = await newestLoad(context);
  if (found?.loadId !== newest?.loadId)
    throw (session.dead = concurrent(context, `committed load ${found?.sequence ?? "0"}`));
  if (lease !== undefined && !(await lease.check()))
    throw (session.dead = concurrent(context, "has taken over"));
}
