import type { Json } from "../state/json.ts";
import type { Stream } from "../stream.ts";
import { createOrdinals, type Ordinals } from "./ordinals.ts";
import { createRefusals, type Refusals } from "./refusals.ts";
import type { PendingRefresh } from "./refresh.ts";
import type { TableRun } from "./table-run.ts";

/**
 * Where a stream stands: `waiting` for its turn, `reading`, `paused` before another attempt, or done: `ended` (read to its end),
 * `cut` by the deadline, `failed`, or `parked` with one of its tables.
 */
export type StreamStatus = "waiting" | "reading" | "paused" | "ended" | "cut" | "failed" | "parked";

/** A stream in the course of one run. */
export interface StreamRun {
  readonly stream: Stream;
  /** Its tables; quarantines join them with their first rows. */
  readonly tables: TableRun[];
  /** Whether its rows take effect only at its end (`takesEffect`): after a failure all of them are read again. */
  readonly wholeSet: boolean;
  /** Whether it is read from its start in each run and keeps no cursor: what it does not bring goes. */
  readonly readsAll: boolean;
  /** Until the first commit of a refresh: what it is, and what the state holds of the stream instead of its cursor. */
  refresh: PendingRefresh | undefined;
  /** What of its rows is refused. */
  readonly refusals: Refusals;
  /** The order of its changes. */
  readonly ordinals: Ordinals;
  /** Whether this run reads a window, which moves no cursor. */
  readonly backfill: boolean;
  /** Whether this run replays rows of a quarantine and does not read the stream. */
  readonly replays: boolean;
  status: StreamStatus;
  /** Why a table of it was set aside. */
  parkedWhy?: string;
  /** Stops the attempt that is under way. */
  stop: AbortController | undefined;
  /** Where the next attempt reads on: the stored cursor, then that of the last sealed mark. */
  since: unknown;
  /** The cursor of the last commit. */
  committedSince: unknown;
  /** The last checkpoint of this attempt. */
  position: { readonly cursor: unknown } | undefined;
  /** What the next commit takes. */
  seal: Seal | undefined;
  /** Sealed for a commit that is due: no further seal until then. */
  closed: boolean;
  /** Whether it has offered a checkpoint in this load. */
  offered: boolean;
  /** Rows written since the last checkpoint. */
  loose: number;
  /** Rows written in this run, without those that were taken back. */
  rows: number;
  /** Value of `rows` at the last checkpoint. */
  savedRows: number;
  /** Value of `rows` at the last sealed mark. */
  sealedRows: number;
  /** Value of `rows` at the last commit. */
  committedRows: number;
  /** Values of `rows` at the last checkpoint of an attempt that failed, and where it failed: in between each checkpoint is sealed. */
  brink: { readonly from: number; readonly to: number } | undefined;
  /** When it was last sealed or began, for the deadline. */
  sealedAt: number;
  /** Whether reading it has begun. */
  read: boolean;
  /** Whether any load of this run holds something of it. */
  committed: boolean;
}

/** A sealed mark that is not yet committed. */
export interface Seal {
  /** The checkpoint, encoded; `undefined`: the stored cursor stays. */
  readonly cursor: Json | undefined;
  /** The checkpoint as the stream gave it, to acknowledge. */
  readonly position: { readonly cursor: unknown } | undefined;
}

/** Whether a checkpoint of the stream is a point to resume from: a set that takes effect as a whole, and a window, have none. */
export function isResumable(run: StreamRun): boolean {
  return !run.wholeSet && !run.backfill && !run.replays;
}

/** Whether the end of the stream, or a checkpoint before, is where the next run goes on. */
export function keepsCursor(run: StreamRun): boolean {
  return !run.readsAll && !run.backfill && !run.replays;
}

/** Whether a stream will not be read any more in this run. */
export function isDone(run: StreamRun): boolean {
  return run.status !== "waiting" && run.status !== "reading" && run.status !== "paused";
}

/** Whether a table is one that the source describes: a quarantine is not. */
export function isOwn({ quarantineOf }: TableRun): boolean {
  return quarantineOf === undefined;
}

/** A stream that has not been read yet. */
export function startStream(
  stream: Stream,
  tables: TableRun[],
  options: Pick<StreamRun, "wholeSet" | "readsAll" | "backfill" | "replays" | "refresh" | "since">,
): StreamRun {
  return {
    stream,
    tables,
    wholeSet: options.wholeSet,
    readsAll: options.readsAll,
    refresh: options.refresh,
    refusals: createRefusals(),
    ordinals: createOrdinals(),
    backfill: options.backfill,
    replays: options.replays,
    status: "waiting",
    stop: undefined,
    since: options.since,
    committedSince: options.since,
    position: undefined,
    seal: undefined,
    closed: false,
    offered: false,
    loose: 0,
    rows: 0,
    savedRows: 0,
    sealedRows: 0,
    committedRows: 0,
    brink: undefined,
    sealedAt: 0,
    read: false,
    committed: false,
  };
}
