import type { Capabilities } from "../destination.ts";
import { addedTableCases } from "./cases/added-tables.ts";
import { appendCases } from "./cases/append.ts";
import { deleteInsertCases } from "./cases/delete-insert.ts";
import { evolutionCases } from "./cases/evolution.ts";
import { followCases } from "./cases/follows.ts";
import { historyCases } from "./cases/history.ts";
import { insertOnlyCases } from "./cases/insert-only.ts";
import { recoveryCases } from "./cases/recovery.ts";
import { replaceCases } from "./cases/replace.ts";
import { restartCases } from "./cases/restart.ts";
import { schemaChangeCases } from "./cases/schema-changes.ts";
import { sessionCases } from "./cases/session.ts";
import { upsertCases } from "./cases/upsert.ts";
import { upsertLoadCases } from "./cases/upsert-loads.ts";
import type { SuiteCase } from "./suite.ts";
import type { SuiteDestination } from "./suite-session.ts";

/** What the suite is told of a destination. */
export interface DestinationSuiteOptions {
  /** Takes one case: `test` of vitest, jest, `node:test` … */
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** What the destination says of itself: it decides which cases there are. */
  readonly capabilities: Capabilities;
  /** Opens a new, empty place. Called once a case. */
  readonly open: () => Promise<SuiteDestination>;
}

/**
 * What every destination must do, by its capabilities: each case opens sessions, loads, and reads back what stands there.
 *
 * @example
 * ```ts
 * destinationSuite({
 *   test,
 *   capabilities: memoryDestination().capabilities,
 *   async open() {
 *     const memory = memoryDestination();
 *     return suiteDestination(memory, async (table) => memory.store.rows(table));
 *   },
 * });
 * ```
 */
export function destinationSuite(options: DestinationSuiteOptions): void {
  const { capabilities } = options;
  const can = (ability: Capabilities["abilities"][number]): boolean =>
    capabilities.abilities.includes(ability);
  const one = (name: string, run: (target: SuiteDestination) => Promise<void>): SuiteCase => ({
    name,
    async run() {
      const target = await options.open();
      try {
        await run(target);
      } finally {
        await target[Symbol.asyncDispose]?.();
      }
    },
  });
  const cases = [
    ...(can("append") ? [...appendCases(one), ...addedTableCases(one)] : []),
    ...(can("replace") ? replaceCases(one) : []),
    ...(can("upsert") ? [...upsertCases(one), ...upsertLoadCases(one)] : []),
    ...(can("insertOnly") ? insertOnlyCases(one) : []),
    ...(can("deleteInsert") ? deleteInsertCases(one) : []),
    ...(can("scd2") ? historyCases(one) : []),
    ...(capabilities.follows === true ? followCases(one) : []),
    ...evolutionCases(one, capabilities),
    ...restartCases(one, capabilities),
    ...schemaChangeCases(one),
    ...recoveryCases(one, capabilities),
    ...sessionCases(one),
  ];
  for (const { name, run } of cases) options.test(name, run);
}
