import { describeType } from "../schema/describe.ts";
import type { SchemaChange } from "./events.ts";
import { alignCells, bytesText, countText, durationText } from "./measure.ts";
import type { RunReport, TableReport } from "./report.ts";

/** A report as a table for people: what was loaded where, what changed, and what went wrong. */
export function printReport(report: RunReport): string {
  const milliseconds = report.finishedAt.getTime() - report.startedAt.getTime();
  const tables = Object.entries(report.tables);
  const sampled = tables.some(([, table]) => table.sample !== undefined);
  const rows = tables.reduce((sum, [, table]) => sum + table.rows, 0);
  const bytes = tables.reduce((sum, [, table]) => sum + table.bytes, 0);
  const lane = report.lane === "main" ? "" : ` (lane ${report.lane})`;
  const verb = sampled ? "sampled" : report.complete ? "loaded" : "loaded, not to its end,";
  const rate = milliseconds > 0 ? ` (${countText(Math.round((rows * 1000) / milliseconds))} rows/s)` : "";
  const lines = [
    `${report.pipeline}${lane}: ${countText(rows)} ${rows === 1 ? "row" : "rows"} ${verb} in ${durationText(milliseconds)}${rate}`,
  ];
  if (tables.length > 0) lines.push("", ...tableLines(tables, rows, bytes));
  const changes = tables.flatMap(([, table]) =>
    table.schemaChanges.map((change) => `  ${table.table}: ${changeText(change)}`),
  );
  if (changes.length > 0) lines.push("", "Schema", ...changes);
  if (report.problems.length > 0)
    lines.push(
      "",
      "Problems",
      ...report.problems.map(
        ({ stream, code, message }) => `  ${stream === undefined ? "" : `${stream}: `}${message} [${code}]`,
      ),
    );
  const last = report.loads.at(-1);
  const loads =
    last === undefined
      ? sampled
        ? "nothing was written"
        : "nothing to commit"
      : report.loads.length === 1
        ? `load ${last.sequence} ${last.loadId}`
        : `loads ${report.loads[0]!.sequence}–${last.sequence}, the last ${last.loadId}`;
  lines.push("", `run ${report.runId}, ${loads}`);
  return lines.join("\n");
}

function tableLines(
  tables: readonly (readonly [string, TableReport])[],
  rows: number,
  bytes: number,
): string[] {
  const versioned = tables.some(([, table]) => table.version !== undefined);
  const snapshots = tables.some(([, table]) => table.snapshot !== undefined);
  const line = (cells: readonly string[], version: string, snapshot: string): string[] => [
    ...cells,
    ...(versioned ? [version] : []),
    ...(snapshots ? [snapshot] : []),
  ];
  const lines = [
    line(["table", "disposition", "rows", "bytes", "files"], "version", "snapshot"),
    ...tables.map(([, table]) =>
      line(
        [
          table.complete || table.sample !== undefined ? table.table : `${table.table} (incomplete)`,
          table.disposition,
          countText(table.rows),
          bytesText(table.bytes),
          countText(table.files),
        ],
        table.version === undefined ? "" : String(table.version),
        table.snapshot ?? "",
      ),
    ),
  ];
  if (tables.length > 1) {
    const files = tables.reduce((sum, [, table]) => sum + table.files, 0);
    lines.push(line(["", "", countText(rows), bytesText(bytes), countText(files)], "", ""));
  }
  return alignCells(lines, [false, false, true, true, true, ...(versioned ? [true] : []), false]).map(
    (text) => `  ${text}`,
  );
}

/** A change for people. */
export function changeText(change: SchemaChange): string {
  switch (change.kind) {
    case "tableCreated":
      return "created";
    case "columnAdded":
      return `column ${change.column} added (${describeType(change.type)})`;
    case "columnBound":
      return `column ${change.column}, null so far, is ${describeType(change.type)}`;
    case "columnWidened":
      return `column ${change.column} widened from ${describeType(change.from)} to ${describeType(change.to)}`;
    case "columnMissing":
      return `column ${change.column} is gone at the source and stays null`;
  }
}
