import * as fc from "fast-check";
import { expect, test } from "vitest";
import { AlluviumError, type MergeStrategy } from "@alluvium/core";
import { mergeCase, schema, type Case } from "../../../../core/test/merge/arbitrary.ts";
import { rowTexts } from "../../../../core/test/merge/folded-table.ts";
import { keepHistory } from "../../../../core/src/testing/history-model.ts";
import { mergeRows } from "../../../../core/src/testing/merge-model.ts";
import { modelChanges } from "../../../../core/src/testing/model-changes.ts";
import { batchOfRows, modelRows, type ModelRow } from "../../../../core/src/testing/model-rows.ts";
import { clockStore, openTest } from "../../lake/lakes.ts";
import { mergeLake, mergeLoad, modes, readTable } from "./merging.ts";

const runs = Number(process.env["MERGE_RUNS"] ?? 40);
const validity = [
  { name: "_alv_valid_from", type: { kind: "timestamp", zone: "utc" } as const, nullable: true },
  { name: "_alv_valid_to", type: { kind: "timestamp", zone: "utc" } as const, nullable: true },
  { name: "_alv_active", type: { kind: "boolean" } as const, nullable: true },
];

interface Outcome {
  readonly rows: readonly string[];
  readonly counts: unknown;
}

const begun = BigInt(Date.parse("2026-01-02T03:04:05.678Z")) * 1000n;
const step = 60_000;

function byModel({ stored, written, plan }: Case): Outcome | string {
  const strategy = (plan.disposition as { strategy: MergeStrategy }).strategy;
  try {
    if (strategy !== "scd2") {
      const { rows, counts } = mergeRows(modelRows(stored), modelChanges(written, plan), plan);
      return { rows: textsOf(rows, false), counts };
    }
    const first = keepHistory([], modelChanges([{ batch: stored, stretch: 0 }], plan), {
      plan,
      schema,
      now: begun,
    });
    const now = begun + BigInt(step) * 1000n;
    const { rows, counts } = keepHistory(first.rows, modelChanges(written, plan), { plan, schema, now });
    return { rows: textsOf(rows, true), counts };
  } catch (error) {
    if (AlluviumError.is(error) && error.code !== "ALV_INTERNAL") return error.code;
    throw error;
  }
}

function textsOf(rows: readonly ModelRow[], versions: boolean): readonly string[] {
  return [
    ...rowTexts(batchOfRows(rows, versions ? { fields: [...schema.fields, ...validity] } : schema)),
  ].sort();
}

async function byDelta(
  { stored, written, plan }: Case,
  mode: (typeof modes)[number],
  budget: number,
): Promise<Outcome | string> {
  const strategy = (plan.disposition as { strategy: MergeStrategy }).strategy;
  const { store, later } = clockStore();
  const lake = mergeLake(mode);
  {
    await using session = await openTest(store, lake);
    await session.recover();
    const first = {
      ...plan,
      disposition: { kind: "merge", strategy: strategy === "scd2" ? "scd2" : "upsert" },
    } as const;
    const { merge } = plan;
    // What a table holds before is as it came: nothing in it is a delete.
    const keeps = strategy === "scd2" ? { merge } : { merge: {} };
    await mergeLoad(session, { ...first, ...keeps }, stored.length === 0 ? [] : [stored]);
  }
  later(step);
  await using session = await openTest(store, lake, { budget });
  await session.recover();
  const { tables } = await mergeLoad(session, plan, written);
  const [receipt] = tables;
  if (receipt?.parked !== undefined) return receipt.parked.split(":")[0]!;
  const table = await readTable(store, "t");
  return {
    rows: table === undefined ? [] : [...rowTexts(table)].sort(),
    counts: receipt?.changed ?? { inserted: 0, updated: 0, deleted: 0 },
  };
}

/** A truncate's rows are not counted in a merge of keys. */
function isCounted({ written, plan }: Case): boolean {
  const strategy = (plan.disposition as { strategy: MergeStrategy }).strategy;
  return strategy === "scd2" || written.every(({ batch }) => !batch.changes?.ops.includes(3));
}

test.for(
  modes.flatMap((mode) =>
    (["upsert", "insertOnly", "deleteInsert", "scd2"] as const).map((strategy) => [strategy, mode] as const),
  ),
)(
  "%s by %s: a merged table holds what the changes of its load give one after another",
  { timeout: 300_000 },
  async ([strategy, mode]) => {
    await fc.assert(
      // With little memory the load is folded in parts, by the hash of its keys.
      fc.asyncProperty(mergeCase(strategy), fc.constantFrom(1 << 24, 512), async (one, budget) => {
        const expected = byModel(one);
        const actual = await byDelta(one, mode, budget);
        const isWhole = typeof expected === "string" || isCounted(one);
        const compared = (outcome: Outcome | string): unknown =>
          isWhole ? outcome : (outcome as Outcome).rows;
        expect(compared(actual)).toEqual(compared(expected));
      }),
      { numRuns: runs },
    );
  },
);
