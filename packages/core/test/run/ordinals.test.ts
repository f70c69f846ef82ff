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
      // As a destination numbers: rows without positions behind all that it has.
      let last = -1n;
      for (const step of script as readonly Step[]) {
        if (step === "restart") {
          ordinals.restart();
          own = 0n;
        } else if ("rows" in step) {
          expect(ordinals.place(rows(step.rows)).changes).toBeUndefined();
          last += BigInt(step.rows);
        } else {
          const given = step.order.map((at) => own + BigInt(step.gap + at));
          own = given.reduce((most, one) => (one >= most ? one + 1n : most), own);
          const placed = [...ordinals.place(changes(given)).changes!.ordinals];
          for (const one of placed) expect(one).toBeGreaterThan(last);
          // Within a read without plain rows the distances stay.
          expect(placed.map((one) => one - placed[0]!)).toEqual(given.map((one) => one - given[0]!));
          last = placed.reduce((most, one) => (one > most ? one : most), last);
        }
      }
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
