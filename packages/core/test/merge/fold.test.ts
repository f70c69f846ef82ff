import * as fc from "fast-check";
import { expect, test } from "vitest";
import { AlluviumError, type MergeStrategy } from "@alluvium/core";
import { keepHistory } from "../../src/testing/history-model.ts";
import { mergeRows } from "../../src/testing/merge-model.ts";
import { modelChanges } from "../../src/testing/model-changes.ts";
import { batchOfRows, modelRows, valueOf } from "../../src/testing/model-rows.ts";
import { constantVector } from "@alluvium/core/columns";
import { mergeCase, schema, type Case } from "./arbitrary.ts";
import { foldTable, rowTexts } from "./folded-table.ts";

const runs = Number(process.env["FOLD_RUNS"] ?? 300);

/** The outcome, or the code of the error. */
function outcome<Value>(run: () => Value): Value | string {
  try {
    return run();
  } catch (error) {
    if (AlluviumError.is(error) && error.code !== "ALV_INTERNAL") return error.code;
    throw error;
  }
}

function byModel({ stored, written, plan }: Case): { rows: string[]; counts: unknown } {
  const { rows, counts } = mergeRows(modelRows(stored), modelChanges(written, plan), plan);
  return { rows: rowTexts(batchOfRows(rows, schema)).sort(), counts };
}

test.for(["upsert", "insertOnly", "deleteInsert"] as const)(
  "%s: folding a load gives what its changes give one after another",
  (strategy: Exclude<MergeStrategy, "scd2">) => {
    fc.assert(
      fc.property(mergeCase(strategy), (one) => {
        // What a truncate and a merge key take away is not counted.
        const isCounted =
          strategy !== "deleteInsert" && one.written.every(({ batch }) => !batch.changes?.ops.includes(3));
        const counted = <Counts>(counts: Counts): Counts | undefined => (isCounted ? counts : undefined);
        const expected = outcome(() => {
          const { rows, counts } = byModel(one);
          return { rows, counts: counted(counts) };
        });
        const actual = outcome(() => {
          const { rows, counts } = foldTable(one.stored, one.written, one.plan);
          return { rows: rowTexts(rows).sort(), counts: counted(counts) };
        });
        expect(actual).toEqual(expected);
      }),
      { numRuns: runs },
    );
  },
);

test("scd2: folding a load gives the versions that its changes give one after another", () => {
  const boundary = 100n;
  fc.assert(
    fc.property(mergeCase("scd2"), ({ stored, written, plan }) => {
      const since = Array.from({ length: stored.length }, (_, i) => BigInt(i % 4));
      const { from, to, active } = plan.merge!.validity!;
      const timestamp = { kind: "timestamp", zone: "utc" } as const;
      const versions = modelRows(stored).map(
        (row, i) =>
          new Map([
            ...row,
            [from, { vector: constantVector(timestamp, since[i], 1), row: 0 }],
            [active, { vector: constantVector({ kind: "boolean" }, true, 1), row: 0 }],
          ]),
      );
      const expected = outcome(() => {
        const { rows, counts } = keepHistory(versions, modelChanges(written, plan), {
          plan,
          schema,
          now: boundary,
        });
        const texts = rowTexts(batchOfRows(rows, schema));
        return {
          rows: rows
            .map((row, i) => `${texts[i]} ${String(valueOf(row, from))}–${String(valueOf(row, to))}`)
            .sort(),
          counts,
        };
      });
      const actual = outcome(() => {
        const { rows, times, counts } = foldTable(stored, written, plan, boundary, since);
        const texts = rowTexts(rows);
        return {
          rows: times.map(([begin, end], i) => `${texts[i]} ${begin}–${end ?? null}`).sort(),
          counts,
        };
      });
      expect(actual).toEqual(expected);
    }),
    { numRuns: runs },
  );
});
