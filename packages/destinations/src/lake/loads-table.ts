import type { ColumnType, Schema, SchemaChange, TableReceipt } from "@alluvium/core";
import {
  createBuilder,
  type Batch,
  type Builder,
  type BytesBuilder,
  type FixedBuilder,
  type ListBuilder,
  type StructBuilder,
} from "@alluvium/core/columns";
import { describeType } from "@alluvium/core/schema";

/** Lists the loads of all pipelines of a lake, one row each, so that all tables can be read as of one load. */
export const LOADS_TABLE = "_alv_loads";

const string = { kind: "string" } as const;
const int64 = { kind: "int64" } as const;
const instant = { kind: "timestamp", zone: "utc" } as const;
const required = { nullable: false } as const;

/** A difference of a table, with its types as text. */
const change: Schema = {
  fields: [
    { name: "kind", type: string, ...required },
    { name: "column", type: string, nullable: true },
    { name: "variant", type: string, nullable: true },
    { name: "type", type: string, nullable: true },
    { name: "from", type: string, nullable: true },
    { name: "to", type: string, nullable: true },
  ],
};

// What came later may be null: older loads lack it.
const entry: Schema = {
  fields: [
    { name: "table", type: string, ...required },
    { name: "operation", type: string, ...required },
    { name: "rows", type: int64, ...required },
    { name: "bytes", type: int64, ...required },
    { name: "files", type: int64, ...required },
    { name: "version", type: int64, nullable: true },
    { name: "parked", type: string, nullable: true },
    { name: "inserted", type: int64, nullable: true },
    { name: "updated", type: int64, nullable: true },
    { name: "deleted", type: int64, nullable: true },
    {
      name: "schema_changes",
      type: {
        kind: "list",
        element: { name: "element", type: { kind: "struct", fields: change.fields }, ...required },
      },
      nullable: true,
    },
  ],
};

/** Columns of {@link LOADS_TABLE}. */
export const loadsSchema: Schema = {
  fields: [
    { name: "load_id", type: string, ...required },
    { name: "pipeline", type: string, ...required },
    { name: "lane", type: string, ...required },
    { name: "sequence", type: int64, ...required },
    { name: "run_id", type: string, ...required },
    { name: "started_at", type: instant, ...required },
    { name: "committed_at", type: instant, ...required },
    {
      name: "tables",
      type: {
        kind: "list",
        element: { name: "element", type: { kind: "struct", fields: entry.fields }, ...required },
      },
      ...required,
    },
  ],
};

/** A load as {@link LOADS_TABLE} shows it. Times are ISO. */
export interface LoadRow {
  readonly loadId: string;
  readonly pipeline: string;
  readonly lane: string;
  readonly sequence: number;
  readonly runId: string;
  readonly startedAt: string;
  readonly committedAt: string;
  readonly tables: readonly TableReceipt[];
}

/** One row of {@link LOADS_TABLE}. */
export function loadsBatch(row: LoadRow): Batch {
  const builders = loadsSchema.fields.map((field) => createBuilder(field.type, 1));
  const [loadId, pipeline, lane, sequence, runId, startedAt, committedAt, tables] = builders;
  appendText(loadId, row.loadId);
  appendText(pipeline, row.pipeline);
  appendText(lane, row.lane);
  appendInteger(sequence, row.sequence);
  appendText(runId, row.runId);
  appendInteger(startedAt, micros(row.startedAt));
  appendInteger(committedAt, micros(row.committedAt));
  const list = tables as ListBuilder;
  const struct = list.child as StructBuilder;
  for (const receipt of row.tables) appendReceipt(struct, receipt);
  list.close();
  return { schema: loadsSchema, length: 1, columns: builders.map((builder) => builder.finish()) };
}

function appendReceipt(struct: StructBuilder, receipt: TableReceipt): void {
  const [table, operation, rows, bytes, files, version, parked, ...later] = struct.children;
  const [inserted, updated, deleted, changes] = later;
  const { changed, schemaChanges = [] } = receipt;
  appendText(table, receipt.table);
  appendText(operation, receipt.operation);
  appendInteger(rows, receipt.rows);
  appendInteger(bytes, receipt.bytes);
  appendInteger(files, receipt.files);
  appendInteger(version, receipt.version);
  appendText(parked, receipt.parked);
  appendInteger(inserted, changed?.inserted);
  appendInteger(updated, changed?.updated);
  appendInteger(deleted, changed?.deleted);
  const list = changes as ListBuilder;
  for (const one of schemaChanges) appendChange(list.child as StructBuilder, one);
  list.close();
  struct.close();
}

function appendChange(struct: StructBuilder, given: SchemaChange): void {
  const members: Readonly<Record<string, string | ColumnType>> = { ...given };
  for (const [i, { name }] of change.fields.entries()) {
    const value = members[name];
    appendText(struct.children[i], typeof value === "object" ? describeType(value) : value);
  }
  struct.close();
}

/** Appends to a column of strings; `undefined`: null. */
function appendText(builder: Builder | undefined, text: string | undefined): void {
  if (text === undefined) return builder!.appendNull();
  const bytes = new TextEncoder().encode(text);
  (builder as BytesBuilder).appendBytes(bytes, 0, bytes.length);
}

/** Appends to a column of 64-bit integers; `undefined`: null. */
function appendInteger(builder: Builder | undefined, value: number | bigint | undefined): void {
  if (value === undefined) return builder!.appendNull();
  const integers = builder as FixedBuilder;
  integers.reserve(1);
  integers.values[integers.length] = BigInt(value);
  integers.length += 1;
}

function micros(iso: string): bigint {
  return BigInt(Date.parse(iso)) * 1000n;
}
