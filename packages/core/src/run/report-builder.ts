import type { LoadReceipt } from "../destination.ts";
import type { RunEvent, SchemaChange } from "./events.ts";
import { printReport } from "./report-text.ts";
import type { RunProblem, RunReport, TableReport } from "./report.ts";

/** What a report is begun with. */
export interface ReportHead {
  readonly pipeline: string;
  readonly lane: string;
  readonly runId: string;
  readonly startedAt: Date;
}

/** Collects what a run does and gives the report of it at any time. */
export interface ReportBuilder {
  /** Names a table that the run may write. */
  table(resource: string, table: string, stream: string, disposition: string): void;
  /** Counts a committed load. */
  load(receipt: LoadReceipt): void;
  schemaChanges(table: string, changes: readonly SchemaChange[]): void;
  sample(resource: string, rows: readonly object[]): void;
  problem(problem: RunProblem): void;
  /** The streams that were read to their end, all of it committed. */
  finished(stream: string): void;
  /** Learns a stream's snapshot. */
  onEvent(event: RunEvent): void;
  build(finishedAt: Date): RunReport;
}

/** A table's report in the making. */
interface Draft {
  readonly stream: string;
  readonly report: { -readonly [Key in keyof TableReport]: TableReport[Key] };
}

/** A report of a run that has done nothing yet. */
export function createReportBuilder(head: ReportHead): ReportBuilder {
  const byResource = new Map<string, Draft>();
  const byTable = new Map<string, Draft>();
  const loads: RunReport["loads"][number][] = [];
  const problems: RunProblem[] = [];

  return {
    table(resource, table, stream, disposition) {
      const draft: Draft = {
        stream,
        report: {
          table,
          rows: 0,
          bytes: 0,
          files: 0,
          version: undefined,
          disposition,
          schemaChanges: [],
          snapshot: undefined,
          complete: false,
        },
      };
      byResource.set(resource, draft);
      byTable.set(table, draft);
    },
    load(receipt) {
      loads.push({
        loadId: receipt.loadId,
        sequence: receipt.sequence,
        committedAt: receipt.committedAt,
      });
      for (const part of receipt.tables) {
        const report = byTable.get(part.table)?.report;
        if (report === undefined || part.parked !== undefined) continue;
        report.rows += part.rows;
        report.bytes += part.bytes;
        report.files += part.files;
        report.version = part.version ?? report.version;
      }
    },
    schemaChanges(table, changes) {
      const report = byTable.get(table)?.report;
      if (report !== undefined) report.schemaChanges = [...report.schemaChanges, ...changes];
    },
    sample(resource, rows) {
      const report = byResource.get(resource)?.report;
      if (report === undefined) return;
      report.sample = rows;
      report.rows = rows.length;
    },
    problem(problem) {
      problems.push(problem);
    },
    finished(stream) {
      for (const draft of byResource.values()) if (draft.stream === stream) draft.report.complete = true;
    },
    onEvent(event) {
      if (event.type !== "streamStarted" || event.snapshot === undefined) return;
      for (const draft of byResource.values())
        if (draft.stream === event.stream) draft.report.snapshot = event.snapshot;
    },
    build(finishedAt) {
      const drafts = [...byResource];
      return printable({
        ...head,
        finishedAt,
        complete: problems.length === 0 && drafts.every(([, { report }]) => report.complete),
        problems: [...problems],
        loads: [...loads],
        tables: Object.fromEntries(drafts.map(([resource, draft]) => [resource, { ...draft.report }])),
      });
    },
  };
}

/** Makes `console.log(report)` print the table; not enumerable, so JSON and spreads know nothing of it. */
function printable(report: RunReport): RunReport {
  const print = (): string => printReport(report);
  Object.defineProperty(report, Symbol.for("nodejs.util.inspect.custom"), { value: print });
  Object.defineProperty(report, "toString", { value: print });
  return report;
}
