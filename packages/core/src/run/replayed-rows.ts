import type { Batch } from "../columns/batch.ts";
import { takeBatch } from "../columns/take.ts";
import type { FailedRows } from "../read/function-checks.ts";
import { rowsAmong } from "./failed-rows.ts";
import type { TablePart } from "./nested-tables.ts";
import { offencesOf } from "./refuse-rows.ts";
import type { Offence } from "./restrict.ts";

/** Rows to be written once more, each with the place of the quarantined row that it is made of. */
export interface ReplayedRows {
  readonly batch: Batch;
  readonly places: Int32Array;
  /** The rows that functions of checks refuse. */
  readonly failed?: FailedRows | undefined;
}

/** What of rows that are written once more can be. */
export interface ReplayParts {
  /** By tables. */
  readonly parts: readonly TablePart[];
  /** Values that the contract leaves out of them. */
  readonly values: number;
  /** The quarantined rows that are refused again, by their places. */
  readonly offences: ReadonlyMap<number, Offence>;
}

/** Holds rows to the contract of their tables and to the checks of rows. Of a quarantined row that became several, all are written or none. */
export async function partsOfReplay(
  { batch: given, places: from, failed }: ReplayedRows,
  split: (batch: Batch) => Promise<readonly TablePart[]>,
): Promise<ReplayParts> {
  const offences = new Map<number, Offence>();
  let [batch, places] = [given, from];
  /** Which row of `given` each row is. */
  let own: Int32Array | undefined;
  let tested = false;
  while (batch.length > 0) {
    const parts = await split(batch);
    const restricted = parts.map(({ table, batch: part }) => table.restrict(part));
    let found = offencesOf(parts, restricted);
    if (found.size === 0 && !tested && parts.some(({ table }) => table.checks !== undefined)) {
      tested = true;
      const { testedParts } = await import("./quality.ts");
      found = offencesOf(parts, testedParts(batch, parts, restricted, failed && rowsAmong(failed, own)));
    }
    if (found.size === 0)
      return {
        parts: parts.map(({ table }, i) => ({ table, batch: restricted[i]!.batch })),
        values: restricted.reduce((sum, { discarded }) => sum + discarded, 0),
        offences,
      };
    for (const [row, offence] of found) offences.set(places[row]!, offence);
    const kept = Int32Array.from(places.keys()).filter((row) => !offences.has(places[row]!));
    batch = takeBatch(batch, kept);
    own = own === undefined ? kept : kept.map((row) => own![row]!);
    places = Int32Array.from(kept, (row) => places[row]!);
  }
  return { parts: [], values: 0, offences };
}
