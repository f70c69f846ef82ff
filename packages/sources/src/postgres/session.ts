import { AlluviumError, type SourceContext, type SourceSession } from "@alluvium/core";
import { listRelations, listSchemas, readServer, type ServerInfo } from "./catalogue.ts";
import { createConnector, type Connector } from "./connect.ts";
import type { PgConnection } from "./connection.ts";
import { describeTables, type DescribedTable, type Readable } from "./described.ts";
import { checkOptions, type CheckedOptions } from "./options.ts";
import { createReaderPool, type ReaderPool } from "./readers.ts";
import type { SessionSettings } from "./settings.ts";
import { takeSnapshot, type Snapshot, type ToSettle } from "./snapshot.ts";
import { relationName } from "./sql.ts";
import { createStream, type Lease } from "./stream.ts";
import { chooseTables, schemasOf } from "./tables.ts";

/** Opens the source: connects, finds out what there is, and takes the snapshot that all tables are read under. */
export async function openSession(options: CheckedOptions, context: SourceContext): Promise<SourceSession> {
  checkOptions(options);
  const { signal } = context;
  const connector = createConnector(options);
  const { connections = 4 } = options;
  const pool = createReaderPool(connector, connections);
  const first = await connector.open(signal);
  try {
    await refuseOpenTransaction(first, signal);
    const server = await readServer(first, { signal });
    const readables = await chooseReadables(first, options, context);
    const keeper = createKeeper({ connector, pool, server, readables, options, context });
    const tables = await keeper.open(first);
    return {
      streams: tables.map((table) =>
        createStream(table, {
          server,
          pool,
          connections: connector.single ? 1 : connections,
          under: (stream, attempt, streamSignal) => keeper.lease(stream, attempt, streamSignal),
        }),
      ),
      async [Symbol.asyncDispose]() {
        await pool[Symbol.asyncDispose]();
        await keeper[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await pool[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    throw error;
  }
}

/** A client of the user's may be in a transaction, which we would end. In one, `now()` is older than the statement. */
async function refuseOpenTransaction(connection: PgConnection, signal: AbortSignal): Promise<void> {
  if (connection.info.ownership === "opened") return;
  await connection.query("select 1", { signal });
  const [row] = await connection.query<{ outside: string }>(
    "select (now() = statement_timestamp())::text as outside",
    {
      signal,
    },
  );
  if (row!.outside === "true") return;
  throw new AlluviumError(
    "ALV_CONFIG",
    "postgres: the client is inside a transaction; commit or roll it back first, because reading needs one of its own",
    { step: "open" },
  );
}

async function chooseReadables(
  connection: PgConnection,
  options: CheckedOptions,
  { only, signal }: SourceContext,
): Promise<readonly Readable[]> {
  const schemas = await listSchemas(connection, { signal });
  const relations = await listRelations(connection, schemasOf(options), { signal });
  const queries: readonly Readable[] = Object.entries(options.queries ?? {}).map(
    ([name, { sql, ...rest }]) => ({
      name,
      sql,
      options: rest,
    }),
  );
  const all = [...chooseTables(options, relations, schemas), ...queries];
  const names = all.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new AlluviumError(
      "ALV_NAME_COLLISION",
      `postgres: a table and a query are both called "${twice}"`,
      {
        resource: twice,
        step: "open",
      },
    );
  // A name that does not exist is for the run to refuse, which then sees all there are.
  return only === undefined || only.some((name) => !names.includes(name))
    ? all
    : all.filter(({ name }) => only.includes(name));
}

interface KeeperOptions {
  readonly connector: Connector;
  readonly pool: ReaderPool;
  readonly server: ServerInfo;
  readonly readables: readonly Readable[];
  readonly options: CheckedOptions;
  readonly context: SourceContext;
}

/** Keeps the snapshot of the run, and takes a new one for a table whose copy broke. */
interface Keeper extends AsyncDisposable {
  open(first: PgConnection): Promise<readonly DescribedTable[]>;
  lease(stream: string, attempt: number, signal: AbortSignal): Promise<Lease>;
}

function createKeeper({ connector, pool, server, readables, options, context }: KeeperOptions): Keeper {
  const settings: SessionSettings = {
    statementTimeout: options.statementTimeout ?? 0,
    lockTimeout: options.lockTimeout ?? 30_000,
    rowSecurity: options.rowSecurity ?? false,
    version: server.version,
  };
  const lock = readables.flatMap((readable) =>
    "relation" in readable && readable.relation.readable && ["r", "p", "v"].includes(readable.relation.kind)
      ? [relationName(readable.relation)]
      : [],
  );
  /** Leases of each snapshot that is held. */
  const held = new Map<Snapshot, number>();
  const usedBy = new Map<string, Snapshot>();
  let tables: readonly DescribedTable[] = [];
  let current: Snapshot | undefined;
  let coming: Promise<Snapshot> | undefined;

  async function take(holder: PgConnection, signal: AbortSignal): Promise<Snapshot> {
    const followers = tables.filter(({ cursor }) => cursor !== undefined);
    const snapshot = await takeSnapshot(holder, {
      server,
      settings,
      lock,
      settle: followers.filter(mustSettle).map(({ name, cursor, from, where }): ToSettle => ({
        stream: name,
        cursor: cursor!,
        from,
        where: where === undefined ? [] : [where],
      })),
      settleTimeout: options.settleTimeout ?? 30_000,
      needsHorizon: followers.some(({ cursor }) => cursor!.isTime),
      pids: [
        ...pool.pids,
        ...[...held.keys()].flatMap(({ holder: { pid } }) => (pid === undefined ? [] : [pid])),
      ],
      signal,
      onWait: (reason) => context.emit({ type: "waiting", time: Date.now(), reason }),
    });
    held.set(snapshot, 0);
    current = snapshot;
    return snapshot;
  }

  async function renew(signal: AbortSignal): Promise<Snapshot> {
    const former = current;
    current = undefined;
    const again = async (): Promise<Snapshot> => {
      if (former !== undefined) await letGo(former);
      const holder = connector.single ? former!.holder : await connector.open(signal);
      if (connector.single) await holder.query("rollback", { signal });
      try {
        return await take(holder, signal);
      } catch (error) {
        await holder[Symbol.asyncDispose]();
        throw error;
      }
    };
    return connector.single ? pool.alone(signal, again) : again();
  }

  /** Ends the transaction of a snapshot that is neither the current one nor in use. */
  async function letGo(snapshot: Snapshot): Promise<void> {
    if (snapshot === current || (held.get(snapshot) ?? 0) > 0 || !held.has(snapshot)) return;
    held.delete(snapshot);
    if (!connector.single) await snapshot.holder[Symbol.asyncDispose]();
  }

  return {
    async open(first) {
      const call = { signal: context.signal };
      // Cursors must be known before the snapshot; the rest is described under it, when nobody can alter the tables any more.
      if (readables.some((readable) => readable.options.cursor !== undefined))
        tables = await describeTables(first, server, readables, options, call);
      await take(first, context.signal);
      tables = await describeTables(first, server, readables, options, call);
      return tables;
    },
    async lease(stream, attempt, signal) {
      const failed = attempt > 1 && usedBy.get(stream) === current;
      if (coming !== undefined) await coming.catch(() => {});
      let snapshot = current;
      if (
        snapshot === undefined ||
        snapshot.holder.broken !== undefined ||
        (failed && usedBy.get(stream) === snapshot)
      ) {
        coming ??= renew(signal).finally(() => (coming = undefined));
        snapshot = await coming;
      }
      usedBy.set(stream, snapshot);
      held.set(snapshot, (held.get(snapshot) ?? 0) + 1);
      return {
        snapshot,
        async [Symbol.asyncDispose]() {
          held.set(snapshot, held.get(snapshot)! - 1);
          await letGo(snapshot);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...held.keys()].map(({ holder }) => holder[Symbol.asyncDispose]()));
      held.clear();
    },
  };
}

/** A cursor that is no time, and has no lag, is settled: see `snapshot.ts`. */
function mustSettle({ cursor }: DescribedTable): boolean {
  return cursor !== undefined && !cursor.isTime && cursor.lag === undefined;
}
