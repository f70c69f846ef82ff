import type { Capabilities, MergeStrategy } from "@alluvium/core";
import {
  memoryDestination,
  seededRandom,
  suiteDestination,
  type SuiteDestination,
} from "@alluvium/core/testing";
import { describe, expect, test } from "vitest";
import { texts, versionTexts } from "./compare.ts";
import type { History, SourceRow } from "./history.ts";
import { memoryRows } from "./memory-rows.ts";
import { player, TABLE } from "./play.ts";
import { randomHistory } from "./random-history.ts";
import { scriptedHistory } from "./scripted-history.ts";

/** What histories are played into. */
export interface HistoryTestOptions {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Opens a new, empty place. */
  readonly open: () => Promise<SuiteDestination>;
  /** All rows of a table, if other than `read` of the place; timestamps in µs (bigint) or as text in full. */
  readonly read?: (target: SuiteDestination, table: string) => Promise<readonly SourceRow[]>;
  /** How many histories at random for each strategy. @default 2, or HISTORIES of the environment */
  readonly histories?: number;
}

const strategies: readonly MergeStrategy[] = ["upsert", "insertOnly", "deleteInsert", "scd2"];

/**
 * Plays a scripted history of thirty loads and histories at random into a destination, and compares its table after each load: an upsert with the
 * rows of the source itself, and every strategy with the model in memory. The seed of a random history is the name of its test; HISTORY_SEED
 * plays one alone.
 */
export function historyTest(options: HistoryTestOptions): void {
  const { name, capabilities, histories = Number(process.env["HISTORIES"] ?? 2) } = options;
  const can = strategies.filter((strategy) => capabilities.abilities.includes(strategy));
  const chosen = process.env["HISTORY_SEED"];
  const first = chosen === undefined ? Math.floor(Math.random() * 1e9) : Number(chosen);
  const seeds = Array.from({ length: chosen === undefined ? histories : 1 }, (_, i) => first + i);
  describe(`histories: ${name}`, () => {
    test.for(can.filter((strategy) => strategy !== "deleteInsert"))(
      "thirty scripted loads, %s",
      async (strategy) => {
        await expect(follow(options, scriptedHistory(capabilities, strategy))).resolves.toBeUndefined();
      },
    );
    describe.for(can)("at random, %s", (strategy) => {
      test.for(seeds)("seed %i", async (seed) => {
        const random = seededRandom(seed);
        const history = randomHistory({ strategy, capabilities, random, loads: 8 });
        await expect(follow(options, history)).resolves.toBeUndefined();
      });
    });
  });
}

async function follow(options: HistoryTestOptions, history: History): Promise<void> {
  const { capabilities, open, read = (target, table) => target.read(table) } = options;
  const { widens, storedType } = capabilities;
  const target = await open();
  // The clock of the model stands still: versions follow one another by the boundary alone.
  const memory = memoryDestination({ storedType, now: () => 0, ...(widens && { widens }) });
  const model = suiteDestination(memory, async (table) => memoryRows(memory, table));
  const [played, modelled] = [player(target, history), player(model, history)];
  const compared = (rows: readonly SourceRow[]): string[] =>
    history.strategy === "scd2" ? versionTexts(rows, history.primaryKey) : texts(rows);
  try {
    let sequence = 0;
    for (const [i, load] of history.loads.entries()) {
      // Histories are those of real sources, so no load fails.
      expect(await modelled.play(load, sequence), `error of load ${i} in the model`).toBeUndefined();
      expect(await played.play(load, sequence), `error of load ${i}`).toBeUndefined();
      const rows = await read(target, TABLE);
      expect(compared(rows), `after load ${i}`).toEqual(compared(await model.read(TABLE)));
      sequence += 1;
      const source = history.isExact ? played.source : rows;
      expect(texts(rows), `the source after load ${i}`).toEqual(texts(source));
    }
  } finally {
    await played.close();
    await modelled.close();
    await target[Symbol.asyncDispose]?.();
  }
}
