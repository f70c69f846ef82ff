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

type Draft = { -readonly [Key in keyof TableReport]: TableReport[Key] } & { readonly stream: string };

/** A report of a run that has done nothing yet. */
export function createReportBuilder(head: ReportHead): ReportBuilder {
  const byResource = new Map<string, Draft>();
  const byTable = new Map<string, Draft>();
  const loads: RunReport["loads"][number][] = [];
  const problems: RunProblem[] = [];

  return {
    table(resource, table, stream, disposition) {
      const draft: Draft = {
        table,
        stream,
        rows: 0,
        bytes: 0,
        files: 0,
        version: undefined,
        disposition,
        schemaChanges: [],
        snapshot: undefined,
        complete: false,
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
        const draft = byTable.get(part.table);
        if (draft === undefined || part.parked !== undefined) continue;
        draft.rows += part.rows;
        draft.bytes += part.bytes;
        draft.files += part.files;
        draft.version = part.version ?? draft.version;
      }
    },
    schemaChanges(table, changes) {
      const draft = byTable.get(table);
      if (draft !== undefined) draft.schemaChanges = [...draft.schemaChanges, ...changes];
    },
    sample(resource, rows) {
      const draft = byResource.get(resource);
      if (draft === undefined) return;
      draft.sample = rows;
      draft.rows = rows.length;
    },
    problem(problem) {
      problems.push(problem);
    },
    finished(stream) {
      for (const draft of byResource.values()) if (draft.stream === stream) draft.complete = true;
    },
    onEvent(event) {
      if (event.type !== "streamStarted" || event.snapshot === undefined) return;
      for (const draft of byResource.values())
        if (draft.stream === event.stream) draft.snapshot = event.snapshot;
    },
    build(finishedAt) {
      const drafts = [...byResource];
      return printable({
        ...head,
        finishedAt,
        complete: problems.length === 0 && drafts.every(([, draft]) => draft.complete),
        problems: [...problems],
        loads: [...loads],
        tables: Object.fromEntries(drafts.map(([resource, { stream: _, ...table }]) => [resource, table])),
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
