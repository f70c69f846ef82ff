import type { CheckRule, CheckSeverity } from "./check.ts";

/** How a check came out, of all loads of a run together. */
export interface CheckResult {
  /** The check's name. */
  readonly name: string;
  readonly kind: CheckRule["kind"];
  /** The column that it is about, or several joined by a comma; `undefined`: rows or the table as a whole. */
  readonly column: string | undefined;
  readonly severity: CheckSeverity;
  /** Whether it looked at what was about to be committed, or at the table after the commit. */
  readonly when: "before" | "after";
  readonly passed: boolean;
  /** Rows that were looked at. */
  readonly rows: number;
  /** Rows that failed; 0 for checks of a figure. */
  readonly failed: number;
  /** A few values that failed, as text; none of masked columns. */
  readonly examples: readonly string[];
  /** The figure that was measured: a number of rows, the newest value, sums. */
  readonly value: string | undefined;
  /** What was wanted, for people: `at least 0`, `one of "open", "paid"`. */
  readonly wanted: string;
}
