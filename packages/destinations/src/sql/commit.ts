import { setTimeout as sleep } from "node:timers/promises";
import {
  AlluviumError,
  type LoadReceipt,
  type PipelineState,
  type SchemaChange,
  type TableReceipt,
} from "@alluvium/core";
import { applyChange, obstacle } from "./apply-change.ts";
import { refuseRepeatedKeys } from "./apply/repeated-keys.ts";
import { operationOf } from "./apply/rows.ts";
import type { SqlContext } from "./context.ts";
import { CommitUnknownError } from "./engine.ts";
import { putLoad } from "./loads-table.ts";
import { putParked, type ParkedEntry } from "./parked.ts";
import { keepChange } from "./parked-content.ts";
import { planChanges, type PlannedChange } from "./plan-changes.ts";
import { concurrent, refuseDead, type SessionState } from "./session-state.ts";
import { advanceState, idOf, newestLoad } from "./state-row.ts";

/** A load about to be committed. */
export interface OpenLoad {
  readonly loadId: string;
  readonly startedAt: Date;
  /** How tables differ from the load before. */
  readonly schemaChanges: ReadonlyMap<string, readonly SchemaChange[]>;
}

/** Another transaction got in the way this often before a load gives up. */
const ATTEMPTS = 6;

/** What a transaction did. */
interface Outcome {
  readonly receipt: LoadReceipt;
  readonly parked: readonly ParkedEntry[];
}

/**
 * Commits a load in one transaction: the state follows on the one that this session knows, or another run has won; then each table's
 * definition and rows, what is remembered of it, and the row of the load.
 */
export async function commitLoad(
  session: SessionState,
  load: OpenLoad,
  next: PipelineState,
  signal: AbortSignal,
): Promise<LoadReceipt> {
  refuseDead(session);
  signal.throwIfAborted();
  const { context, newest } = session;
  if (next.sequence !== (newest === undefined ? 0 : newest.sequence + 1))
    throw (session.dead = concurrent(context, `committed load ${newest?.sequence}`));
  const planned = await planChanges(session, load.schemaChanges);
  const refused = new Map<string, string>();
  for (;;) {
    try {
      const work = (): Promise<Outcome> => carryOut(session, load, next, planned, refused);
      const outcome = await inTransaction(session, next, signal, work);
      await noteCommitted(session, next, planned, outcome);
      return outcome.receipt;
    } catch (error) {
      // The transaction is gone with it; another one leaves the table out.
      const refusal = refusalIn(session, error, planned);
      if (refusal === undefined || refused.has(refusal.table)) throw error;
      refused.set(refusal.table, refusal.reason);
    }
  }
}

/** Rules of a table's own refuse its rows. */
class RefusedRowsError extends Error {
  override readonly name = "RefusedRowsError";
  readonly table: string;

  constructor(table: string, cause: unknown) {
    super(`table ${table} refuses rows`, { cause });
    this.table = table;
  }
}

/** The table whose own rules refuse rows, as far as an error of a load's transaction tells. */
function refusalIn(
  { context }: SessionState,
  error: unknown,
  planned: readonly PlannedChange[],
): { readonly table: string; readonly reason: string } | undefined {
  const isKnown = error instanceof RefusedRowsError;
  const refusal = context.connection.refusal(isKnown ? error.cause : error);
  if (refusal === undefined) return undefined;
  const table = isKnown ? error.table : refusal.table;
  if (table === undefined || planned.every(({ change }) => change.plan.table !== table)) return undefined;
  return { table, reason: `table ${table} refuses rows of this load: ${refusal.message}` };
}

/** Runs the transaction of a load: again where others got in the way, and to the truth where its answer was lost. */
export async function inTransaction<Result>(
  session: SessionState,
  next: PipelineState,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  const { connection } = session.context;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    let done: { readonly result: Result } | undefined;
    try {
      return await connection.transaction(async () => {
        const result = await work();
        done = { result };
        return result;
      });
    } catch (error) {
      if (error instanceof CommitUnknownError && done !== undefined) {
        await settleCommit(session, next, error);
        return (done as { readonly result: Result }).result;
      }
      if (AlluviumError.is(error) && error.code === "ALV_CONCURRENT_RUN") session.dead = error;
      const again = AlluviumError.is(error) && error.code === "ALV_TABLE_CONFLICT" && attempt < ATTEMPTS;
      if (!again) throw error;
      await sleep(Math.random() * 20 * 2 ** attempt, undefined, { signal }).catch(() => {});
    }
  }
}

