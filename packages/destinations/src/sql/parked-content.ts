import { randomBytes } from "node:crypto";
import type { Json, Schema, TablePlan } from "@alluvium/core";
import {
  decodeSchema,
  decodeSchemaChange,
  encodeSchema,
  encodeSchemaChange,
  schemaHash,
} from "@alluvium/core/state";
import type { TableChange } from "./apply/change.ts";
import { operationOf } from "./apply/rows.ts";
import type { SqlContext } from "./context.ts";
import type { StagedRows } from "./pending-table.ts";
import { withFields, changeFields, type ChangeForm } from "./staged-changes.ts";
import { keyFields } from "./pending-table.ts";

/** What is kept of the load of a table that is set aside, so that it can be tried again. */
interface ParkedContent {
  readonly version: 1;
  /** The plan, with values of windows that JSON does not know marked. */
  readonly plan: unknown;
  readonly schema: unknown;
  readonly restart: "data" | "tables" | null;
  readonly ended: boolean;
  /** Absent in what older versions kept. */
  readonly schemaChanges?: readonly Json[];
  readonly segments: readonly {
    /** A table that holds the staged rows. */
    readonly table: string;
    readonly schema: unknown;
    readonly form: ChangeForm;
    readonly stretch: number;
    readonly ordinal: string;
    readonly rows: number;
    readonly bytes: number;
    readonly truncate: { readonly ordinal: string; readonly number: string } | null;
  }[];
}

/** Copies the staged rows of a change into tables, in a transaction, and says as text what is needed to apply them later. */
export async function keepChange(context: SqlContext, change: TableChange): Promise<string> {
  const { connection, dialect } = context;
  const segments: ParkedContent["segments"][number][] = [];
  for (const { segment, schema, form, stretch, ordinal, rows, truncate } of change.staged) {
    const table = `_alv_parked_${randomBytes(8).toString("hex")}`;
    await connection.execute({
      text: `create table ${dialect.table(table)} as select * from ${segment.relation} as s`,
    });
    segments.push({
      table,
      schema: encodeSchema(schema),
      form,
      stretch,
      ordinal: String(ordinal),
      rows,
      bytes: segment.bytes,
      truncate: truncate ? { ordinal: String(truncate.ordinal), number: String(truncate.number) } : null,
    });
  }
  const content: ParkedContent = {
    version: 1,
    plan: encodeValue({ ...change.plan, schema: undefined }),
    schema: encodeSchema(change.schema),
    restart: change.restart ?? null,
    ended: change.ended,
    schemaChanges: change.schemaChanges.map(encodeSchemaChange),
    segments,
  };
  return JSON.stringify(content);
}

/** The change that {@link keepChange} kept, its target aside. */
export function keptChange(
  context: SqlContext,
  text: string,
): Omit<TableChange, "target" | "before"> & { readonly operation: string } {
  const content = JSON.parse(text) as ParkedContent;
  const schema = decodeSchema(content.schema as never);
  const plan: TablePlan = { ...(decodeValue(content.plan) as TablePlan), schema };
  const staged = content.segments.map((kept): StagedRows => {
    const own: Schema = decodeSchema(kept.schema as never);
    const fields = plan.disposition.kind === "merge" ? changeFields(kept.form, keyFields(plan, own)) : [];
    return {
      segment: {
        schema: withFields(own, fields),
        relation: context.dialect.table(kept.table),
        bytes: kept.bytes,
        append: () => Promise.reject(new Error("kept rows are not added to")),
        seal: () => Promise.resolve(),
        drop: () => Promise.resolve(),
      },
      schema: own,
      hash: schemaHash(own),
      form: kept.form,
      stretch: kept.stretch,
      ordinal: BigInt(kept.ordinal),
      rows: kept.rows,
      truncate: kept.truncate
        ? { ordinal: BigInt(kept.truncate.ordinal), number: BigInt(kept.truncate.number) }
        : undefined,
    };
  });
  const restart = content.restart ?? undefined;
  const schemaChanges = (content.schemaChanges ?? []).map(decodeSchemaChange);
  return { plan, schema, staged, restart, schemaChanges, ended: content.ended, operation: operationOf(plan) };
}

/** Drops the tables of a kept change, in a transaction. */
export async function dropKept({ connection, definitions }: SqlContext, text: string): Promise<void> {
  if (text === "") return;
  const { segments } = JSON.parse(text) as ParkedContent;
  const ddl = await definitions();
  for (const { table } of segments) await connection.execute({ text: ddl.dropTable(table) });
}

/** JSON with dates and 64-bit integers as objects of one member. */
function encodeValue(value: unknown): unknown {
  if (value instanceof Date) return { $date: value.toISOString() };
  if (typeof value === "bigint") return { $bigint: String(value) };
  if (value instanceof Uint8Array) return { $bytes: [...value] };
  if (Array.isArray(value)) return value.map(encodeValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, encodeValue(member)]));
}

function decodeValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decodeValue);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [key, member] = entries[0] ?? [];
  if (entries.length === 1 && key === "$date") return new Date(String(member));
  if (entries.length === 1 && key === "$bigint") return BigInt(String(member));
  if (entries.length === 1 && key === "$bytes") return Uint8Array.from(member as number[]);
  return Object.fromEntries(entries.map(([name, one]) => [name, decodeValue(one)]));
}
