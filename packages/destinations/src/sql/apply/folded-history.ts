import type { Field, RowCounts } from "@alluvium/core";
import {
  concatBatches,
  takeBatch,
  takeVector,
  type Batch,
  type FixedVector,
  type Vector,
} from "@alluvium/core/columns";
import {
  ACTIVE,
  combineRows,
  foldHistory,
  keepChanged,
  NO_ROW,
  versionTimes,
  type Changelog,
  type FoldedHistory,
  type Versions,
} from "@alluvium/core/merge";
import type { SqlSegment } from "../engine.ts";
import { equalColumns, nameList } from "../standard.ts";
import { nullable, withFields } from "../staged-changes.ts";
import { readChangelog, readPositions } from "./change-log.ts";
import { orderField } from "./fold.ts";
import type { HistoryContext } from "./history.ts";
import {
  dropQuietly,
  emptyBatch,
  int64Vector,
  readStored,
  storedOf,
  withKeys,
  type FoundRows,
} from "./stored.ts";

const instant = { kind: "timestamp", zone: "utc" } as const;

/**
 * A history whose changes depend on more than the row before them (cells that are not held, moved keys, truncates, an order, times of their
 * own): folded outside of the database, as core does. The load's rows of this table are in memory meanwhile.
 */
export async function foldedHistory(parts: HistoryContext): Promise<RowCounts> {
  const { context, change, keys, empty } = parts;
  const changelog = await readChangelog(context, change);
  return withKeys(context, keys, changelog, async (relation) => {
    const active = empty ? noActive(parts, changelog) : await readActive(parts, changelog, relation);
    const order = orderField(change.plan, change.schema.fields);
    const since = BigInt64Array.from(active.rowOf, (row) =>
      row < 0 ? ACTIVE : ((columnOf(active.rows, parts.validity.from) as FixedVector).values[row] as bigint),
    );
    const stored = { ...storedOf(active, order), since };
    const folded = foldHistory(changelog, stored);
    const rows = await eventRows(parts, folded, active);
    const compared = parts.compared.map(({ name }) => name);
    const keep = keepChanged(folded, only(rows, compared), only(active.rows, compared), active.rowOf);
    const versions = versionTimes(folded, keep, changelog, parts.boundary, stored);
    const truncated = folded.truncated ? await endOthers(parts, relation) : 0;
    await endVersions(parts, changelog, versions);
    await beginVersions(parts, folded, versions, rows);
    return { ...versions.counts, deleted: versions.counts.deleted + truncated };
  });
}

function readActive(
  { context, change, keys, own, validity }: HistoryContext,
  changelog: Changelog,
  relation: string,
): Promise<FoundRows> {
  const from: Field = { name: validity.from, type: instant, nullable: true };
  return readStored(context, {
    table: change.plan.table,
    keys,
    relation,
    size: changelog.keys.size,
    columns: [...own, from],
    where: `t.${context.dialect.quote(validity.active)}`,
  });
}

function noActive({ own, validity }: HistoryContext, changelog: Changelog): FoundRows {
  const from: Field = { name: validity.from, type: instant, nullable: true };
  return {
    rowOf: new Int32Array(changelog.keys.size).fill(-1),
    rows: emptyBatch(nullable({ fields: [...own, from] })),
  };
}

/** The rows of all events that have one, in the order of events. */
async function eventRows(
  { context, change, own }: HistoryContext,
  { rows: events, combined }: FoldedHistory,
  active: FoundRows,
): Promise<Batch> {
  const needed = new Set([...events.filter((row) => row >= 0), ...combined.positions]);
  const names = own.map(({ name }) => name);
  const kept: Batch[] = [];
  const places = new Map<number, number>();
  for await (const { batch, positions } of readPositions(context, change, (position) =>
    needed.has(position),
  )) {
    for (const position of positions) places.set(position, places.size);
    const { length } = batch;
    const changes = batch.changes ?? { ops: new Uint8Array(length), ordinals: new BigInt64Array(length) };
    kept.push(only({ ...batch, changes }, names));
  }
  if (kept.length === 0) return emptyBatch(nullable({ fields: own }));
  const all = concatBatches(kept);
  const baseRows = Int32Array.from(combined.bases, (entry) => (entry < 0 ? -1 : active.rowOf[entry]!));
  const parts = takeBatch(
    all,
    Int32Array.from(combined.positions, (position) => places.get(position)!),
  );
  const made =
    combined.length === 0 ? undefined : combineRows(combined, parts, only(active.rows, names), baseRows);
  const plain: Batch = { schema: all.schema, length: all.length, columns: all.columns };
  const both = made === undefined ? plain : concatBatches([plain, { ...made, schema: all.schema }]);
  const indexes: number[] = [];
  for (const row of events) if (row !== NO_ROW) indexes.push(row >= 0 ? places.get(row)! : all.length + ~row);
  return takeBatch(both, Int32Array.from(indexes));
}

