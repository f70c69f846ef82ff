import { AlluviumError, type Json, type Stream, type StreamContext, type StreamItem } from "@alluvium/core";
import { contentHash } from "@alluvium/core/state";
import type { Batch } from "@alluvium/core/columns";
import { columnCursorCodec, type ColumnCursor } from "@alluvium/core/cursor";
import type { ServerInfo } from "./catalogue.ts";
import { copyRanges } from "./copy-ranges.ts";
import {
  canonicalValue,
  findRange,
  trackCursor,
  windowConditions,
  type CursorTracker,
} from "./cursor-read.ts";
import type { CursorPlan } from "./cursor.ts";
import type { DescribedTable } from "./described.ts";
import { planRanges, type Range } from "./ranges.ts";
import type { ReaderPool } from "./readers.ts";
import type { Snapshot } from "./snapshot.ts";

/** What streams share. */
export interface StreamHost {
  readonly server: ServerInfo;
  readonly pool: ReaderPool;
  /** Connections that may read at once. */
  readonly connections: number;
  /** Runs `work` under the snapshot of the run, or under a new one when this attempt's predecessor failed. */
  under(stream: string, attempt: number, signal: AbortSignal): Promise<Lease>;
}

/** A snapshot in use. */
export interface Lease extends AsyncDisposable {
  readonly snapshot: Snapshot;
}

type Context = StreamContext<ColumnCursor>;

/** A table, view or query as a stream. */
export function createStream(table: DescribedTable, host: StreamHost): Stream<ColumnCursor> {
  const identity = table.cursor === undefined ? undefined : identityOf(table, host.server);
  return {
    name: table.name,
    tables: [table.description],
    cursor: columnCursorCodec,
    ...(identity === undefined ? {} : { identity }),
    read: (context) => read(table, host, context),
  };
}

/** What a cursor is bound to: the same cluster (its standbys included), database, table, column and selection of rows. */
function identityOf(table: DescribedTable, server: ServerInfo): Json {
  const what = table.relation === undefined ? table.from : `${table.relation.schema}.${table.relation.name}`;
  return {
    system: server.system ?? null,
    database: server.database,
    table: table.relation === undefined ? `query ${contentHash(what)}` : what,
    cursor: table.cursor!.name,
    ...(table.where === undefined ? {} : { where: table.where }),
  };
}

async function* read(
  table: DescribedTable,
  host: StreamHost,
  context: Context,
): AsyncGenerator<StreamItem<ColumnCursor>> {
  const { name, cursor } = table;
  await using lease = await host.under(name, context.attempt, context.signal);
  const { snapshot } = lease;
  context.emit({
    type: "streamStarted",
    time: Date.now(),
    stream: name,
    tables: [name],
    since: context.since?.value,
    attempt: context.attempt,
    snapshot: `${snapshot.id} at ${snapshot.time} UTC`,
    ...(context.since === undefined && table.relation !== undefined
      ? { expectedRows: table.relation.estimatedRows }
      : {}),
  });
  const nulled = new Map<string, number>();
  const copy = createCopier(table, host, context, snapshot, nulled);
  if (cursor === undefined) yield* copy([], true);
  else if (context.window !== undefined) yield* copy(windowConditions(cursor, context.window), true);
  else yield* readByCursor(table, cursor, host, context, snapshot, copy);
  for (const [column, count] of nulled)
    context.emit({
      type: "warning",
      time: Date.now(),
      code: "ALV_VALUE_UNREPRESENTABLE",
      table: name,
      message: `${name}, column "${column}": ${count} values that its type cannot hold became null (special: "null")`,
    });
}

type Copier = (
  conditions: readonly string[],
  ranges: boolean,
) => AsyncGenerator<{ table: string; batch: Batch; release: () => void }>;

/** Copies rows under conditions; `ranges`: over several connections where the table is large. */
function createCopier(
  table: DescribedTable,
  host: StreamHost,
  context: Context,
  snapshot: Snapshot,
  nulled: Map<string, number>,
): Copier {
  const { selection, cursor, relation } = table;
  const whole: Range = { from: table.from, where: undefined };
  const list = selection.columns.map(({ expression }) => expression).join(", ");
  return async function* (conditions, byRanges) {
    const single =
      !byRanges || context.limit !== undefined || relation === undefined || cursor?.order !== undefined;
    const ranges = single ? [whole] : planRanges(relation, host.server.version, host.connections);
    const selects = ranges.map(({ from, where }) => {
      const all = [where, table.where, ...conditions].filter((condition) => condition !== undefined);
      const order = cursor?.order === undefined ? "" : ` order by ${cursor.expression}`;
      const limit = context.limit === undefined ? "" : ` limit ${context.limit}`;
      return `select ${list} from ${from}${all.length > 0 ? ` where ${all.join(" and ")}` : ""}${order}${limit}`;
    });
    const batches = copyRanges({
      resource: table.name,
      selects,
      selection,
      policy: table.policy,
      snapshot,
      pool: host.pool,
      workers: Math.min(host.connections, selects.length),
      budget: context.budget,
      signal: context.signal,
      nulled,
    });
    for await (const { batch, release } of batches) yield { table: table.name, batch, release };
  };
}

async function* readByCursor(
  table: DescribedTable,
  cursor: CursorPlan,
  host: StreamHost,
  context: Context,
  snapshot: Snapshot,
  copy: Copier,
): AsyncGenerator<StreamItem<ColumnCursor>> {
  const { since, signal } = context;
  const call = { signal, resource: table.name };
  const range = await host.pool.use(snapshot, call, (connection) =>
    findRange(connection, table, cursor, snapshot, since, host.server.timeZone, call),
  );
  const { conditions, nulls, closedAt } = range!;
  const closed =
    closedAt === undefined ? undefined : await readValue(table, cursor, host, context, snapshot, closedAt);
  const tracker: CursorTracker = trackCursor(table, cursor, since, closed);
  if (conditions !== undefined)
    for await (const { batch, release } of copy(conditions, since === undefined)) {
      const taken = tracker.take(batch);
      if (taken.length === 0) continue;
      yield { table: table.name, batch: taken, release };
      const midway =
        cursor.order === undefined || context.limit !== undefined ? undefined : tracker.cursor(false);
      if (midway !== undefined) yield { checkpoint: midway };
    }
  if (nulls)
    for await (const { batch } of copy([`${cursor.expression} is null`], false)) {
      const taken = tracker.takeNulls(batch);
      if (taken.length > 0) yield { table: table.name, batch: taken };
    }
  if (context.limit !== undefined) return;
  const end = tracker.cursor(true) ?? since;
  if (end !== undefined) yield { checkpoint: end };
}

/** Reads one value of the cursor by the same path as all rows, for its canonical form. */
async function readValue(
  table: DescribedTable,
  cursor: CursorPlan,
  host: StreamHost,
  context: Context,
  snapshot: Snapshot,
  value: string,
): Promise<ReturnType<typeof canonicalValue>> {
  const column = table.selection.columns.find(({ field }) => field.name === cursor.name)!;
  const batches = copyRanges({
    resource: table.name,
    selects: [`select ${column.expression} from ${table.from} where ${cursor.expression} = ${value} limit 1`],
    selection: { columns: [column], schema: { fields: [column.field] } },
    policy: table.policy,
    snapshot,
    pool: host.pool,
    workers: 1,
    budget: context.budget,
    signal: context.signal,
    nulled: new Map(),
  });
  for await (const { batch } of batches) return canonicalValue(cursor, batch);
  throw new AlluviumError(
    "ALV_INTERNAL",
    `${table.name}: the cursor's greatest value ${value} vanished under its snapshot`,
  );
}
