import type { Field, Schema } from "@alluvium/core";
import { bitAt, takeBatch, type Batch, type Changes, type Vector } from "@alluvium/core/columns";
import { changeRows, changelogBuilder, type Changelog } from "@alluvium/core/merge";
import { conformBatch } from "@alluvium/core/schema";
import type { SqlContext } from "../context.ts";
import { stagedColumns } from "../names.ts";
import { keyFields, type StagedRows } from "../pending-table.ts";
import { changeFields, nullable, withFields } from "../staged-changes.ts";
import { ownColumns } from "../validity.ts";
import type { TableChange } from "./change.ts";

/** Reads the staged changes of a load, in the order of writing, as batches with the table's columns and their `changes`. */
async function* readChanges(
  context: SqlContext,
  change: TableChange,
): AsyncGenerator<{ readonly batch: Batch; readonly stretch: number }> {
  const { connection, dialect } = context;
  for (const rows of change.staged) {
    const { segment, schema, form, stretch } = rows;
    const own = form === "rows" ? schema : nullable(schema);
    const fields = changeFields(form, form === "partial" ? keyFields(change.plan, schema) : []);
    const all = withFields(own, fields);
    const names = all.fields.map(({ name }) => `s.${dialect.quote(name)}`).join(", ");
    const text = `select ${names} from ${segment.relation} as s order by s.${dialect.quote(stagedColumns.number)}`;
    for await (const batch of connection.scan({ text }, all))
      yield { batch: withChanges(batch, own, rows, change), stretch };
  }
}

/** Gathers the changes of a load by key. Holds keys, not rows. */
export async function readChangelog(context: SqlContext, change: TableChange): Promise<Changelog> {
  const { plan, schema } = change;
  const keys = keyFields(plan, schema);
  const mergeKey = plan.merge?.mergeKey;
  const builder = changelogBuilder({
    keyTypes: keys.map(({ type }) => type),
    keyNames: plan.primaryKey,
    mergeKeyTypes: mergeKey && keyFields({ ...plan, primaryKey: mergeKey }, schema).map(({ type }) => type),
  });
  for await (const { batch, stretch } of readChanges(context, change))
    builder.add(changeRows(batch, plan, stretch));
  return builder.finish();
}

/** The rows at some positions among the changes of a load, in ascending order, a batch at a time. */
export async function* readPositions(
  context: SqlContext,
  change: TableChange,
  isWanted: (position: number) => boolean,
): AsyncGenerator<{ readonly batch: Batch; readonly positions: readonly number[] }> {
  let start = 0;
  for await (const { batch } of readChanges(context, change)) {
    const wanted: number[] = [];
    for (let row = 0; row < batch.length; row++) if (isWanted(start + row)) wanted.push(row);
    if (wanted.length > 0)
      yield {
        batch: wanted.length === batch.length ? batch : takeBatch(batch, Int32Array.from(wanted)),
        positions: wanted.map((row) => start + row),
      };
    start += batch.length;
  }
}

function withChanges(
  { length, columns }: Batch,
  { fields }: Schema,
  { form }: StagedRows,
  { plan, schema }: TableChange,
): Batch {
  const count = fields.length;
  const data: Batch = { schema: { fields }, length, columns: columns.slice(0, count) };
  // Columns of the destination's own are no cells that the source did not send.
  const target = nullable(ownColumns(plan, schema));
  if (form === "rows") return conformBatch(data, target, { table: plan.table });
  const [, ordinals, ops, sent, ...old] = columns.slice(count);
  // Rows with a bitmap came in batches that left cells out; others in the same segment did not.
  const some = sent === undefined ? undefined : heldRows(sent);
  const bits = some === undefined ? undefined : unchangedOf(sent!, count, length);
  const keys = keyFields(plan, schema);
  const oldKeys: Batch | undefined =
    old.length === 0 || old[0]!.nullCount === length
      ? undefined
      : {
          schema: { fields: keys.map((key): Field => ({ ...key, nullable: true })) },
          length,
          columns: old,
        };
  const changes: Changes = {
    ops: Uint8Array.from((ops as Vector & { layout: "fixed" }).values as Int16Array).subarray(0, length),
    ordinals: (ordinals as Vector & { layout: "fixed" }).values as BigInt64Array,
    oldKeys,
    unchanged: bits,
  };
  const conformed = conformBatch({ ...data, changes }, target, { table: plan.table });
  if (some === undefined || conformed.changes?.unchanged === undefined) return conformed;
  const unchanged = conformed.changes.unchanged.map((column) => column?.map((byte, i) => byte & some[i]!));
  return { ...conformed, changes: { ...conformed.changes, unchanged } };
}

/** The rows that are not null; `undefined` where none is. */
function heldRows({ validity, length, nullCount }: Vector): Uint8Array | undefined {
  if (nullCount === length) return undefined;
  return validity ?? new Uint8Array((length + 7) >> 3).fill(0xff);
}

/** Turns the bitmap of each row into one of each column. */
function unchangedOf(
  sent: Vector,
  columns: number,
  length: number,
): readonly (Uint8Array | undefined)[] | undefined {
  if (sent.layout !== "bytes") return undefined;
  const { data, offsets } = sent;
  return Array.from({ length: columns }, (_, column) => {
    const bits = new Uint8Array((length + 7) >> 3);
    let any = false;
    for (let row = 0; row < length; row++) {
      const start = offsets[row]!;
      if (start + (column >> 3) >= offsets[row + 1]! || !bitAt(data.subarray(start), column)) continue;
      bits[row >> 3]! |= 1 << (row & 7);
      any = true;
    }
    return any ? bits : undefined;
  });
}
