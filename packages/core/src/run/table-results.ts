import type { CheckResult } from "../quality/check-result.ts";

/** The table of check results, in which all pipelines of a destination write. */
export const checksTable = "_alv_checks";

/** Results of one table's checks. */
export interface TableResults {
  readonly table: string;
  readonly results: readonly CheckResult[];
}
