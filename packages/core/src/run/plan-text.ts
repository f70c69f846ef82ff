import { describeType } from "../schema/describe.ts";
import type { Field } from "../schema/types.ts";
import type { SchemaChange } from "../schema/schema-change.ts";
import { countText } from "./measure.ts";
import type { PlannedTable, RunPlan } from "./run-plan.ts";

/** A plan for people: each table with what would change (`+` new, `~` changed, `-` gone), then the statements. */
export function printPlan({ tables }: RunPlan): readonly string[] {
  const statements = tables.flatMap((table) => table.statements ?? []);
  return [
    ...tables.flatMap((table) => ["", ...tableLines(table).map((line) => `  ${line}`)]),
    ...(statements.length > 0 ? ["", "Statements", ...statements.flatMap(indented)] : []),
  ];
}

function tableLines(table: PlannedTable): readonly string[] {
  const { disposition, refresh, changes, columns, sampled } = table;
  const isCreated = changes.some(({ kind }) => kind === "tableCreated");
  const verb = refresh === "tables" ? "made anew" : isCreated ? "created" : undefined;
  const words = [
    verb,
    refresh === "data" ? "emptied" : undefined,
    disposition,
    reading[table.reads],
    sampled === undefined
      ? undefined
      : `columns as in ${countText(sampled)} ${sampled === 1 ? "row" : "rows"}`,
  ].filter((word) => word !== undefined);
  const lines = [
    ...(isCreated ? columns.filter(({ type }) => type.kind !== "null").map(newColumn) : []),
    ...changes.flatMap(changeLine),
  ];
  return [
    `${table.table}: ${words.join(", ")}`,
    ...(lines.length > 0 ? lines : ["no change of its columns"]).map((line) => `  ${line}`),
  ];
}

const reading = {
  everything: "reads everything",
  new: "reads what is new",
  window: "reads a window",
  nothing: "is set aside and not read",
} as const;

function newColumn({ name, type, nullable }: Field): string {
  return `+ ${name} ${describeType(type)}${nullable ? "" : ", not null"}`;
}

function changeLine(change: SchemaChange): readonly string[] {
  switch (change.kind) {
    case "tableCreated":
      return [];
    case "dispositionChanged":
      return [`~ ${change.from} → ${change.to}`];
    case "columnAdded":
      return [`+ ${change.column} ${describeType(change.type)}`];
    case "columnBound":
      return [`~ ${change.column} null → ${describeType(change.type)}`];
    case "columnWidened":
      return [`~ ${change.column} ${describeType(change.from)} → ${describeType(change.to)}`];
    case "variantAdded":
      return [
        `+ ${change.variant} ${describeType(change.type)}, for values that ${change.column} does not hold`,
      ];
    case "columnMissing":
      return [`- ${change.column}, gone at the source: stays, and is null`];
  }
}

function indented(statement: string): readonly string[] {
  return statement.split("\n").map((line) => `  ${line}`);
}
