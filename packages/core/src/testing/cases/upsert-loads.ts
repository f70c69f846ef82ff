import { deepEqual } from "node:assert/strict";
import { changeBatch } from "../change-batch.ts";
import { batchOf, equalRows, type SuiteCase } from "../suite.ts";
import { suiteLoads } from "../suite-loads.ts";
import { openTarget, plans, stateAt } from "../suite-session.ts";
import { int64, type One, string } from "./case.ts";

const columns = { id: int64, a: string };
const batch = (...values: readonly (readonly [bigint, string])[]) =>
  batchOf({ id: [int64, values.map(([id]) => id)], a: [string, values.map(([, a]) => a)] });
const plan = plans.merge("t", batch().schema, "upsert");

/** Merges among marks, rollbacks and several loads. */
export function upsertLoadCases(one: One): readonly SuiteCase[] {
  return [
    one("upsert: what is rolled back leaves no trace", async (target) => {
      await suiteLoads(target).load(plan, batch([1n, "a"], [2n, "b"]));
      await using session = await openTarget(target);
      const load = await session.begin(plans("l", [plan]));
      await load.write("t", batch([1n, "sealed"]));
      await load.mark("t", { seal: true, end: false });
      await load.write("t", changeBatch(columns, [{ op: "delete", row: { id: 1n } }, { op: "truncate" }]));
      await load.write("t", batch([3n, "dropped"]));
      await load.rollback("t");
      await load.write("t", batch([4n, "after"]));
      await load.mark("t", { seal: true, end: true });
      await load.commit(stateAt(1, load.loadId));
      equalRows(
        await target.read("t"),
        [
          { id: 1n, a: "sealed" },
          { id: 2n, a: "b" },
          { id: 4n, a: "after" },
        ],
        "what was sealed, and what came after",
      );
    }),
    one("upsert: a new generation drops sealed changes too", async (target) => {
      await suiteLoads(target).load(plan, batch([1n, "a"]));
      await using session = await openTarget(target);
      const load = await session.begin(plans("l", [plan]));
      await load.write("t", changeBatch(columns, [{ op: "delete", row: { id: 1n } }]));
      await load.mark("t", { seal: true, end: false });
      await load.rollback("t", { generation: true });
      await load.write("t", batch([2n, "b"]));
      await load.mark("t", { seal: true, end: true });
      await load.commit(stateAt(1, load.loadId));
      equalRows(
        await target.read("t"),
        [
          { id: 1n, a: "a" },
          { id: 2n, a: "b" },
        ],
        "the delete never was",
      );
    }),
    one("upsert: what is not sealed is carried over and merged with the next load", async (target) => {
      await using session = await openTarget(target);
      const first = await session.begin(plans("a", [plan]));
      await first.write("t", batch([1n, "a"], [2n, "b"]));
      await first.mark("t", { seal: true, end: false });
      await first.write("t", changeBatch(columns, [{ op: "delete", row: { id: 1n } }], 7n));
      await first.write("t", batch([2n, "carried"]));
      await first.commit(stateAt(0, first.loadId));
      equalRows(
        await target.read("t"),
        [
          { id: 1n, a: "a" },
          { id: 2n, a: "b" },
        ],
        "only what is sealed",
      );
      const second = await session.begin(plans("b", [plan]));
      await second.write("t", changeBatch(columns, [{ op: "update", row: { id: 2n, a: "last" } }], 8n));
      await second.mark("t", { seal: true, end: true });
      await second.commit(stateAt(1, second.loadId));
      equalRows(await target.read("t"), [{ id: 2n, a: "last" }], "the carried delete, then the newer row");
    }),
    one(
      "upsert: ordinals that begin again after a sealed mark come after what was before it",
      async (target) => {
        await using session = await openTarget(target);
        const load = await session.begin(plans("l", [plan]));
        await load.write("t", changeBatch(columns, [{ row: { id: 1n, a: "first" } }], 100n));
        await load.mark("t", { seal: true, end: false });
        await load.write("t", changeBatch(columns, [{ op: "update", row: { id: 1n, a: "second" } }], 0n));
        await load.mark("t", { seal: true, end: true });
        await load.commit(stateAt(0, load.loadId));
        equalRows(await target.read("t"), [{ id: 1n, a: "second" }], "the read that went on from the mark");
      },
    ),
    one("upsert: a load without rows changes nothing", async (target) => {
      const { load } = suiteLoads(target);
      await load(plan, batch([1n, "a"]));
      await load(plan);
      await load(plan, batch());
      await load(plan, changeBatch(columns, []));
      equalRows(await target.read("t"), [{ id: 1n, a: "a" }], "the row stands");
    }),
    one("upsert: several loads of one session, and tables that were appended to before", async (target) => {
      const before = suiteLoads(target);
      await before.load(plans.append("t", batch().schema), batch([1n, "a"], [2n, "b"]));
      await using session = await openTarget(target);
      for (const [i, next] of [batch([2n, "c"]), batch([2n, "d"], [3n, "e"])].entries()) {
        const load = await session.begin(plans("l", [plan]));
        await load.write("t", next);
        await load.mark("t", { seal: true, end: i === 1 });
        await load.commit(stateAt(1 + i, load.loadId));
      }
      equalRows(
        await target.read("t"),
        [
          { id: 1n, a: "a" },
          { id: 2n, a: "d" },
          { id: 3n, a: "e" },
        ],
        "no reload was needed",
      );
      const table = await session.describe("t");
      deepEqual(
        table?.schema.fields.map(({ name }) => name),
        ["id", "a"],
        "describe names the columns that were written",
      );
    }),
  ];
}
