import type { DestinationSession } from "../destination.ts";
import type { AlluviumError } from "../errors.ts";
import { failureOf } from "../quality/table-checks.ts";
import { checkCommitted } from "../quality/scan-checks.ts";
import type { TableResults } from "./table-results.ts";
import { asError } from "./retry.ts";
import type { StreamRun } from "./stream-run.ts";

/** What checks after the commit need of their run. */
export interface CheckAfterOptions {
  readonly session: DestinationSession;
  readonly streams: readonly StreamRun[];
  /** Bytes that a check may keep. */
  readonly budget: number;
  readonly signal: AbortSignal;
  /** Told how the checks of a table came out. */
  readonly onChecks: (checked: TableResults) => void;
  /** Keeps results at the destination. */
  readonly record: (results: readonly TableResults[]) => Promise<void>;
}

/** Looks at the committed tables of the streams that were read to their end or wrote something; gives the streams of which a check failed. */
export async function checkAfter(options: CheckAfterOptions): Promise<ReadonlyMap<StreamRun, AlluviumError>> {
  const { session, streams, budget, signal } = options;
  const errors = new Map<StreamRun, AlluviumError>();
  const checked: TableResults[] = [];
  for (const run of streams) {
    if (run.status === "parked" || !(run.committed || run.status === "ended")) continue;
    for (const { table, checks, merge, nested, spell } of run.tables) {
      if (checks === undefined || checks.after.length === 0) continue;
      signal.throwIfAborted();
      const { nameOf = (column: string): string => column } = checks.table;
      const isNested = nested !== undefined;
      const active = merge?.validity?.active;
      try {
        const results = await checkCommitted(
          {
            session,
            table,
            checked: checks.table,
            spell: (column) => spell(nameOf(column)),
            isNested,
            active,
            budget,
            signal,
          },
          checks.after,
        );
        const one = { table, results };
        checked.push(one);
        options.onChecks(one);
        const failure = failureOf(checks.table, results);
        if (failure !== undefined && !errors.has(run)) errors.set(run, failure);
      } catch (error) {
        signal.throwIfAborted();
        if (!errors.has(run))
          errors.set(run, asError(error, { resource: checks.table.resource, step: "check" }));
      }
    }
  }
  if (checked.length > 0) await options.record(checked);
  return errors;
}
