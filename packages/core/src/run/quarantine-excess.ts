import { AlluviumError } from "../errors.ts";
import type { QuarantineLimits } from "../quarantine-limits.ts";
import type { RefusalCounts } from "./refusals.ts";

/** Rows below which a percentage says nothing, unless a table has another limit. */
const defaultMinRows = 100;

/**
 * The error of a table of which too many rows were refused; `undefined`: it keeps its limits. `isWhole`: no more rows belong to what `counts` has,
 * so that percentages can be told.
 */
export function quarantineExcess(
  table: { readonly resource: string; readonly table: string; readonly limits: QuarantineLimits },
  counts: RefusalCounts,
  isWhole: boolean,
): AlluviumError | undefined {
  const { maxRows = Infinity, maxPercent = 100, minRows = defaultMinRows } = table.limits;
  const { quarantined, read, examples } = counts;
  const percent = read === 0 ? 0 : (100 * quarantined) / read;
  const limit =
    quarantined > maxRows
      ? `maxRows: ${maxRows}`
      : isWhole && read >= minRows && percent > maxPercent
        ? `maxPercent: ${maxPercent}`
        : undefined;
  if (limit === undefined) return undefined;
  const share = `${quarantined} of ${read} rows`;
  return new AlluviumError(
    "ALV_QUARANTINE_LIMIT",
    `${share} of ${table.table} were refused${isWhole ? ` (${percent.toPrecision(3)} %)` : " so far"}, more than its quarantine may take (${limit}): ${examples.join("; ")}. Nothing of this is committed: mend the source, change what the contract, schema or checks ask, or raise the limit for one run with run({ quarantine })`,
    { resource: table.resource, step: "write" },
  );
}
