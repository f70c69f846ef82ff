import { setTimeout as sleep } from "node:timers/promises";
import { AlluviumError } from "@alluvium/core";
import type { Connector } from "./connect.ts";
import type { Backend, PgConnection } from "./connection.ts";

/** Milliseconds between two looks at a process that is to end. */
const POLL = 50;

/**
 * A new connection in place of one that broke with a COMMIT under way: it is given back only when the old process of the server has ended, so
 * that what is read from then on is what holds. Where the process does not end in `patience` milliseconds, `ALV_TIMEOUT`.
 */
export async function replaceConnection(
  connector: Connector,
  old: PgConnection,
  patience: number,
): Promise<PgConnection> {
  old.destroy(new Error("Connection terminated: the answer to COMMIT was lost"));
  const deadline = performance.now() + patience;
  if (connector.single)
    throw new AlluviumError(
      "ALV_CONNECTION",
      `PostgreSQL at ${old.info.server}: the connection broke at a COMMIT, so that it is not known whether the load is committed, and there is no other connection to find out over: the next run does. With url or connect instead of client this is settled at once`,
      { step: "commit", retryable: false },
    );
  const connection = await openAgain(connector, deadline);
  try {
    await endBackend(connection, old.backend, deadline, patience);
    return connection;
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
}

/** A server that restarts needs a moment. */
async function openAgain(connector: Connector, deadline: number): Promise<PgConnection> {
  for (;;) {
    try {
      return await connector.open(AbortSignal.timeout(Math.max(1, Math.ceil(deadline - performance.now()))));
    } catch (error) {
      if (performance.now() + 10 * POLL >= deadline || !AlluviumError.is(error) || !error.retryable)
        throw error;
      await sleep(10 * POLL);
    }
  }
}

async function endBackend(
  connection: PgConnection,
  { pid, started }: Backend,
  deadline: number,
  patience: number,
): Promise<void> {
  for (;;) {
    const { rows } = await connection.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where pid = $1::int and ($2::text is null or extract(epoch from backend_start)::text = $2) and pid <> pg_backend_pid()`,
      [pid, started],
      { step: "commit" },
    );
    if (rows.length === 0) return;
    if (performance.now() >= deadline)
      throw new AlluviumError(
        "ALV_TIMEOUT",
        `PostgreSQL at ${connection.info.server}: process ${pid}, whose COMMIT was not answered, has not ended in ${patience / 1000} s, so that it is not known whether the load is committed: the next run finds out`,
        { step: "commit", retryable: false },
      );
    await sleep(POLL);
  }
}
