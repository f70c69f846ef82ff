import type { Batch } from "../columns/batch.ts";
import { countText } from "../run/measure.ts";
import type { Offence } from "../run/restrict.ts";
import { AlluviumError } from "../errors.ts";
import type { Check } from "./check.ts";
import type { CheckResult } from "./check-result.ts";
import {
  addFigures,
  figuresOf,
  hasFigures,
  judge,
  noFigures,
  type Figures,
  type Verdict,
} from "./figures.ts";
import { loadValues, type LoadValues } from "./load-values.ts";
import { puts } from "./put-rows.ts";
import { found, rowCheck, type CheckedTable, type RowCheck } from "./row-checks.ts";
import { wantedText } from "./row-test.ts";
import { countingResult, resultHead } from "./make-result.ts";
import { addTally, noTally, type Tally } from "./tally.ts";

/** The checks of one table in the course of a run, counted and cut where the rows of its stream are. */
export interface TableChecks {
  /** Those that look at the table after the run. */
  readonly after: readonly Check[];
  /** What is known of the table for those. */
  readonly table: CheckedTable;
  /** Looks at rows that are about to be written; gives those that go into the quarantine. `failed`: rows that functions refused, by check. */
  test(batch: Batch, failed: ReadonlyMap<string, readonly number[]> | undefined): readonly Offence[];
  /** Counts rows that are written. */
  count(batch: Batch): void;
  /** Whether what came since the last seal cannot be committed. */
  isDoomed(): boolean;
  /** The stream has no more rows: what can be said only now is found out. */
  end(signal: AbortSignal): Promise<void>;
  /** Why what came since the last seal cannot be committed. */
  failure(): AlluviumError | undefined;
  /** A rollback comes back to here. `close`: what comes now belongs to the next load. */
  seal(close: boolean): void;
  /** What came after the last seal is taken back; `generation`: after the last commit. */
  rollback(generation: boolean): void;
  /** How the checks come out with what is sealed (`all`: with what is not, too), since the last commit. */
  results(all?: boolean): readonly CheckResult[];
  /** What was sealed is committed. */
  commit(): void;
}

/** A check that is counted. */
interface Counted {
  readonly check: Check;
  readonly run: RowCheck | undefined;
  readonly values: LoadValues | undefined;
  loose: Tally;
  sealed: Tally;
}

/** A check of figures. */
interface Measured {
  readonly check: Check;
  committed: Figures;
  sealed: Figures;
  loose: Figures;
  verdict: Verdict | undefined;
}

