import type { RowCounts } from "../destination.ts";
import { describeType } from "../schema/describe.ts";
import type { SchemaChange } from "../schema/schema-change.ts";
import { alignCells, bytesText, countText, durationText } from "./measure.ts";
import { printChecks } from "./checks-text.ts";
import { printPlan } from "./plan-text.ts";
import type { RunReport, TableReport } from "./report.ts";

/** The columns that end flush. */
const numbers = [
  "rows",
  "quarantined",
  "discarded",
  "values discarded",
  "inserted",
  "updated",
  "deleted",
  "bytes",
  "files",
  "version",
];

/** A report as a table for people: what was loaded where, what changed, and what went wrong. */
export function printReport(report: RunReport): string {
  const { pipeline, lane, runId, loads, complete, problems } = report;
  const milliseconds = report.finishedAt.getTime() - report.startedAt.getTime();
  const tables = Object.values(report.tables);
  const sampled = tables.some(({ sample }) => sample !== undefined);
  const sum = (key: "rows" | "bytes" | "files"): number => tables.reduce((all, table) => all + table[key], 0);
  const rows = sum("rows");
  const verb = sampled ? "sampled" : complete ? "loaded" : "loaded, not to its end,";
  const rate = milliseconds > 0 ? ` (${countText(Math.round((rows * 1000) / milliseconds))} rows/s)` : "";

  const merges = tables.some(({ changed }) => changed !== undefined);
  const countColumn = (key: keyof RowCounts): string[] => [
    key,
    ...tables.map(({ changed }) => (changed === undefined ? "" : countText(changed[key]))),
    merges ? countText(tables.reduce((all, { changed }) => all + (changed?.[key] ?? 0), 0)) : "",
  ];
  const refusedColumn = (name: string, of: (table: TableReport) => number): string[] => {
    const counts = tables.map(of);
    const all = counts.reduce((total, count) => total + count, 0);
    return all === 0 ? [name] : [name, ...counts.map(countText), countText(all)];
  };
  // A column of which no table knows anything is left out.
  const columns = [
    ["table", ...tables.map((table) => table.table + (table.complete || sampled ? "" : " (incomplete)"))],
    ["disposition", ...tables.map(({ disposition }) => disposition)],
    ["refreshed", ...tables.map(({ refreshed = "" }) => refreshed)],
    ["rows", ...tables.map((table) => countText(table.rows)), countText(rows)],
    refusedColumn("quarantined", ({ quarantined }) => quarantined),
    refusedColumn("discarded", ({ discarded }) => discarded.rows),
    refusedColumn("values discarded", ({ discarded }) => discarded.values),
    countColumn("inserted"),
    countColumn("updated"),
    countColumn("deleted"),
    ["bytes", ...tables.map((table) => bytesText(table.bytes)), bytesText(sum("bytes"))],
    ["files", ...tables.map((table) => countText(table.files)), countText(sum("files"))],
    ["version", ...tables.map(({ version = "" }) => String(version))],
    ["snapshot", ...tables.map(({ snapshot = "" }) => snapshot)],
  ].filter((cells) => cells.slice(1).some((cell) => cell !== ""));
  const count = tables.length > 1 ? tables.length + 2 : tables.length + 1;
  const lines = Array.from({ length: count }, (_, i) => columns.map((cells) => cells[i] ?? ""));
  const flush = columns.map(([name = ""]) => numbers.includes(name));

  const changes = tables.flatMap(({ table, schemaChanges }) =>
    schemaChanges.map((change) => `${table}: ${changeText(change)}`),
  );
  const failures = problems.map(
    ({ stream, code, message }) => `${stream === undefined ? "" : `${stream}: `}${message} [${code}]`,
  );
  const section = (title: string, texts: readonly string[]): string[] =>
    texts.length > 0 ? ["", ...(title === "" ? [] : [title]), ...texts.map((text) => `  ${text}`)] : [];
  const heading = `${pipeline}${lane === "main" ? "" : ` (lane ${lane})`}`;
  if (report.plan !== undefined)
    return [
      `${heading}: dry run, nothing was written`,
      ...printPlan(report.plan),
      ...section("Problems", failures),
      "",
      `run ${runId}`,
    ].join("\n");
  const [first, last] = [loads[0], loads.at(-1)];
  const written =
    first === undefined || last === undefined
      ? sampled
        ? "nothing was written"
        : "nothing to commit"
      : loads.length === 1
        ? `load ${last.sequence} ${last.loadId}`
        : `loads ${first.sequence}–${last.sequence}, the last ${last.loadId}`;
  return [
    `${heading}: ${countText(rows)} ${rows === 1 ? "row" : "rows"} ${verb} in ${durationText(milliseconds)}${rate}`,
    ...section("", tables.length > 0 ? alignCells(lines, flush) : []),
    ...section("Schema", changes),
    ...section("Checks", printChecks(tables)),
    ...section("Problems", failures),
    "",
    `run ${runId}, ${written}`,
  ].join("\n");
}

function changeText(change: SchemaChange): string {
  if (change.kind === "tableCreated") return "created";
  if (change.kind === "dispositionChanged") return `${change.to} from now on, ${change.from} so far`;
  const column = `column ${change.column}`;
  switch (change.kind) {
    case "columnAdded":
      return `${column} added (${describeType(change.type)})`;
    case "columnBound":
      return `${column}, null so far, is ${describeType(change.type)}`;
    case "columnWidened":
      return `${column} widened from ${describeType(change.from)} to ${describeType(change.to)}`;
    case "variantAdded":
      return `${column} does not hold all values; the others are in ${change.variant} (${describeType(change.type)})`;
    case "columnMissing":
      return `${column} is gone at the source and stays null`;
  }
}
