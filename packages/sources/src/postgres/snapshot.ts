import { AlluviumError } from "@alluvium/core";
import type { ServerInfo } from "./catalogue.ts";
import type { PgConnection } from "./connection.ts";
import { greatestSql, type CursorPlan } from "./cursor.ts";
import { clockSql, readHorizon, readInFlight, waitForEnd, type Horizon } from "./horizon.ts";
import { pinSettings, type SessionSettings } from "./settings.ts";

/** A snapshot that several connections read under. It lasts as long as the connection that took it. */
export interface Snapshot {
  /** Its id, by which other connections join; and for people. */
  readonly id: string;
  /** When it was taken, server time in UTC. */
  readonly time: string;
  /** Read before it was taken. */
  readonly horizon: Horizon;
  /** Per stream with a cursor that had to be settled: how far it may be read, or why not. */
  readonly settled: ReadonlyMap<string, Settled>;
  /** The connection that holds it. */
  readonly holder: PgConnection;
  readonly settings: SessionSettings;
}

/** How far a settled cursor may be read: no transaction that is still open can have drawn a value up to `maximum`. */
export type Settled = { readonly maximum: string | null } | { readonly error: AlluviumError };

/** A stream whose cursor has to be settled before the snapshot. */
export interface ToSettle {
  readonly stream: string;
  readonly cursor: CursorPlan;
  /** What it reads, as SQL: relation or query with the alias. */
  readonly from: string;
  /** The user's condition. */
  readonly where: readonly string[];
}

/** What a snapshot is taken with. */
export interface SnapshotOptions {
  readonly server: ServerInfo;
  readonly settings: SessionSettings;
  /** Relations to lock against being emptied or rebuilt while they are read, as SQL. */
  readonly lock: readonly string[];
  readonly settle: readonly ToSettle[];
  readonly settleTimeout: number;
  /** Whether a time cursor is read. */
  readonly needsHorizon: boolean;
  /** Processes of the server that are ours. */
  readonly pids: readonly number[];
  readonly signal: AbortSignal;
  readonly onWait?: (reason: string) => void;
}

/**
 * Takes a snapshot on `holder` and leaves its transaction open. The order matters: what cursors need is read first (transactions that commit
 * after that are then above the bound, or seen), then tables are locked (a TRUNCATE or a rewriting ALTER shows an older snapshot an empty
 * table), then the snapshot is taken.
 */
export async function takeSnapshot(holder: PgConnection, options: SnapshotOptions): Promise<Snapshot> {
  const { signal, settings } = options;
  const pids = [...options.pids, ...(holder.pid === undefined ? [] : [holder.pid])];
  const settled = await settle(holder, options, pids);
  const horizon: Horizon = options.needsHorizon
    ? await readHorizon(holder, options.server, pids, { signal })
    : { text: "", unknown: undefined };
  await holder.query(`begin isolation level repeatable read, read only; ${pinSettings(settings)}`, {
    signal,
  });
  for (let start = 0; start < options.lock.length; start += 500)
    await holder.query(
      `lock table ${options.lock.slice(start, start + 500).join(", ")} in access share mode`,
      {
        signal,
      },
    );
  const [row] = await holder.query<{ id: string; time: string }>(
    `select pg_export_snapshot() as id, ${clockSql} as time`,
    { signal },
  );
  return { id: row!.id, time: row!.time, horizon, settled, holder, settings };
}

/** Begins a transaction on another connection that sees what the snapshot sees. */
export async function joinSnapshot(
  connection: PgConnection,
  snapshot: Snapshot,
  call: { readonly signal: AbortSignal; readonly resource: string },
): Promise<void> {
  const { id, settings } = snapshot;
  await connection.query(
    `begin isolation level repeatable read, read only; set transaction snapshot '${id}'; ${pinSettings(settings)}`,
    { ...call, step: "read" },
  );
}

/**
 * A sequence hands out values when rows are written, and transactions commit in another order: so the maximum is taken first, then the
 * transactions that are open at that moment are waited for, and what the next snapshot sees up to that maximum is complete.
 */
async function settle(
  connection: PgConnection,
  options: SnapshotOptions,
  pids: readonly number[],
): Promise<ReadonlyMap<string, Settled>> {
  const { server, signal } = options;
  const settled = new Map<string, Settled>();
  const waiting: { readonly stream: string; readonly cursor: CursorPlan; readonly maximum: string | null }[] =
    [];
  for (const { stream, cursor, from, where } of options.settle) {
    if (server.standby) {
      settled.set(stream, {
        error: late(
          stream,
          cursor,
          "the server is a standby, where the primary's transactions cannot be seen",
        ),
      });
      continue;
    }
    if ((cursor.sequenceCache ?? 1) > 1) {
      const why = `its sequence hands ${cursor.sequenceCache} values to a session at once, which uses them later`;
      settled.set(stream, { error: late(stream, cursor, why) });
      continue;
    }
    // Under the session's own settings; the text of these types does not depend on them but for times, which are not settled.
    const [row] = await connection.query<{ value: string }>(greatestSql(cursor, from, where), {
      signal,
      resource: stream,
    });
    waiting.push({ stream, cursor, maximum: row?.value ?? null });
  }
  if (waiting.length === 0) return settled;
  const inFlight = await readInFlight(connection, pids, { signal });
  const left = await waitForEnd(connection, inFlight, options.settleTimeout, pids, {
    signal,
    onWait: () => options.onWait?.("transactions that are open at the source"),
  });
  const open = [...left.virtual, ...left.prepared];
  for (const { stream, cursor, maximum } of waiting)
    settled.set(
      stream,
      open.length === 0
        ? { maximum }
        : {
            error: late(
              stream,
              cursor,
              `${describeOpen(left)} did not end within ${options.settleTimeout / 1000} s`,
            ),
          },
    );
  return settled;
}

function describeOpen({
  virtual,
  prepared,
}: {
  readonly virtual: readonly string[];
  readonly prepared: readonly string[];
}): string {
  const parts = [
    virtual.length > 0
      ? `${virtual.length} open transaction${virtual.length > 1 ? "s" : ""} (virtualxid ${virtual.slice(0, 5).join(", ")} in pg_locks)`
      : "",
    prepared.length > 0
      ? `${prepared.length} prepared transaction${prepared.length > 1 ? "s" : ""} (${prepared.slice(0, 5).join(", ")})`
      : "",
  ];
  return parts.filter(Boolean).join(" and ");
}

function late(resource: string, cursor: CursorPlan, why: string): AlluviumError {
  return new AlluviumError(
    "ALV_LATE_TRANSACTIONS",
    `${resource}, cursor "${cursor.name}": rows below its maximum could still appear, because ${why}. Remedy: end them, or set the cursor's lag (0: none can appear, I am sure)`,
    { resource, step: "open" },
  );
}
