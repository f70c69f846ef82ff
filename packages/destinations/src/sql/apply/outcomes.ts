import type { RowCounts, Schema } from "@alluvium/core";
import {
  concatBatches,
  constantVector,
  nullVector,
  takeBatch,
  takeVector,
  type Batch,
} from "@alluvium/core/columns";
import {
  combineRows,
  foldRows,
  KeyAction,
  storedNeeds,
  type Changelog,
  type FoldedRows,
} from "@alluvium/core/merge";
import type { SqlContext } from "../context.ts";
import type { SqlSegment } from "../engine.ts";
import { keyFields } from "../pending-table.ts";
import { nameList } from "../standard.ts";
import { nullable, withFields } from "../staged-changes.ts";
import type { TableChange } from "./change.ts";
import { readChangelog, readPositions } from "./change-log.ts";
import { orderField } from "./fold.ts";
import { dropQuietly, emptyBatch, readStored, storedOf, withKeys, type FoundRows } from "./stored.ts";

/**
 * Folds changes that depend on the rows which they find (cells that are not held, keys that moved) outside of the database, as core
 * does: `put` gets a relation of one row for each key, with the table's columns and `_alv_delete`.
 */
export async function withOutcomes(
  context: SqlContext,
  change: TableChange,
  put: (source: string, deletes: boolean) => Promise<RowCounts>,
): Promise<RowCounts> {
  const { schema } = change;
  const changelog = await readChangelog(context, change);
  const segment = await context.connection.stage(withFields(nullable(schema), [deleteField]));
  try {
    await stageOutcomes(context, change, changelog, segment);
    await segment.seal();
    const columns = `${nameList(schema.fields, "o.")}, o._alv_delete`;
    return await put(`(select ${columns} from ${segment.relation} as o)`, true);
  } finally {
    await dropQuietly(segment);
  }
}

const deleteField = { name: "_alv_delete", type: { kind: "boolean" }, nullable: false } as const;

async function stageOutcomes(
  context: SqlContext,
  change: TableChange,
  changelog: Changelog,
  segment: SqlSegment,
): Promise<void> {
  const { plan, schema, target, restart } = change;
  const keys = keyFields(plan, schema);
  const { disposition } = plan;
  const strategy =
    disposition.kind === "merge" && disposition.strategy !== "scd2" ? disposition.strategy : "upsert";
  const order = orderField(plan, schema.fields);
  const { size } = changelog.keys;
  const { cells } = storedNeeds(changelog, strategy);
  let [known, bases] = [nothing(schema, size), nothing(schema, size)];
  // What restarts is empty by now; a new table too.
  if (!target.create && restart === undefined && strategy !== "deleteInsert")
    [known, bases] = await withKeys(context, keys, changelog, async (relation) => {
      const common = { table: plan.table, keys, relation, size };
      return [
        await readStored(context, { ...common, columns: order === undefined ? [] : [order] }),
        cells.length === 0
          ? nothing(schema, size)
          : await readStored(context, { ...common, columns: schema.fields, entries: cells }),
      ];
    });
  const folded = foldRows(changelog, strategy, storedOf(known, order));
  await appendDeletes(segment, change, changelog, folded);
  const parts = await appendWhole(context, change, folded, segment);
  const { combined } = folded;
  if (combined.length === 0) return;
  const baseRows = Int32Array.from(combined.bases, (entry) => (entry < 0 ? -1 : bases.rowOf[entry]!));
  await append(segment, combineRows(combined, parts, bases.rows, baseRows), false);
}

/** Keys whose rows go. */
async function appendDeletes(
  segment: SqlSegment,
  { plan, schema }: TableChange,
  changelog: Changelog,
  { actions }: FoldedRows,
): Promise<void> {
  const entries: number[] = [];
  for (let entry = 0; entry < actions.length; entry++)
    if (actions[entry] === KeyAction.delete) entries.push(entry);
  if (entries.length === 0) return;
  const indexes = Int32Array.from(entries);
  const columns = changelog.keys.keys();
  await append(
    segment,
    {
      schema: nullable(schema),
      length: entries.length,
      columns: schema.fields.map(({ name, type }) => {
        const at = plan.primaryKey.indexOf(name);
        return at < 0 ? nullVector(type, entries.length) : takeVector(columns[at]!, indexes);
      }),
    },
    true,
  );
}

/** Rows that are put as they came; returns those that others are made of, in the order that {@link combineRows} wants. */
async function appendWhole(
  context: SqlContext,
  change: TableChange,
  { actions, rows, combined }: FoldedRows,
  segment: SqlSegment,
): Promise<Batch> {
  const whole = new Set<number>();
  for (let entry = 0; entry < actions.length; entry++)
    if (actions[entry] === KeyAction.put && rows[entry]! >= 0) whole.add(rows[entry]!);
  const needed = new Set(combined.positions);
  const kept: Batch[] = [];
  const places = new Map<number, number>();
  for await (const { batch, positions } of readPositions(
    context,
    change,
    (position) => whole.has(position) || needed.has(position),
  )) {
    const put = pick(positions, (position) => whole.has(position));
    if (put.length > 0) await append(segment, taken(batch, put), false);
    const part = pick(positions, (position) => needed.has(position));
    if (part.length === 0) continue;
    for (const row of part) places.set(positions[row]!, places.size);
    kept.push(takenChanges(batch, part));
  }
  const fields = nullable(change.schema);
  if (kept.length === 0) return emptyBatch(fields);
  const order = Int32Array.from(combined.positions, (position) => places.get(position)!);
  return takenChanges(concatBatches(kept), order);
}

function pick(positions: readonly number[], test: (position: number) => boolean): Int32Array {
  return Int32Array.from(positions.flatMap((position, row) => (test(position) ? [row] : [])));
}

/** Rows of a batch without their changes. */
function taken({ schema, length, columns }: Batch, rows: Int32Array): Batch {
  return takeBatch({ schema, length, columns }, rows);
}

/** Rows of a batch with changes: those that have none get some that say nothing. */
function takenChanges(batch: Batch, rows: Int32Array): Batch {
  const { length } = batch;
  const changes = batch.changes ?? { ops: new Uint8Array(length), ordinals: new BigInt64Array(length) };
  return takeBatch({ ...batch, changes }, rows);
}

async function append(segment: SqlSegment, batch: Batch, deletes: boolean): Promise<void> {
  const columns = [...batch.columns, constantVector(deleteField.type, deletes, batch.length)];
  await segment.append({ schema: segment.schema, length: batch.length, columns });
}

/** Of stored rows: none. */
function nothing(schema: Schema, size: number): FoundRows {
  return { rowOf: new Int32Array(size).fill(-1), rows: emptyBatch(nullable(schema)) };
}