/** The checks of a table of which nothing has been read; `most` are the bytes that each may keep. */
export function openChecks(table: CheckedTable, checks: readonly Check[], most: number): TableChecks {
  const before = checks.filter(({ when }) => when === "before");
  const counted = before
    .filter((check) => !hasFigures(check))
    .map((check): Counted => {
      const { kind } = check.rule;
      const values = kind === "unique" ? loadValues(table, check, most) : undefined;
      const run = values?.check ?? (kind === "check" ? undefined : rowCheck(table, check));
      return { check, run, values, loose: noTally, sealed: noTally };
    });
  const measured = before.filter(hasFigures).map((check): Measured => {
    const none = noFigures(check);
    return { check, committed: none, sealed: none, loose: none, verdict: undefined };
  });
  let isEnded = false;
  let isSealedEnd = false;

  function resultsOf(all: boolean): readonly CheckResult[] {
    const ended = all ? isEnded : isSealedEnd;
    return [
      ...counted.flatMap(({ check, loose, sealed }) => {
        const { rows, failed, examples } = all ? addTally(sealed, loose) : sealed;
        if (rows === 0 && !ended) return [];
        return [countingResult(check, { rows, failed, examples })];
      }),
      ...measured.flatMap(({ check, verdict, committed, sealed, loose }) => {
        if (verdict === undefined || !ended) return [];
        const { rows } = addFigures(committed, all ? addFigures(sealed, loose) : sealed);
        return [{ ...resultHead(check), ...verdict, rows, failed: 0, examples: [] }];
      }),
    ];
  }

  return {
    after: checks.filter(({ when }) => when === "after"),
    table,
    test(batch, failed) {
      const isCounted = puts(batch);
      const offences: Offence[] = [];
      for (const one of counted) {
        const { check, run } = one;
        const { tally, rows } =
          run?.(batch, isCounted) ??
          functionCheck(table, check, batch, isCounted, failed?.get(check.name) ?? []);
        one.loose = addTally(one.loose, tally);
        if (check.severity !== "quarantine") continue;
        for (const row of rows) offences.push(offence(check, row));
      }
      return offences;
    },
    count(batch) {
      const isCounted = puts(batch);
      for (const one of measured)
        one.loose = addFigures(
          one.loose,
          figuresOf(table.resource, one.check, batch, isCounted, table.nameOf),
        );
    },
    isDoomed: () => counted.some(({ check, loose }) => check.severity === "error" && loose.failed > 0),
    async end(signal) {
      isEnded = true;
      for (const one of measured) {
        const figures = addFigures(one.committed, addFigures(one.sealed, one.loose));
        one.verdict = await judge(table.resource, one.check, figures, signal);
      }
    },
    failure: () => failureOf(table, resultsOf(true)),
    seal(close) {
      for (const one of counted) {
        one.sealed = addTally(one.sealed, one.loose);
        one.loose = noTally;
        one.values?.seal(close);
      }
      for (const one of measured) {
        one.sealed = addFigures(one.sealed, one.loose);
        one.loose = noFigures(one.check);
      }
      isSealedEnd = isEnded;
    },
    rollback(generation) {
      for (const one of counted) {
        one.loose = noTally;
        if (generation) one.sealed = noTally;
        one.values?.rollback(generation);
      }
      for (const one of measured) {
        one.loose = noFigures(one.check);
        if (generation) one.sealed = noFigures(one.check);
        one.verdict = undefined;
      }
      isEnded = false;
      isSealedEnd = false;
    },
    results: (all = false) => resultsOf(all),
    commit() {
      for (const one of counted) {
        one.sealed = noTally;
        one.values?.commit();
      }
      for (const one of measured) {
        one.committed = addFigures(one.committed, one.sealed);
        one.sealed = noFigures(one.check);
      }
      isSealedEnd = false;
    },
  };
}

/** The error of the first check of severity `error` that failed. */
export function failureOf(
  { resource }: CheckedTable,
  results: readonly CheckResult[],
): AlluviumError | undefined {
  const failed = results.filter(({ passed, severity }) => !passed && severity === "error");
  const [first] = failed;
  if (first === undefined) return undefined;
  const { name, column, rows, failed: count, examples, value, wanted, when } = first;
  const what =
    first.failed === 0
      ? `found ${value ?? "nothing"}, wanted ${wanted}`
      : `${countText(count)} of ${countText(rows)} rows fail it (wanted: ${wanted})${examples.length === 0 ? "" : `, such as ${examples.join("; ")}`}`;
  const others =
    failed.length === 1
      ? ""
      : `; ${failed
          .slice(1)
          .map((one) => one.name)
          .join(", ")} failed too`;
  const then =
    when === "before"
      ? "nothing of it was loaded: correct or filter such rows, send them to the quarantine, or change the check"
      : "the load is committed";
  const on = column === undefined || name.includes(column) ? "" : ` on ${column}`;
  return new AlluviumError(
    "ALV_CHECK_FAILED",
    `resource ${JSON.stringify(resource)}: check ${name}${on} failed ${when} the commit: ${what}${others}; ${then}`,
    { resource, step: when === "before" ? "write" : "check" },
  );
}

/** What functions said of rows when they were read. */
function functionCheck(
  table: CheckedTable,
  check: Check,
  batch: Batch,
  isCounted: (row: number) => boolean,
  failed: readonly number[],
): ReturnType<RowCheck> {
  let looked = 0;
  for (let row = 0; row < batch.length; row++) if (isCounted(row)) looked += 1;
  return found(table, check, batch, failed, looked);
}

function offence({ name, columns, rule }: Check, row: number): Offence {
  const [column] = columns;
  return {
    row,
    rule: name,
    column: columns.length === 1 ? column : undefined,
    message: `check ${name}: wanted ${wantedText(rule)}`,
    reason: "ALV_CHECK_FAILED",
    policy: "quarantine",
  };
}
