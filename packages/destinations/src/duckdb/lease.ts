import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { AlluviumError } from "@alluvium/core";
import type { SqlDialect } from "../sql/dialect.ts";
import type { LeaseOptions, SqlConnection, SqlLease } from "../sql/engine.ts";

/**
 * Sessions of this process that hold a lease. A database file is open in one process only, so that the holder of a lease is one of these,
 * or dead.
 */
const holders = new Set<string>();

const LEASES = "_alv_leases";
const POLL = 50;

/** Makes the table of leases. */
export function leaseDefinition(dialect: SqlDialect): string {
  return `create table if not exists ${dialect.table(LEASES)} (pipeline varchar not null, lane varchar not null, owner varchar not null, primary key (pipeline, lane))`;
}

/** Takes the lease of a pipeline and lane: a row that says which session holds it. */
export async function takeLease(connection: SqlConnection, options: LeaseOptions): Promise<SqlLease> {
  const { context, wait, signal } = options;
  const { pipeline, lane } = context.pipeline;
  const table = connection.dialect.table(LEASES);
  const own = randomUUID();
  const holder = async (): Promise<string | undefined> => {
    const [row] = await connection.query({
      text: `select owner from ${table} where pipeline = $1 and lane = $2`,
      values: [pipeline, lane],
    });
    return row && String(row["owner"]);
  };
  const began = performance.now();
  let told = false;
  for (;;) {
    signal.throwIfAborted();
    const before = await holder();
    if (before === undefined || !holders.has(before)) {
      holders.add(own);
      if (await replace(connection, table, [pipeline, lane], before, own)) break;
      holders.delete(own);
      continue;
    }
    const waited = performance.now() - began;
    if (waited >= wait)
      throw new AlluviumError(
        "ALV_CONCURRENT_RUN",
        `another run of ${pipeline}/${lane} is active in this process: let it finish, or give this one a lane of its own`,
        { pipeline, step: "recover" },
      );
    if (!told) {
      told = true;
      context.emit({
        type: "waiting",
        reason: `another run of ${pipeline}/${lane} is active`,
        until: new Date(Date.now() + wait - waited),
        time: Date.now(),
      });
    }
    await sleep(Math.max(1, Math.min(POLL, wait - waited)), undefined, { signal }).catch(() => {});
  }
  return {
    check: async () => (await holder()) === own,
    async [Symbol.asyncDispose]() {
      // The row stays: its session is known no more.
      holders.delete(own);
    },
  };
}

async function replace(
  connection: SqlConnection,
  table: string,
  [pipeline, lane]: readonly [string, string],
  before: string | undefined,
  own: string,
): Promise<boolean> {
  try {
    const changed =
      before === undefined
        ? await connection.execute({
            text: `insert into ${table} (pipeline, lane, owner) values ($1, $2, $3) on conflict do nothing`,
            values: [pipeline, lane, own],
          })
        : await connection.execute({
            text: `update ${table} set owner = $3 where pipeline = $1 and lane = $2 and owner = $4`,
            values: [pipeline, lane, own, before],
          });
    return changed === 1;
  } catch (error) {
    if (AlluviumError.is(error) && error.code === "ALV_TABLE_CONFLICT") return false;
    throw error;
  }
}
