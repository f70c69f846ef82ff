import { resourceError } from "../errors.ts";
import { describeValue } from "../columns/refuse.ts";
import type { Batch } from "../columns/batch.ts";
import type { Check } from "../quality/check.ts";
import { puts } from "../quality/put-rows.ts";
import { messageOf } from "../run/retry.ts";
import { mapRows } from "./map-rows.ts";
import type { Portion } from "./portion.ts";

/** The rows that functions refused, by check. */
export type FailedRows = ReadonlyMap<string, readonly number[]>;

/** How many calls may be in work at once where functions are asynchronous. */
const concurrency = 16;

/** Asks the functions of checks about the rows of a portion; `batch` has the same rows. */
export async function askFunctions(
  resource: string,
  checks: readonly Check[],
  portion: Portion,
  batch: Batch,
  signal: AbortSignal,
): Promise<FailedRows> {
  const failed = new Map<string, readonly number[]>();
  if (portion.length === 0) return failed;
  if (batch.changes?.unchanged !== undefined)
    throw resourceError(
      "ALV_UNSUPPORTED",
      resource,
      `check ${checks[0]!.name} needs whole rows, and its rows leave out what did not change; check single columns, or the table by sqlCheck()`,
      { step: "read" },
    );
  const indexes = Array.from({ length: portion.length }, (_, row) => row).filter(puts(batch));
  const rows = portion.rows();
  for (const { name, rule, examples } of checks) {
    if (rule.kind !== "check") continue;
    const holds = rule.holds as (row: object) => unknown;
    const broken = (row: object, error: unknown): never => {
      signal.throwIfAborted();
      throw resourceError(
        "ALV_SOURCE_FAILED",
        resource,
        `check ${name} failed to look at ${examples ? `the row ${describeValue(row)}` : "a row"}: ${messageOf(error)}`,
        { step: "read", cause: error },
      );
    };
    const ask = (row: object): unknown => {
      try {
        const answer = holds(row);
        return answer instanceof Promise ? answer.catch((error: unknown) => broken(row, error)) : answer;
      } catch (error) {
        return broken(row, error);
      }
    };
    const asked = indexes.map((row) => rows[row]!);
    const answers = await mapRows(asked, ask, { concurrency, signal });
    const refused = indexes.filter((_, i) => !answers[i]);
    if (refused.length > 0) failed.set(name, refused);
  }
  return failed;
}
