import { createHash } from "node:crypto";
import type { PgConnection, StatementOptions } from "./connection.ts";

/**
 * The number of an advisory lock for a name. These locks belong to the session at the server: they end with the connection or the process
 * behind it, and no clock is asked. Two names with one number would only wait for each other.
 *
 * Source: https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
 */
export function lockNumber(...name: readonly string[]): bigint {
  return createHash("sha256")
    .update(JSON.stringify(["alluvium", ...name]))
    .digest()
    .readBigInt64BE();
}

/** Takes a lock if nobody has it. */
export async function tryLock(
  connection: PgConnection,
  lock: bigint,
  options: StatementOptions = {},
): Promise<boolean> {
  const { rows } = await connection.query("select pg_try_advisory_lock($1) as taken", [lock], options);
  return rows[0]!["taken"] === "t";
}

/** Gives a lock back. */
export async function unlock(connection: PgConnection, lock: bigint): Promise<void> {
  await connection.query("select pg_advisory_unlock($1)", [lock]);
}
