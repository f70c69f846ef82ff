import type { CheckResult } from "../quality/check-result.ts";
import { alignCells, countText } from "./measure.ts";
import type { TableReport } from "./report.ts";

/** How checks came out, for people: a line for each that failed, and how many passed. */
export function printChecks(tables: readonly TableReport[]): readonly string[] {
  const all = tables.flatMap(({ table, checks }) => checks.map((check) => ({ table, check })));
  if (all.length === 0) return [];
  const failed = all.filter(({ check }) => !check.passed);
  const lines = failed.map(({ table, check }) => [check.severity, table, check.name, foundText(check)]);
  const passed = all.length - failed.length;
  return [
    `${countText(passed)} of ${countText(all.length)} passed`,
    ...(lines.length === 0 ? [] : alignCells(lines, [false, false, false, false])),
  ];
}

/** What a check found, for people: `2 of 1,000 rows failed: -1; -5`, `found 2, wanted at least 3 rows`. */
export function foundText({ rows, failed, examples, value, wanted, passed, kind }: CheckResult): string {
  if (kind === "sql")
    return `${countText(failed)} rows found${examples.length === 0 ? "" : `: ${examples.join("; ")}`}`;
  if (value !== undefined || (!passed && failed === 0))
    return `found ${value ?? "nothing"}, wanted ${wanted}`;
  const counts = `${countText(failed)} of ${countText(rows)} rows failed`;
  return examples.length === 0 ? counts : `${counts}: ${examples.join("; ")}`;
}
