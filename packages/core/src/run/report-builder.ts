import type { LoadReceipt, RowCounts } from "../destination.ts";
import type { SchemaChange } from "../schema/schema-change.ts";
import type { RunEvent } from "./events.ts";
import type { CheckResult } from "../quality/check-result.ts";
import { joinResults } from "./join-results.ts";
import { printReport } from "./report-text.ts";
import type { RefusalCounts } from "./refusals.ts";
import type { RunPlan } from "./run-plan.ts";
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
  /** Counts what was refused of a table, once it is committed. */
  refusals(table: string, counts: RefusalCounts): void;
  /** Takes how checks of a table came out. */
  checks(table: string, results: readonly CheckResult[]): void;
  schemaChanges(table: string, changes: readonly SchemaChange[]): void;
  /** What a dry run found out. */
  plan(plan: RunPlan): void;
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
  readonly resource: string;
  readonly stream: string;
  readonly report: { -readonly [Key in keyof TableReport]: TableReport[Key] };
}

/** A report of a run that has done nothing yet. */
export function createReportBuilder(head: ReportHead): ReportBuilder {
  const drafts: Draft[] = [];
  const loads: RunReport["loads"][number][] = [];
  const problems: RunProblem[] = [];
  let plan: RunPlan | undefined;
  const change = (
    key: "resource" | "stream" | "table",
    name: string,
    work: (report: Draft["report"]) => void,
  ): void => {
    for (const draft of drafts)
      if ((key === "table" ? draft.report.table : draft[key]) === name) work(draft.report);
  };

  return {
    table(resource, table, stream, disposition) {
      const report: TableReport = {
        table,
        rows: 0,
        quarantined: 0,
        discarded: { rows: 0, values: 0 },
        changed: undefined,
        bytes: 0,
        files: 0,
        version: undefined,
        disposition,
        refreshed: undefined,
        checks: [],
        schemaChanges: [],
        snapshot: undefined,
        complete: false,
      };
      drafts.push({ resource, stream, report });
    },
    load({ loadId, sequence, committedAt, tables }) {
      loads.push({ loadId, sequence, committedAt });
      for (const { table, rows, changed, bytes, files, version, parked } of tables)
        if (parked === undefined)
          change("table", table, (report) => {
            report.rows += rows;
            report.changed = addCounts(report.changed, changed);
            report.bytes += bytes;
            report.files += files;
            report.version = version ?? report.version;
          });
    },
    refusals(table, { quarantined, rows, values }) {
      change("table", table, (report) => {
        const { discarded } = report;
        report.quarantined += quarantined;
        report.discarded = { rows: discarded.rows + rows, values: discarded.values + values };
      });
    },
    checks(table, results) {
      change("table", table, (report) => {
        report.checks = joinResults(report.checks, results);
      });
    },
    schemaChanges(table, changes) {
      change("table", table, (report) => {
        report.schemaChanges = [...report.schemaChanges, ...changes];
      });
    },
    plan(found) {
      plan = found;
    },
    sample(resource, rows) {
      change("resource", resource, (report) => {
        report.sample = rows;
        report.rows = rows.length;
      });
    },
    problem(problem) {
      problems.push(problem);
    },
    finished(stream) {
      change("stream", stream, (report) => {
        report.complete = true;
      });
    },
    onEvent(event) {
      if (event.type === "tableRefreshed")
        change("table", event.table, (report) => {
          report.refreshed = event.refresh;
        });
      if (event.type === "streamStarted")
        change("stream", event.stream, (report) => {
          report.snapshot = event.snapshot ?? report.snapshot;
        });
    },
    build(finishedAt) {
      const report: RunReport = {
        ...head,
        finishedAt,
        complete: problems.length === 0 && drafts.every((draft) => draft.report.complete),
        problems: [...problems],
        loads: [...loads],
        plan,
        tables: Object.fromEntries(drafts.map((draft) => [draft.resource, { ...draft.report }])),
      };
      // `console.log(report)` prints the table; not enumerable, so JSON and spreads know nothing of it.
      const value = (): string => printReport(report);
      for (const key of ["toString", Symbol.for("nodejs.util.inspect.custom")])
        Object.defineProperty(report, key, { value });
      return report;
    },
  };
}

function addCounts(before: RowCounts | undefined, more: RowCounts | undefined): RowCounts | undefined {
  if (before === undefined || more === undefined) return more ?? before;
  return {
    inserted: before.inserted + more.inserted,
    updated: before.updated + more.updated,
    deleted: before.deleted + more.deleted,
  };
}
