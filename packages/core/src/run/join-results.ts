import type { CheckResult } from "../quality/check-result.ts";
import { addTally } from "../quality/tally.ts";

/** Results of a table together with further ones: those of one check count as one, with the newest figure. */
export function joinResults(
  before: readonly CheckResult[],
  more: readonly CheckResult[],
): readonly CheckResult[] {
  const joined = new Map(before.map((result) => [result.name, result]));
  for (const result of more) {
    const known = joined.get(result.name);
    const isCounted = result.when === "before" && result.value === undefined;
    joined.set(
      result.name,
      known === undefined || !isCounted
        ? result
        : {
            ...result,
            passed: known.passed && result.passed,
            ...addTally(known, result),
          },
    );
  }
  return [...joined.values()];
}
