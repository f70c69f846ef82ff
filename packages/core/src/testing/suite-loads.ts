import { ok } from "node:assert/strict";
import type { Batch } from "../columns/batch.ts";
import type { LoadReceipt, TablePlan, TableReceipt } from "../destination.ts";
import { AlluviumError, type ErrorCode } from "../errors.ts";
import { openTarget, plans, stateAt, type Rows, type SuiteDestination } from "./suite-session.ts";

/** Loads into one table, one after another, each in a session of its own. */
export interface SuiteLoads {
  /** Loads batches of one stream to its end and returns what the receipt says of the table. */
  readonly load: (plan: TablePlan, ...batches: readonly Batch[]) => Promise<TableReceipt | undefined>;
  /** The number of the next load. */
  readonly sequence: number;
}

export function suiteLoads(target: SuiteDestination): SuiteLoads {
  let sequence = 0;
  return {
    get sequence() {
      return sequence;
    },
    async load(plan, ...batches) {
      const { tables } = await loadOnce(target, sequence, plan, batches);
      sequence += 1;
      return tables.find(({ table }) => table === plan.table);
    },
  };
}

/** One load of one table in a session of its own. */
async function loadOnce(
  target: SuiteDestination,
  sequence: number,
  plan: TablePlan,
  batches: readonly Batch[],
): Promise<LoadReceipt> {
  await using session = await openTarget(target);
  const load = await session.begin(plans("l", [plan]));
  for (const batch of batches) await load.write(plan.table, batch);
  await load.mark(plan.stream, { seal: true, end: true });
  return await load.commit(stateAt(sequence, load.loadId));
}

/** Checks that a load is refused with a code: it fails, or, where it was accepted before it could be applied, its table is set aside. */
export async function refused(load: Promise<TableReceipt | undefined>, code: ErrorCode): Promise<void> {
  let receipt: TableReceipt | undefined;
  try {
    receipt = await load;
  } catch (error) {
    if (AlluviumError.is(error) && error.code === code) return;
    throw error;
  }
  ok(receipt?.parked?.includes(code) === true, `the load is refused with ${code}`);
}

/** Rows of an `scd2` table without their times: which of them are active, and which have ended. */
export function versionsOf(rows: Rows): Rows {
  return rows.map(({ _alv_valid_from, _alv_valid_to, _alv_active, ...row }) => ({
    ...row,
    began: _alv_valid_from !== null && _alv_valid_from !== undefined,
    ended: _alv_valid_to !== null && _alv_valid_to !== undefined,
    active: _alv_active,
  }));
}
