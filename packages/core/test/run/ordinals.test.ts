import fc from "fast-check";
import { expect, test } from "vitest";
import type { Batch } from "@alluvium/core/columns";
import { batchOf } from "@alluvium/core/testing";
import { createOrdinals } from "../../src/run/ordinals.ts";

const rows = (length: number): Batch => batchOf({ id: [{ kind: "int64" }, Array(length).fill(1n)] });
const changes = (ordinals: readonly bigint[]): Batch => ({
  ...rows(ordinals.length),
  changes: { ops: new Uint8Array(ordinals.length), ordinals: BigInt64Array.from(ordinals) },
});

const greatest = (all: readonly bigint[]): bigint =>
  all.reduce((most, one) => (one > most ? one : most), -1n);

/** What a source does: yields rows, or changes in positions of its own that only grow from batch to batch, or is read anew. */
type Step = { rows: number } | { gap: number; order: number[] } | "restart";

const steps = fc.array(
  fc.oneof(
    fc.record({ rows: fc.integer({ min: 1, max: 4 }) }),
    fc.record({
      gap: fc.integer({ min: 0, max: 3 }),
      order: fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { minLength: 1 }),
    }),
    fc.constant("restart" as const),
  ),
);

test("what is written later stands behind what was written before, whatever the source counts", () => {
  fc.assert(
    fc.property(steps, (script) => {
      const ordinals = createOrdinals();
      let own = 0n;
      const given: bigint[][] = [];
      // As a destination numbers: rows without positions behind all that it has.
      const placed: bigint[][] = [];
      const last = (): bigint => greatest(placed.flat());
      for (const step of script as readonly Step[]) {
        if (step === "restart") {
          ordinals.restart();
          own = 0n;
          continue;
        }
        const mine = "rows" in step ? [] : step.order.map((at) => own + BigInt(step.gap + at));
        own = "rows" in step ? own : greatest(mine) + 1n;
        const batch = ordinals.place("rows" in step ? rows(step.rows) : changes(mine));
        const next = last() + 1n;
        given.push(mine);
        placed.push(
          batch.changes === undefined
            ? Array.from({ length: batch.length }, (_, i) => next + BigInt(i))
            : [...batch.changes.ordinals],
        );
      }
      placed.forEach((batch, i) => {
        for (const one of batch) expect(one).toBeGreaterThan(greatest(placed.slice(0, i).flat()));
        // Within a batch the distances stay.
        const distances = (all: readonly bigint[]): readonly bigint[] => all.map((one) => one - all[0]!);
        expect(distances(batch).slice(0, given[i]!.length)).toEqual(distances(given[i]!));
      });
    }),
  );
});

test("rows and deletes of one portion keep their order though they come in two batches", () => {
  const ordinals = createOrdinals();
  ordinals.place(rows(3));
  const inserts = ordinals.place(changes([1n, 3n])).changes!.ordinals;
  const deletes = ordinals.place(changes([0n, 2n])).changes!.ordinals;
  expect([...inserts, ...deletes]).toEqual([4n, 6n, 3n, 5n]);
});

test("a first read is left as it is", () => {
  const ordinals = createOrdinals();
  ordinals.restart();
  const batch = changes([0n, 1n]);
  expect(ordinals.place(batch)).toBe(batch);
});
