import type { Check } from "./check.ts";
import type { CheckResult } from "./check-result.ts";
import { wantedText } from "./row-test.ts";
import type { Tally } from "./tally.ts";

/** The result of a check that counts rows. */
export function countingResult(check: Check, { rows, failed, examples }: Tally): CheckResult {
  return {
    ...resultHead(check),
    passed: failed === 0,
    rows,
    failed,
    examples,
    value: undefined,
    wanted: wantedText(check.rule),
  };
}

/** What a result says of its check. */
export function resultHead(
  check: Check,
): Pick<CheckResult, "name" | "kind" | "column" | "severity" | "when"> {
  const { name, rule, columns, severity, when } = check;
  return {
    name,
    kind: rule.kind,
    column: columns.length === 0 ? undefined : columns.join(", "),
    severity,
    when,
  };
}
