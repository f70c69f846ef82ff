import type { Field, Schema } from "@alluvium/core";
import {
  concatBatches,
  nullVector,
  takeVector,
  type Batch,
  type FixedVector,
  type Vector,
} from "@alluvium/core/columns";
import type { Changelog, StoredRows } from "@alluvium/core/merge";
import type { SqlContext } from "../context.ts";
import type { SqlSegment } from "../engine.ts";
import { equalColumns, nameList } from "../standard.ts";
import { nullable } from "../staged-changes.ts";

const entryField: Field = { name: "_alv_entry", type: { kind: "int64" }, nullable: false };

/** Stages the keys of a changelog with their entries, lets `work` use them by their relation, and drops them. */
export async function withKeys<Result>(
  { connection }: SqlContext,
  keys: readonly Field[],
  changelog: Changelog,
  work: (relation: string) => Promise<Result>,
): Promise<Result> {
  const { size } = changelog.keys;
  const segment = await connection.stage({ fields: [entryField, ...keys] });
  try {
    const entries = BigInt64Array.from({ length: size }, (_, entry) => BigInt(entry));
    const columns = [int64Vector(entries), ...changelog.keys.keys()];
    if (size > 0) await segment.append({ schema: segment.schema, length: size, columns });
    await segment.seal();
    return await work(segment.relation);
  } finally {
    await dropQuietly(segment);
  }
}

/** Stored rows of keys: which entries they are of, and their columns. */
export interface FoundRows {
  /** For each entry its row in `rows`, -1 for none. */
  readonly rowOf: Int32Array;
  readonly rows: Batch;
}

/** Reads columns of the stored rows of a changelog's keys; `where` is a further condition on the table, `t`. */
export async function readStored(
  { connection, dialect }: SqlContext,
  options: {
    readonly table: string;
    readonly keys: readonly Field[];
    readonly relation: string;
    readonly size: number;
    readonly columns: readonly Field[];
    readonly where?: string;
    /** Only these entries; all where it is left out. */
    readonly entries?: Int32Array;
  },
): Promise<FoundRows> {
  const { table, keys, relation, size, columns, where, entries } = options;
  const schema: Schema = { fields: [entryField, ...nullable({ fields: columns }).fields] };
  const list = ["s._alv_entry", ...(columns.length === 0 ? [] : [nameList(columns, "t.")])].join(", ");
  const text = `select ${list} from ${relation} as s join ${dialect.table(table)} as t on ${equalColumns(keys)}${where === undefined ? "" : ` where ${where}`}`;
  const rowOf = new Int32Array(size).fill(-1);
  const wanted = entries && new Set(entries);
  const parts: Batch[] = [];
  let count = 0;
  for await (const batch of connection.scan({ text }, schema)) {
    const found = (batch.columns[0] as FixedVector).values as BigInt64Array;
    const take: number[] = [];
    for (let row = 0; row < batch.length; row++) {
      const entry = Number(found[row]!);
      if (wanted !== undefined && !wanted.has(entry)) continue;
      rowOf[entry] = count++;
      take.push(row);
    }
    const indexes = Int32Array.from(take);
    parts.push({
      schema: { fields: schema.fields.slice(1) },
      length: take.length,
      columns: batch.columns.slice(1).map((column) => takeVector(column, indexes)),
    });
  }
  const own: Schema = { fields: schema.fields.slice(1) };
  const rows = parts.length === 0 ? emptyBatch(own) : concatBatches(parts);
  return { rowOf, rows };
}

/** What a fold is told of stored rows: which are there, and their value in the order column. */
export function storedOf(found: FoundRows, order: Field | undefined): StoredRows {
  const present = Uint8Array.from(found.rowOf, (row) => (row < 0 ? 0 : 1));
  if (order === undefined) return { present };
  const at = found.rows.schema.fields.findIndex(({ name }) => name === order.name);
  return { present, order: takeVector(found.rows.columns[at]!, found.rowOf) };
}

/** A column of 64-bit integers without nulls. */
export function int64Vector(values: BigInt64Array): Vector {
  const type = { kind: "int64" } as const;
  return { layout: "fixed", type, length: values.length, nullCount: 0, validity: undefined, values };
}

/** No rows of a schema. */
export function emptyBatch(schema: Schema): Batch {
  return { schema, length: 0, columns: schema.fields.map(({ type }) => nullVector(type, 0)) };
}

/** Drops a segment that nobody waits for. */
export async function dropQuietly(segment: SqlSegment): Promise<void> {
  try {
    await segment.drop();
  } catch {
    // It goes with the session.
  }
}