async function endVersions(parts: HistoryContext, changelog: Changelog, { ended }: Versions): Promise<void> {
  const entries: number[] = [];
  for (let entry = 0; entry < ended.length; entry++) if (ended[entry] !== ACTIVE) entries.push(entry);
  if (entries.length === 0) return;
  const { context, keys, validity, table } = parts;
  const { connection, dialect } = context;
  const time: Field = { name: "_alv_time", type: { kind: "int64" }, nullable: false };
  const columns = changelog.keys.keys();
  const indexes = Int32Array.from(entries);
  await staged(
    parts,
    [...keys, time],
    [
      ...columns.map((column) => takeVector(column, indexes)),
      int64Vector(BigInt64Array.from(entries, (entry) => ended[entry]!)),
    ],
    async ({ relation }) => {
      await connection.execute({
        text: `update ${table} as t set ${dialect.quote(validity.to)} = ${dialect.fromMicros("s._alv_time")}, ${dialect.quote(validity.active)} = false from ${relation} as s where ${equalColumns(keys)} and t.${dialect.quote(validity.active)}`,
      });
    },
  );
}

async function beginVersions(
  parts: HistoryContext,
  { rows: events }: FoldedHistory,
  { events: begun, from, to }: Versions,
  rows: Batch,
): Promise<void> {
  if (begun.length === 0) return;
  const { context, own, validity, table } = parts;
  const { connection, dialect } = context;
  // The number of each event among those that have a row.
  const places = new Int32Array(events.length);
  for (let event = 0, at = 0; event < events.length; event++) {
    places[event] = at;
    if (events[event] !== NO_ROW) at += 1;
  }
  const taken = takeBatch(
    rows,
    Int32Array.from(begun, (event) => places[event]!),
  );
  const until: Field = { name: "_alv_until", type: { kind: "int64" }, nullable: true };
  const since: Field = { name: "_alv_time", type: { kind: "int64" }, nullable: false };
  const ends = takeVector(
    int64Vector(to),
    Int32Array.from(to, (time, i) => (time === ACTIVE ? -1 : i)),
  );
  await staged(
    parts,
    [...nullable({ fields: own }).fields, since, until],
    [...taken.columns, int64Vector(from), ends],
    async ({ relation }) => {
      const columns = [...own.map(({ name }) => name), validity.from, validity.to, validity.active];
      await connection.execute({
        text: `insert into ${table} (${columns.map((name) => dialect.quote(name)).join(", ")}) select ${nameList(own, "s.")}, ${dialect.fromMicros("s._alv_time")}, ${dialect.fromMicros("s._alv_until")}, s._alv_until is null from ${relation} as s`,
      });
    },
  );
}

/** After a truncate the active versions of keys end that the load does not name. */
async function endOthers(
  { context, keys, validity, table, boundary, empty }: HistoryContext,
  relation: string,
): Promise<number> {
  if (empty) return 0;
  const { connection, dialect } = context;
  return connection.execute({
    text: `update ${table} as t set ${dialect.quote(validity.to)} = ${dialect.fromMicros(`cast(${boundary} as bigint)`)}, ${dialect.quote(validity.active)} = false where t.${dialect.quote(validity.active)} and not exists (select 1 from ${relation} as s where ${equalColumns(keys)})`,
  });
}

async function staged(
  { context }: HistoryContext,
  fields: readonly Field[],
  columns: readonly Vector[],
  work: (segment: SqlSegment) => Promise<void>,
): Promise<void> {
  const segment = await context.connection.stage(withFields({ fields: [] }, fields));
  try {
    await segment.append({ schema: segment.schema, length: columns[0]!.length, columns });
    await segment.seal();
    await work(segment);
  } finally {
    await dropQuietly(segment);
  }
}

function columnOf({ schema, columns }: Batch, name: string): Vector {
  return columns[schema.fields.findIndex((field) => field.name === name)]!;
}

function only(batch: Batch, names: readonly string[]): Batch {
  const at = names.map((name) => batch.schema.fields.findIndex((field) => field.name === name));
  const { changes, length, schema, columns } = batch;
  return {
    schema: { fields: at.map((i) => schema.fields[i]!) },
    length,
    columns: at.map((i) => columns[i]!),
    ...(changes && {
      changes: { ...changes, unchanged: changes.unchanged && at.map((i) => changes.unchanged![i]) },
    }),
  };
}
