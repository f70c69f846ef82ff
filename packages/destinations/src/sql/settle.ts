import { AlluviumError, timeOrderedId, type PipelineState, type TableReceipt } from "@alluvium/core";
import { applyChange } from "./apply-change.ts";
import { inTransaction, recordLoad } from "./commit.ts";
import { names } from "./context.ts";
import type { SqlTable } from "./engine.ts";
import type { Target } from "./ownership.ts";
import { deleteParked, type ParkedEntry } from "./parked.ts";
import { dropKept, keptChange } from "./parked-content.ts";
import { deleteEntry, entriesOf, ownEntries, putEntry } from "./registry.ts";
import { concurrent, refuseDead, type SessionState } from "./session-state.ts";
import { advanceState } from "./state-row.ts";
import { knownSchema } from "./table-info.ts";

type How = "retry" | "skip" | "resync";

/**
 * Settles a parked table with a load of its own. `retry`: applies what was set aside, once more. `skip`: gives up the rows of that load
 * for that table. `resync`: forgets the stream's cursor; its next load replaces what its tables hold, also for a table that is not
 * parked (say, one that was dropped by hand).
 */
export async function settleTable(session: SessionState, table: string, how: How): Promise<void> {
  refuseDead(session);
  const { context, newest, parked } = session;
  const entry = parked.find((other) => other.table === table);
  const stream = entry?.stream ?? newest?.tables[table]?.stream;
  if (newest === undefined || stream === undefined || (entry === undefined && how !== "resync"))
    throw new AlluviumError(
      "ALV_CONFIG",
      `${how}("${table}"): there is no ${how === "resync" ? "table of this name in the state" : "parked table of this name"}; parked are ${parked.map((other) => other.table).join(", ") || "none"}`,
      { resource: table },
    );
  const startedAt = new Date();
  const loadId = timeOrderedId();
  const streams = { ...newest.streams };
  if (how === "resync") delete streams[stream];
  const next: PipelineState = { ...newest, sequence: newest.sequence + 1, loadId, streams };
  const settled = how === "resync" ? parked.filter((other) => other.stream === stream) : [entry!];
  const transaction = inTransaction(session, next, context.open.signal, async () => {
    if (!(await advanceState(context, newest, next))) throw concurrent(context, "committed a load first");
    const tables: TableReceipt[] = [];
    if (how === "retry") tables.push(await retry(session, entry!, next));
    if (how === "skip") await skip(session, entry!);
    if (how === "resync") await resync(session, stream);
    for (const each of settled) {
      await deleteParked(context, each.table);
      await dropKept(context, each.content);
    }
    await recordLoad(context, {
      loadId,
      startedAt,
      committedAt: new Date(),
      sequence: next.sequence,
      tables,
    });
  });
  try {
    await transaction;
  } catch (error) {
    const refusal = how === "retry" ? context.connection.refusal(error) : undefined;
    throw refusal === undefined ? error : stillParked(entry!, refusal.message, error);
  }
  session.newest = next;
  session.parked = parked.filter((other) => !settled.includes(other));
  session.tables.clear();
}

async function retry(
  { context, parked }: SessionState,
  entry: ParkedEntry,
  next: PipelineState,
): Promise<TableReceipt> {
  const found = await context.connection.inspect(entry.table, { lock: true });
  const kept = keptChange(context, entry.content);
  const root = parked.find(({ table }) => table === kept.plan.follows?.table);
  if (root !== undefined)
    throw new AlluviumError(
      "ALV_TABLE_PARKED",
      `the rows of table ${entry.table} belong to those of table ${root.table}, which is set aside too (${root.reason}): settle that one first`,
      { resource: entry.table, load: entry.loadId },
    );
  const target = await retryTarget({ context }, entry, found);
  const change = { ...kept, target, before: found && knownSchema(found) };
  const now = BigInt(Date.now()) * 1000n;
  const receipt = await applyChange(context, change, found, { state: next, now });
  return { ...receipt, operation: "retry" };
}

async function retryTarget(
  { context }: Pick<SessionState, "context">,
  parked: ParkedEntry,
  found: SqlTable | undefined,
): Promise<Target> {
  const { table } = parked;
  const entries = await entriesOf(context, table);
  const [pipeline, lane] = [context.open.pipeline.pipeline, context.open.pipeline.lane];
  const entry = entries.find((other) => other.pipeline === pipeline && other.lane === lane);
  // Without an entry it was to be created by that very load.
  if (found === undefined && entry === undefined)
    return { tableId: crypto.randomUUID(), create: true, identify: true, entry: undefined };
  if (found !== undefined && entry !== undefined && found.id === entry.tableId)
    return { tableId: entry.tableId, create: false, identify: false, entry };
  if (found !== undefined && names(context.open.adopt, table))
    return {
      tableId: found.id ?? crypto.randomUUID(),
      create: false,
      identify: found.id === undefined,
      entry: undefined,
    };
  throw stillParked(parked, parked.reason);
}

function stillParked({ table, loadId }: ParkedEntry, reason: string, cause?: unknown): AlluviumError {
  return new AlluviumError(
    "ALV_TABLE_PARKED",
    `table ${table} still cannot take load ${loadId} (${reason}): mend that and retry (with adopt: ["${table}"] where it was put back by hand), or use skip or resync`,
    { resource: table, load: loadId, cause },
  );
}

/** A table that is not there (never created, or dropped) is created anew by its next load. */
async function skip({ context }: SessionState, { table }: ParkedEntry): Promise<void> {
  if ((await context.connection.inspect(table)) === undefined) await deleteEntry(context, table);
}

async function resync({ context }: SessionState, stream: string): Promise<void> {
  for (const entry of await ownEntries(context))
    if (entry.stream === stream) await putEntry(context, { ...entry, resync: true });
}
