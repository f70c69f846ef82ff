import { setTimeout as sleep } from "node:timers/promises";
import { AlluviumError, type OpenContext } from "@alluvium/core";
import type { OwnedConnection } from "./connection.ts";
import { loadDriver, type DuckDBInstance } from "./driver.ts";
import { duckdbError } from "./errors.ts";
import type { CheckedOptions } from "./options.ts";

/** Extensions are downloaded, and loaded, only when somebody asks for them. */
const quiet = { autoinstall_known_extensions: "false", autoload_known_extensions: "false" } as const;

const POLL = 250;

/** A connection for one session. Only what is opened here is closed. */
export async function openConnection(
  options: CheckedOptions,
  context: Pick<OpenContext, "signal" | "leaseWait">,
): Promise<OwnedConnection> {
  const { path, instance, connection, connect, config } = options;
  if (connection !== undefined) return { connection, close: () => Promise.resolve() };
  if (connect !== undefined) {
    const made = await connect();
    return { connection: made, close: async () => made.closeSync() };
  }
  const opened = instance ?? (await openFile(path!, { ...quiet, ...config }, context));
  const own = await opened.connect();
  return {
    connection: own,
    async close() {
      own.closeSync();
      if (instance === undefined) opened.closeSync();
    },
  };
}

/** Opens a database file; one that another process has open is waited for as long as a live run would be. */
async function openFile(
  path: string,
  config: Readonly<Record<string, string>>,
  { signal, leaseWait = 20_000 }: Pick<OpenContext, "signal" | "leaseWait">,
): Promise<DuckDBInstance> {
  const { DuckDBInstance: driver } = await loadDriver();
  const until = performance.now() + leaseWait;
  for (;;) {
    signal.throwIfAborted();
    try {
      // From the cache: two sessions of this process share one database.
      return await driver.fromCache(path, config);
    } catch (error) {
      const known = duckdbError(error, `open ${path}`);
      const locked = AlluviumError.is(known) && known.code === "ALV_CONNECTION";
      if (!locked || performance.now() >= until) throw known;
      await sleep(POLL, undefined, { signal }).catch(() => {});
    }
  }
}
