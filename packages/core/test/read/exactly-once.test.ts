import fc from "fast-check";
import { expect, test } from "vitest";
import { checkpoint } from "../../src/checkpoint.ts";
import { pipeline } from "../../src/pipeline.ts";
import { resource } from "../../src/resource.ts";
import { source } from "../../src/source.ts";
import { memoryDestination } from "../../src/testing/memory-destination.ts";
import { typed } from "../../src/typed.ts";

interface Row {
  id: number;
  at: Date;
}

const habits = ["plain", "ascending", "newest first", "lag"] as const;

test("any schedule of failures and growth loads every row once", { timeout: 120_000 }, async () => {
  const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...habits),
      // Times at which rows appear, few values so that many are equal; and after how many yields each attempt fails.
      fc.array(fc.array(fc.nat({ max: 2 }), { maxLength: 12 }), { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: -6, max: 12 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 5 }),
      fc.nat({ max: 3 }),
      async (habit, growth, failures, page, joins) => {
        const table: Row[] = [];
        const attempts = [...failures];
        const orders = resource({
          name: "orders",
          schema: typed<Row>(),
          cursor: {
            column: "at",
            ...(habit === "ascending" && { order: "ascending" }),
            ...(habit === "lag" && { lag: { seconds: 1 } }),
          },
          async *read({ since, position }) {
            let left = attempts.shift() ?? -1;
            const found = table.filter(({ at }) => since === undefined || at >= since);
            // A position names rows, not pages, so that it holds while the table grows.
            const rows = habit === "newest first" ? found.toReversed() : found;
            const from = position === undefined ? 0 : rows.findIndex(({ id }) => id === position) + 1;
            for (let i = from; i < rows.length; i += page) {
              yield rows.slice(i, i + page);
              if (habit === "newest first") yield checkpoint(rows[Math.min(i + page, rows.length) - 1]!.id);
              if (left-- === 0) throw new Error("connection reset");
            }
          },
        });
        const late = orders.filter(({ id }) => id % 2 === 0).as("late");
        const destination = memoryDestination();
        const runOnce = async (turn: number): Promise<boolean> => {
          const resources = turn >= joins ? [orders, late] : [orders];
          const load = pipeline({ name: "p", source: source("s", () => resources)(), destination });
          try {
            await load.run({ commitInterval: 0, retry: { attempts: 1 } });
            return true;
          } catch {
            return false;
          }
        };
        let clock = 0;
        let turn = 0;
        for (const step of growth) {
          // A read that was cut newest first goes on below; what has been added above waits for the next one.
          for (const forward of step)
            table.push({ id: table.length, at: new Date((clock += forward) * 1000) });
          await runOnce(turn++);
        }
        // Lag holds back what is near the greatest value.
        table.push({ id: table.length, at: new Date((clock + 10) * 1000) });
        turn = Math.max(turn, joins);
        let clean = 0;
        for (let i = 0; i < 40 && clean < 3; i++) clean = (await runOnce(turn)) ? clean + 1 : 0;
        const last = table.length - (habit === "lag" ? 1 : 0);
        const ids = (name: string): number[] =>
          destination.store
            .rows(name)
            .map((row) => Number(row["id"]))
            .toSorted((a, b) => a - b);
        const expected = Array.from({ length: last }, (_, id) => id);
        expect(ids("orders")).toEqual(expected);
        expect(ids("late")).toEqual(expected.filter((id) => id % 2 === 0));
      },
    ),
    { seed, numRuns: 150 },
  );
});
