import { changeBatch } from "../change-batch.ts";
import { batchOf, equalRows, type SuiteCase } from "../suite.ts";
import { suiteLoads } from "../suite-loads.ts";
import { plans } from "../suite-session.ts";
import { int64, type One, string } from "./case.ts";

const columns = { id: int64, a: string };
const batch = (...values: readonly (readonly [bigint, string])[]) =>
  batchOf({ id: [int64, values.map(([id]) => id)], a: [string, values.map(([, a]) => a)] });

/** What `insertOnly` does. */
export function insertOnlyCases(one: One): readonly SuiteCase[] {
  const plan = plans.merge("t", batch().schema, "insertOnly");
  return [
    one(
      "insertOnly: known keys stay as they are, and of several rows of a key the first is added",
      async (target) => {
        const { load } = suiteLoads(target);
        await load(plan, batch([1n, "a"], [1n, "second"]), batch([1n, "third"], [2n, "b"]));
        await load(plan, batch([1n, "x"], [3n, "c"], [3n, "second"]));
        equalRows(
          await target.read("t"),
          [
            { id: 1n, a: "a" },
            { id: 2n, a: "b" },
            { id: 3n, a: "c" },
          ],
          "first come, first kept",
        );
      },
    ),
    one("insertOnly: updates, deletes and truncates are left out", async (target) => {
      const { load } = suiteLoads(target);
      await load(plan, batch([1n, "a"], [2n, "b"]));
      await load(
        plan,
        changeBatch(columns, [
          { op: "delete", row: { id: 1n } },
          { op: "truncate" },
          { op: "update", row: { id: 2n, a: "x" } },
          { op: "update", row: { id: 3n, a: "x" } },
          { op: "insert", row: { id: 4n, a: "d" } },
        ]),
      );
      equalRows(
        await target.read("t"),
        [
          { id: 1n, a: "a" },
          { id: 2n, a: "b" },
          { id: 4n, a: "d" },
        ],
        "only the insert counts",
      );
    }),
  ];
}
