import type { Schema, TableReceipt } from "@alluvium/core";
import {
  createBuilder,
  type Batch,
  type BytesBuilder,
  type FixedBuilder,
  type ListBuilder,
  type StructBuilder,
} from "@alluvium/core/columns";

/** Lists the loads of all pipelines of a lake, one row each, so that all tables can be read as of one load. */
export const LOADS_TABLE = "_alv_loads";

const string = { kind: "string" } as const;
const int64 = { kind: "int64" } as const;
const instant = { kind: "timestamp", zone: "utc" } as const;
const required = { nullable: false } as const;

const entry: Schema = {
  fields: [
    { name: "table", type: string, ...required },
    { name: "operation", type: string, ...required },
    { name: "rows", type: int64, ...required },
    { name: "bytes", type: int64, ...required },
    { name: "files", type: int64, ...required },
    { name: "version", type: int64, nullable: true },
    { name: "parked", type: string, nullable: true },
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
  appendText(loadId as BytesBuilder, row.loadId);
  appendText(pipeline as BytesBuilder, row.pipeline);
  appendText(lane as BytesBuilder, row.lane);
  appendInteger(sequence as FixedBuilder, BigInt(row.sequence));
  appendText(runId as BytesBuilder, row.runId);
  appendInteger(startedAt as FixedBuilder, micros(row.startedAt));
  appendInteger(committedAt as FixedBuilder, micros(row.committedAt));
  const list = tables as ListBuilder;
  const struct = list.child as StructBuilder;
  for (const receipt of row.tables) appendReceipt(struct, receipt);
  list.close();
  return { schema: loadsSchema, length: 1, columns: builders.map((builder) => builder.finish()) };
}

function appendReceipt(struct: StructBuilder, receipt: TableReceipt): void {
  const [table, operation, rows, bytes, files, version, parked] = struct.children;
  appendText(table as BytesBuilder, receipt.table);
  appendText(operation as BytesBuilder, receipt.operation);
  appendInteger(rows as FixedBuilder, BigInt(receipt.rows));
  appendInteger(bytes as FixedBuilder, BigInt(receipt.bytes));
  appendInteger(files as FixedBuilder, BigInt(receipt.files));
  if (receipt.version === undefined) version!.appendNull();
  else appendInteger(version as FixedBuilder, BigInt(receipt.version));
  if (receipt.parked === undefined) parked!.appendNull();
  else appendText(parked as BytesBuilder, receipt.parked);
  struct.close();
}

function appendText(builder: BytesBuilder, text: string): void {
  const bytes = new TextEncoder().encode(text);
  builder.appendBytes(bytes, 0, bytes.length);
}

function appendInteger(builder: FixedBuilder, value: bigint): void {
  builder.reserve(1);
  builder.values[builder.length] = value;
  builder.length += 1;
}

function micros(iso: string): bigint {
  return BigInt(Date.parse(iso)) * 1000n;
}
