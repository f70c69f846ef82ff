import pLimit, { type LimitFunction } from "p-limit";
import type { Connector } from "./connect.ts";
import type { PgConnection } from "./connection.ts";
import { joinSnapshot, type Snapshot } from "./snapshot.ts";

/** Connections that read under snapshots, at most so many at once, kept for the next table that reads under the same one. */
export interface ReaderPool extends AsyncDisposable {
  /** Runs `work` with a connection in a transaction under the snapshot. A connection on which it failed is dropped. */
  use<Result>(
    snapshot: Snapshot,
    call: ReaderCall,
    work: (connection: PgConnection) => Promise<Result>,
  ): Promise<Result | undefined>;
  /** Runs `work` when a place is free, without a connection of the pool. */
  alone<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result>;
  /** Processes of the server that are ours. */
  readonly pids: readonly number[];
}

/** A call that waits for a connection. */
export interface ReaderCall {
  readonly signal: AbortSignal;
  readonly resource: string;
  /** Asked when a place is free: whether there is still something to do. */
  readonly needed?: () => boolean;
}

/** `connections`: at most so many at once. With a single connection it is the snapshot's own, for one thing at a time. */
export function createReaderPool(connector: Connector, connections: number): ReaderPool {
  const limit: LimitFunction = pLimit(connector.single ? 1 : connections);
  const idle: { readonly connection: PgConnection; readonly snapshot: Snapshot }[] = [];
  const open = new Set<PgConnection>();

  async function acquire(snapshot: Snapshot, call: ReaderCall): Promise<PgConnection> {
    for (;;) {
      const index = idle.findIndex((each) => each.snapshot === snapshot);
      if (index < 0) break;
      const [{ connection }] = idle.splice(index, 1) as [(typeof idle)[number]];
      if (connection.broken === undefined) return connection;
      await drop(connection);
    }
    // A connection of another snapshot is of no further use when there is no room for more.
    if (open.size >= connections && idle.length > 0) await drop(idle.shift()!.connection);
    const connection = await connector.open(call.signal);
    open.add(connection);
    try {
      await joinSnapshot(connection, snapshot, call);
    } catch (error) {
      await drop(connection);
      throw error;
    }
    return connection;
  }

  async function drop(connection: PgConnection): Promise<void> {
    open.delete(connection);
    await connection[Symbol.asyncDispose]();
  }

  /** Waits for a place, but not longer than until the signal aborts. */
  function whenFree<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      if (signal.aborted) return stop();
      signal.addEventListener("abort", stop, { once: true });
      limit(() => {
        signal.removeEventListener("abort", stop);
        signal.throwIfAborted();
        return work();
      }).then(resolve, reject);
    });
  }

  return {
    alone: whenFree,
    use: (snapshot, call, work) =>
      whenFree(call.signal, async () => {
        if (call.needed?.() === false) return undefined;
        if (connector.single) return work(snapshot.holder);
        const connection = await acquire(snapshot, call);
        try {
          const result = await work(connection);
          idle.push({ connection, snapshot });
          return result;
        } catch (error) {
          await drop(connection);
          throw error;
        }
      }),
    get pids() {
      return [...open].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    },
    async [Symbol.asyncDispose]() {
      idle.length = 0;
      await Promise.all([...open].map(drop));
    },
  };
}