/** Whether the commit whose answer was lost holds. Throws where it does not, or another run went on since. */
async function settleCommit(session: SessionState, next: PipelineState, cause: unknown): Promise<void> {
  const { context, newest } = session;
  const { staged } = await context.connection.settle();
  const found = await newestLoad(context);
  const broken = (what: string): AlluviumError =>
    new AlluviumError(
      "ALV_CONNECTION",
      `the connection broke while load ${next.loadId} was committed: ${what}`,
      {
        load: next.loadId,
        cause,
      },
    );
  if (found?.loadId === next.loadId) {
    if (!staged) session.dead = broken("it holds, but what was staged for the next load is lost. Run again");
    return;
  }
  if (found?.loadId !== newest?.loadId)
    throw (session.dead = concurrent(context, `committed load ${found?.sequence}`));
  const error = broken("it does not hold, and nothing of it is there. Run again");
  if (!staged) session.dead = error;
  throw error;
}

async function carryOut(
  session: SessionState,
  { loadId, startedAt }: OpenLoad,
  next: PipelineState,
  planned: readonly PlannedChange[],
  refused: ReadonlyMap<string, string>,
): Promise<Outcome> {
  const { context, newest } = session;
  if (!(await advanceState(context, newest, next))) throw concurrent(context, "committed a load first");
  const committedAt = new Date();
  const now = BigInt(committedAt.getTime()) * 1000n;
  const parked: ParkedEntry[] = [];
  const tables: TableReceipt[] = [];
  for (const { change } of planned) {
    const { plan } = change;
    const found = await context.connection.inspect(plan.table, { lock: true });
    const root = parked.find(({ table }) => table === plan.follows?.table);
    const reason =
      root === undefined
        ? (obstacle(change, found) ?? refused.get(plan.table))
        : `its rows belong to those of table ${root.table}, which is set aside`;
    if (reason === undefined) {
      try {
        await refuseRepeatedKeys(context, change, newest);
        tables.push(await applyChange(context, change, found, { state: next, now }));
      } catch (error) {
        throw context.connection.refusal(error) === undefined
          ? error
          : new RefusedRowsError(plan.table, error);
      }
      continue;
    }
    const content = await keepChange(context, change);
    const entry = {
      table: plan.table,
      stream: plan.stream,
      loadId,
      sequence: next.sequence,
      reason,
      content,
    };
    await putParked(context, entry);
    parked.push(entry);
    tables.push({
      table: plan.table,
      rows: change.staged.reduce((sum, { rows }) => sum + rows, 0),
      bytes: change.staged.reduce((sum, { segment }) => sum + segment.bytes, 0),
      files: 0,
      operation: operationOf(plan),
      parked: reason,
    });
  }
  await recordLoad(context, { loadId, startedAt, committedAt, sequence: next.sequence, tables });
  return { receipt: { loadId, sequence: next.sequence, committedAt, tables }, parked };
}

/** Adds the row of a load, in its transaction. */
export function recordLoad(
  context: SqlContext,
  load: LoadReceipt & { readonly startedAt: Date },
): Promise<void> {
  const [pipeline, lane] = idOf(context);
  return putLoad(context, { ...load, pipeline, lane, runId: context.open.runId });
}

async function noteCommitted(
  session: SessionState,
  next: PipelineState,
  planned: readonly PlannedChange[],
  { parked }: Outcome,
): Promise<void> {
  session.newest = next;
  session.parked = [...session.parked, ...parked];
  session.streams.clear();
  for (const { table, change } of planned) {
    await table.take(change.staged);
    if (parked.some((entry) => entry.table === table.name)) continue;
    if (table.restart !== undefined) session.restarted.add(table.name);
    table.restart = undefined;
    table.committed = change.schema;
    const { tableId } = table.target;
    const [pipeline, lane] = idOf(session.context);
    const { incarnation, sequence } = next;
    const entry = {
      table: table.name,
      pipeline,
      lane,
      tableId,
      stream: table.stream,
      incarnation,
      sequence,
      resync: false,
    };
    table.target = { tableId, create: false, identify: false, entry };
  }
}
