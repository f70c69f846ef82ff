import { setTimeout as sleep } from "node:timers/promises";
import { AlluviumError } from "@alluvium/core";
import type { LeaseOptions, SqlLease } from "../sql/engine.ts";
import { lockNumber, tryLock, unlock } from "./advisory-lock.ts";
import type { PgConnection } from "./connection.ts";

/** Milliseconds until the second look at a lease that another run holds: one whose process died is free at once. Each pause is twice as long. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 500;

/** A lease that moves to another connection when its own broke. */
export interface Lease extends SqlLease {
  /** Takes it again on a new connection, where nobody else did meanwhile. */
  renew(): Promise<void>;
}

/** Takes the lease of a pipeline and lane: an advisory lock. `connection` gives the one that is in use. */
export async function takeLease(
  connection: () => PgConnection,
  schema: string,
  { context, wait, signal }: LeaseOptions,
): Promise<Lease> {
  const { pipeline, lane } = context.pipeline;
  const lock = lockNumber("lease", schema, pipeline, lane);
  const began = performance.now();
  let told = false;
  let pause = FIRST_PAUSE;
  while (!(await tryLock(connection(), lock, { signal, step: "recover" }))) {
    const waited = performance.now() - began;
    if (waited >= wait)
      throw new AlluviumError(
        "ALV_CONCURRENT_RUN",
        `another run of ${pipeline}/${lane} is active${await holder(connection(), lock)}: let it finish, or give this one a lane of its own`,
        { pipeline, step: "recover" },
      );
    if (!told) {
      told = true;
      context.emit({
        type: "waiting",
        reason: `another run of ${pipeline}/${lane} is active`,
        until: new Date(Date.now() + wait),
        time: Date.now(),
      });
    }
    await sleep(Math.max(1, Math.min(pause, wait - waited)), undefined, { signal }).catch(() => {});
    pause = Math.min(2 * pause, LONGEST_PAUSE);
    signal.throwIfAborted();
  }
  let held = connection();
  let ours = true;
  return {
    async check() {
      return ours && held === connection() && held.broken === undefined;
    },
    async renew() {
      held = connection();
      ours &&= await tryLock(held, lock);
    },
    async [Symbol.asyncDispose]() {
      if (ours && held.broken === undefined) await unlock(held, lock).catch(() => {});
      ours = false;
    },
  };
}

/** Who holds a lock, for people. */
async function holder(connection: PgConnection, lock: bigint): Promise<string> {
  try {
    const { rows } = await connection.query(
      `select a.pid::text, a.application_name as name, host(a.client_addr) as host
         from pg_locks l join pg_stat_activity a using (pid)
        where l.locktype = 'advisory' and l.granted and l.objsubid = 1
          and l.database = (select oid from pg_database where datname = current_database())
          and (l.classid::int8 << 32 | l.objid::int8) = $1::int8`,
      [lock],
    );
    const [found] = rows;
    if (found === undefined) return "";
    return ` (process ${found["pid"]} of the server, ${found["name"] ?? ""} from ${found["host"] ?? "its machine"})`;
  } catch {
    return "";
  }
}
