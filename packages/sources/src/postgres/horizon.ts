import { setTimeout as delay } from "node:timers/promises";
import type { ServerInfo } from "./catalogue.ts";
import type { PgConnection } from "./connection.ts";

/**
 * How far a time cursor may go: every transaction that will still commit began at or after it, so that no row with an earlier `now()` can
 * appear any more.
 */
export interface Horizon {
  /** Server time in UTC, `YYYY-MM-DD HH:MI:SS.US`. */
  readonly text: string;
  /** Why `text` is the clock alone, and transactions in flight are not known: only a lag helps. `undefined`: it is exact. */
  readonly unknown: string | undefined;
}

type Call = { readonly signal: AbortSignal };

/** A statement's time is taken a moment before its transaction can be seen; the clock is read so much earlier than the others. */
const visibilityDelay = 50;

/** Transactions of this database that may write, other than those of the server's own workers and ours (see the callers for `pids`). */
const writers = `a.datname = current_database() and coalesce(a.backend_type, '') not in ('autovacuum worker', 'autovacuum launcher', 'walsender')`;

function utc(time: string): string {
  return `to_char(${time} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`;
}

/** The server's clock, in UTC. */
export const clockSql: string = utc("clock_timestamp()");

/**
 * Reads the horizon: the least of the clock and the start of every transaction that is open. Must be called outside a transaction and before
 * the snapshot is taken: what commits in between is then either seen by the snapshot or above the horizon.
 */
export async function readHorizon(
  connection: PgConnection,
  server: ServerInfo,
  pids: readonly number[],
  call: Call,
): Promise<Horizon> {
  const clock = (await connection.query<{ now: string }>(`select ${clockSql} as now`, call))[0]!.now;
  if (server.standby)
    return {
      text: clock,
      unknown: "the server is a standby, where the primary's transactions cannot be seen",
    };
  await delay(visibilityDelay, undefined, { signal: call.signal });
  const [row] = await connection.query<{ start: string | null; hidden: string; prepared: string }>(
    `select ${utc("min(coalesce(a.xact_start, case when a.state = 'active' then a.query_start end))")} as start,
      count(*) filter (where a.query = '<insufficient privilege>' and exists (
        select from pg_catalog.pg_locks l where l.pid = a.pid and l.locktype = 'virtualxid' and l.mode = 'ExclusiveLock'))::text as hidden,
      (select count(*) from pg_catalog.pg_prepared_xacts p where p.database = current_database())::text as prepared
    from pg_catalog.pg_stat_activity a where ${writers} and a.pid <> all ('{${pids.join(",")}}'::int[])`,
    call,
  );
  const text = row!.start !== null && row!.start < clock ? row!.start : clock;
  if (row!.prepared !== "0")
    return { text, unknown: "there are prepared transactions, whose start cannot be known" };
  if (row!.hidden !== "0")
    return {
      text,
      unknown: "other users have open transactions whose start may not be seen (grant pg_read_all_stats)",
    };
  return { text, unknown: undefined };
}

/** Transactions that were open at one moment. */
export interface InFlight {
  readonly virtual: readonly string[];
  readonly prepared: readonly string[];
}

/** What is open now, seen by anybody: each transaction holds a lock on its own virtual id, whatever it has done so far. */
export async function readInFlight(
  connection: PgConnection,
  pids: readonly number[],
  call: Call,
): Promise<InFlight> {
  const rows = await connection.query<{ kind: string; id: string }>(
    `select 'virtual' as kind, l.virtualxid as id from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'virtualxid' and l.mode = 'ExclusiveLock' and l.granted and ${writers}
        and l.pid <> all ('{${pids.join(",")}}'::int[])
    union all select 'prepared', p.gid from pg_catalog.pg_prepared_xacts p where p.database = current_database()`,
    call,
  );
  return {
    virtual: rows.filter(({ kind }) => kind === "virtual").map(({ id }) => id),
    prepared: rows.filter(({ kind }) => kind === "prepared").map(({ id }) => id),
  };
}

/** Waits until all of `before` have ended; gives those that are left after `timeout` milliseconds. */
export async function waitForEnd(
  connection: PgConnection,
  before: InFlight,
  timeout: number,
  pids: readonly number[],
  call: Call & { readonly onWait?: () => void },
): Promise<InFlight> {
  const deadline = performance.now() + timeout;
  let left = before;
  for (let pause = 20; left.virtual.length + left.prepared.length > 0; pause = Math.min(500, 2 * pause)) {
    if (performance.now() >= deadline) return left;
    call.onWait?.();
    await delay(Math.min(pause, Math.max(1, deadline - performance.now())), undefined, {
      signal: call.signal,
    });
    const now = await readInFlight(connection, pids, call);
    left = {
      virtual: left.virtual.filter((id) => now.virtual.includes(id)),
      prepared: left.prepared.filter((id) => now.prepared.includes(id)),
    };
  }
  return left;
}
