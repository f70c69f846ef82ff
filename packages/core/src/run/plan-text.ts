import { changeLine } from "../schema/change-text.ts";
import { describeType } from "../schema/describe.ts";
import type { Field } from "../schema/types.ts";
import { countText } from "./measure.ts";
import type { PlannedRefusal, PlannedTable, RunPlan } from "./run-plan.ts";

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
    ...changes.filter(({ kind }) => kind !== "tableCreated").map(changeLine),
    ...table.refused.map(refusalLine),
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

/** What the contract would keep out of a table, for people. */
export function refusalLine({ rows, message, column, policy }: PlannedRefusal): string {
  const what = column === undefined ? "" : `${column}: `;
  if (rows === 0) return `! ${what}${message}`;
  const count = `${countText(rows)} ${rows === 1 ? "row" : "rows"}`;
  if (policy === "discardValue") return `! ${what}values of ${count} would be left out`;
  const fate = policy === "quarantine" ? "go into the quarantine" : "be left out";
  return `! ${what}${count} would ${fate} (${message})`;
}

function newColumn({ name, type, nullable }: Field): string {
  return `+ ${name} ${describeType(type)}${nullable ? "" : ", not null"}`;
}

function indented(statement: string): readonly string[] {
  return statement.split("\n").map((line) => `  ${line}`);
}
