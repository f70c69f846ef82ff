import type { Batch } from "../columns/batch.ts";
import type { Locate } from "../read/portion.ts";
import type { FailedRows } from "../read/function-checks.ts";
import type { TablePart } from "./nested-tables.ts";
import { refusalOf, type Refusal } from "./refuse-rows.ts";
import type { Restricted } from "./restrict.ts";

/**
 * Looks at what is about to be written with the checks of its tables; gives the rows that they send into the quarantine, `undefined` where there
 * are none.
 */
export function testParts(
  batch: Batch,
  parts: readonly TablePart[],
  restricted: readonly Restricted[],
  failed: FailedRows | undefined,
  locate?: Locate,
): Refusal | undefined {
  return refusalOf(batch, parts, testedParts(batch, parts, restricted, failed), locate);
}

/** What the checks of tables find in the parts of a batch. */
export function testedParts(
  batch: Batch,
  parts: readonly TablePart[],
  restricted: readonly Restricted[],
  failed: FailedRows | undefined,
): readonly Restricted[] {
  return parts.map(({ table }, i): Restricted => {
    const rows = restricted[i]!.batch;
    // Where nested values are taken apart the resource's columns are those of the rows as they came.
    const given = i === 0 && table.nested !== undefined ? batch : rows;
    const offences = table.checks?.test(given, i === 0 ? failed : undefined) ?? [];
    return { batch: rows, offences, discarded: 0 };
  });
}
