import { AlluviumError, type DestinationSession, type OpenContext, type PipelineState } from "@alluvium/core";
import type { SqlContext } from "./context.ts";
import { openDdl, type Ddl } from "./ddl.ts";
import type { SqlDatabase, SqlLease } from "./engine.ts";
import { discardTables, openLoad } from "./load.ts";
import { readLoads } from "./loads-table.ts";
import { systemTables } from "./names.ts";
import { openTable } from "./open-table.ts";
import { stateLost } from "./ownership.ts";
import { readParked, shownParked, type ParkedEntry } from "./parked.ts";
import { previewTables } from "./preview.ts";
import { openQueue } from "./queue.ts";
import { ownEntries } from "./registry.ts";
import { countRows } from "./count-rows.ts";
import { scanTable } from "./scan-table.ts";
import { refuseDead, type SessionState } from "./session-state.ts";
import { settleTable } from "./settle.ts";
import { newestLoad, readState } from "./state-row.ts";
import { createSystemTables } from "./system-schema.ts";
import { tableInfo } from "./table-info.ts";

/** How long a live run of another process is waited out unless a pipeline says otherwise, in milliseconds. */
const LEASE_WAIT = 20_000;

/**
 * Opens a session over any SQL database: the protocol of exactly once for destinations with transactions. Rows are staged first; one
 * transaction then takes the pipeline's state on, defines tables, folds the rows in, and records the load. Returns what a destination's
 * `open` is.
 */
export async function openSqlSession(database: SqlDatabase, open: OpenContext): Promise<DestinationSession> {
  const connection = await database.connect(open);
  try {
    const { dialect } = connection;
    let ddl: Promise<Ddl> | undefined;
    const definitions = (): Promise<Ddl> => (ddl ??= openDdl(dialect));
    return sessionOver({ name: database.name, open, connection, dialect, definitions, queue: openQueue() });
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
}

function sessionOver(context: SqlContext): DestinationSession {
  const { connection, queue, open } = context;
  let state: SessionState | undefined;
  let lease: SqlLease | undefined;
  const recovered = (): SessionState => {
    if (state !== undefined) return state;
    throw new AlluviumError("ALV_INTERNAL", "the session is used before `recover`");
  };
  return {
    recover: (options) =>
      queue(async () => {
        const readOnly = options?.readOnly === true;
        const signal =
          options?.signal === undefined ? open.signal : AbortSignal.any([open.signal, options.signal]);
        signal.throwIfAborted();
        if (!readOnly) {
          await createSystemTables(context);
          lease ??= await connection.lease({ context: open, wait: open.leaseWait ?? LEASE_WAIT, signal });
          await connection.sweep();
        }
        const found = readOnly ? await readExisting(context) : await readAll(context);
        state = {
          context,
          lease,
          newest: found.newest,
          parked: found.parked,
          tables: new Map(),
          restarted: new Set(),
          streams: new Map(),
          dead: undefined,
          noticed: performance.now(),
        };
        return found.newest && withParked(found.newest, found.parked);
      }),
    describe: (table) =>
      queue(async () => {
        const found = await connection.inspect(table);
        return found === undefined ? undefined : tableInfo(table, found);
      }),
    preview: (plan) => queue(() => previewTables(recovered(), plan)),
    scan: (table, options) => scanTable(context, table, options),
    query: (text, { table, first, signal: ending }) =>
      queue(() => {
        const ask = (query: string): ReturnType<typeof context.connection.query> =>
          context.connection.query({ text: query }, { signal: ending });
        return countRows(ask, text, { quoted: context.dialect.table(table), first });
      }),
    begin: (plan) =>
      queue(async () => {
        const session = recovered();
        refuseDead(session);
        for (const table of plan.tables) await openTable(session, table);
        return openLoad(session, plan);
      }),
    async *history(options) {
      yield* await queue(async () => {
        recovered();
        return (await connection.inspect(systemTables.loads)) === undefined
          ? []
          : readLoads(context, options?.limit);
      });
    },
    parked: () => Promise.resolve(recovered().parked.map(shownParked)),
    settle: (table, how) => queue(() => settleTable(recovered(), table, how)),
    async [Symbol.asyncDispose]() {
      await queue(async () => {
        if (state !== undefined) {
          await discardTables(state);
          state.dead ??= new AlluviumError("ALV_INTERNAL", "the session is disposed");
        }
        try {
          await lease?.[Symbol.asyncDispose]();
        } finally {
          await connection[Symbol.asyncDispose]();
        }
      });
    },
  };
}

interface Found {
  readonly newest: PipelineState | undefined;
  readonly parked: readonly ParkedEntry[];
}

async function readAll(context: SqlContext): Promise<Found> {
  const newest = await readState(context);
  if (newest === undefined) await refuseLostState(context);
  return { newest, parked: await readParked(context) };
}

/** Without making anything: a database that no pipeline has written has no tables of ours. */
async function readExisting(context: SqlContext): Promise<Found> {
  const { connection } = context;
  const there = (table: string): Promise<boolean> =>
    connection.inspect(table).then((found) => found !== undefined);
  return {
    newest: (await there(systemTables.state)) ? await readState(context) : undefined,
    parked: (await there(systemTables.parked)) ? await readParked(context) : [],
  };
}

/** A first run, or a state that was deleted? What is remembered of tables tells. */
async function refuseLostState(context: SqlContext): Promise<void> {
  const { adopt } = context.open;
  if (adopt === true || (Array.isArray(adopt) && adopt.length > 0)) return;
  for (const { table, tableId } of await ownEntries(context)) {
    if ((await context.connection.inspect(table))?.id !== tableId) continue;
    // Another run may have committed its first load since we looked.
    if ((await newestLoad(context)) !== undefined) return;
    throw stateLost(context, `table ${table} was written by this pipeline, but there is no state of it`);
  }
}

function withParked(state: PipelineState, parked: readonly ParkedEntry[]): PipelineState {
  if (parked.length === 0) return state;
  const tables = { ...state.tables };
  for (const { table, loadId, reason } of parked) {
    const known = tables[table];
    if (known !== undefined) tables[table] = { ...known, parked: { loadId, reason } };
  }
  return { ...state, tables };
}
