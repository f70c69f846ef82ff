import type { Batch } from "../columns/batch.ts";
import { vectorOf } from "../columns/values.ts";
import type { Capabilities, TablePlan } from "../destination.ts";
import { conformBatch } from "../schema/conform.ts";
import type { Field, Schema } from "../schema/types.ts";
import { checksTable, type TableResults } from "./table-results.ts";
import { storedTypeOf } from "./stored-type.ts";

const text = { kind: "string" } as const;
const count = { kind: "int64" } as const;
const list = { kind: "json" } as const;

const fields: readonly Field[] = [
  { name: "load_id", type: text, nullable: false },
  { name: "run_id", type: text, nullable: false },
  { name: "pipeline", type: text, nullable: false },
  { name: "lane", type: text, nullable: false },
  { name: "table_name", type: text, nullable: false },
  { name: "check_name", type: text, nullable: false },
  { name: "kind", type: text, nullable: false },
  { name: "column_name", type: text, nullable: true },
  { name: "severity", type: text, nullable: false },
  { name: "checked_when", type: text, nullable: false },
  { name: "passed", type: { kind: "boolean" }, nullable: false },
  { name: "checked_rows", type: count, nullable: false },
  { name: "failed_rows", type: count, nullable: false },
  { name: "value", type: text, nullable: true },
  { name: "wanted", type: text, nullable: true },
  { name: "examples", type: list, nullable: true },
  { name: "checked_at", type: { kind: "timestamp", zone: "utc" }, nullable: false },
];

/** The table's part of a load's plan. */
export function planChecksTable({ storedType }: Pick<Capabilities, "storedType">): TablePlan {
  return {
    table: checksTable,
    // A stream of the run's own.
    stream: checksTable,
    disposition: { kind: "append" },
    primaryKey: [],
    partitionBy: [],
    isLog: true,
    schema: storedSchema(storedType),
  };
}

/** Results as rows of the table. */
export function checkRows(
  tables: readonly TableResults[],
  at: {
    readonly loadId: string;
    readonly runId: string;
    readonly pipeline: string;
    readonly lane: string;
    readonly now: Date;
  },
  { storedType }: Pick<Capabilities, "storedType">,
): Batch {
  const rows = tables.flatMap(({ table, results }) =>
    results.map((result): Readonly<Record<string, unknown>> => ({
      load_id: at.loadId,
      run_id: at.runId,
      pipeline: at.pipeline,
      lane: at.lane,
      table_name: table,
      check_name: result.name,
      kind: result.kind,
      column_name: result.column,
      severity: result.severity,
      checked_when: result.when,
      passed: result.passed,
      checked_rows: result.rows,
      failed_rows: result.failed,
      value: result.value,
      wanted: result.wanted,
      examples: result.examples,
      checked_at: at.now,
    })),
  );
  const columns = fields.map(({ name, type }) =>
    vectorOf(
      type,
      rows.map((row) => row[name]),
    ),
  );
  return conformBatch({ schema: { fields }, columns, length: rows.length }, storedSchema(storedType));
}

function storedSchema(storedType: Capabilities["storedType"]): Schema {
  return { fields: fields.map((field) => ({ ...field, type: storedTypeOf(field.type, storedType) })) };
}
