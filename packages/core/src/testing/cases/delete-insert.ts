import { rejects } from "node:assert/strict";
import { changeBatch } from "../change-batch.ts";
import { batchOf, equalRows, type SuiteCase } from "../suite.ts";
import { suiteLoads } from "../suite-loads.ts";
import { openTarget, plans, stateAt, type Rows } from "../suite-session.ts";
import { boolean, hasCode, int32, int64, type One, string } from "./case.ts";

type Row = readonly [id: bigint, day: string | null, a: string];
const columns = { id: int64, day: string, a: string };
const batch = (...values: readonly Row[]) =>
  batchOf({
    id: [int64, values.map(([id]) => id)],
    day: [string, values.map(([, day]) => day)],
    a: [string, values.map(([, , a]) => a)],
  });
const rows = (...values: readonly Row[]): Rows => values.map(([id, day, a]) => ({ id, day, a }));

/** What `deleteInsert` does. */
export function deleteInsertCases(one: One): readonly SuiteCase[] {
  const byDay = plans.merge("t", batch().schema, "deleteInsert", { mergeKey: ["day"] });
  const byKey = plans.merge("t", batch().schema, "deleteInsert");
  return [
    one("deleteInsert: all rows of the merge keys seen go, and nulls equal one another", async (target) => {
      const { load } = suiteLoads(target);
      await load(
        byDay,
        batch([1n, "mon", "a"], [2n, "mon", "b"], [3n, "tue", "c"], [4n, null, "d"], [5n, null, "e"]),
      );
      await load(byDay, batch([6n, "mon", "f"], [7n, null, "g"]));
      equalRows(
        await target.read("t"),
        rows([3n, "tue", "c"], [6n, "mon", "f"], [7n, null, "g"]),
        "rows of Monday, and those without a day",
      );
    }),
    one("deleteInsert: a table never has two rows of a primary key", async (target) => {
      const { load } = suiteLoads(target);
      await load(byDay, batch([1n, "mon", "a"], [2n, "tue", "b"], [2n, "tue", "B"]));
      equalRows(await target.read("t"), rows([1n, "mon", "a"], [2n, "tue", "B"]), "the last row of a key");
      await load(byDay, batch([1n, "wed", "moved"]));
      equalRows(
        await target.read("t"),
        rows([1n, "wed", "moved"], [2n, "tue", "B"]),
        "its old day does not matter",
      );
    }),
    one("deleteInsert: the primary key is the merge key by default", async (target) => {
      const { load } = suiteLoads(target);
      await load(byKey, batch([1n, "mon", "a"], [2n, "mon", "b"]));
      await load(byKey, batch([2n, "tue", "c"], [3n, "mon", "d"]));
      equalRows(
        await target.read("t"),
        rows([1n, "mon", "a"], [2n, "tue", "c"], [3n, "mon", "d"]),
        "other keys stand",
      );
    }),
    one("deleteInsert: deletes, moved keys and truncates", async (target) => {
      const { load } = suiteLoads(target);
      await load(byDay, batch([1n, "mon", "a"], [2n, "tue", "b"], [3n, null, "c"], [4n, "wed", "d"]));
      await load(
        byDay,
        changeBatch(columns, [
          { op: "delete", row: { id: 1n } },
          { op: "update", row: { id: 9n, day: "thu", a: "moved" }, old: { id: 2n } },
        ]),
      );
      equalRows(
        await target.read("t"),
        rows([3n, null, "c"], [4n, "wed", "d"], [9n, "thu", "moved"]),
        "a delete by key has no merge key, not even a null one",
      );
      await load(
        byDay,
        changeBatch(columns, [
          { row: { id: 5n, day: "x", a: "e" } },
          { op: "truncate" },
          { row: { id: 6n, day: "y", a: "f" } },
        ]),
      );
      equalRows(await target.read("t"), rows([6n, "y", "f"]), "a truncate takes away all before it");
    }),
    one(
      "deleteInsert: rows with a delete flag name their merge key, and the order column decides in the load",
      async (target) => {
        const { load } = suiteLoads(target);
        const types = { id: int64, day: string, at: int32, gone: boolean };
        const made = (...values: readonly (readonly [bigint, string, number, boolean])[]) =>
          batchOf({
            id: [int64, values.map(([id]) => id)],
            day: [string, values.map(([, day]) => day)],
            at: [int32, values.map(([, , at]) => at)],
            gone: [boolean, values.map(([, , , gone]) => gone)],
          });
        const plan = plans.merge("t", changeBatch(types, []).schema, "deleteInsert", {
          mergeKey: ["day"],
          orderBy: "at",
          deleteFlag: "gone",
        });
        await load(plan, made([1n, "mon", 9, false], [2n, "tue", 9, false], [3n, "wed", 9, false]));
        await load(plan, made([7n, "mon", 1, true], [2n, "tue", 2, false], [2n, "tue", 1, false]));
        equalRows(
          await target.read("t"),
          [
            { id: 2n, day: "tue", at: 2 },
            { id: 3n, day: "wed", at: 9 },
          ],
          "what is stored goes, whatever its order",
        );
      },
    ),
    one("deleteInsert: it takes effect at the stream's end, once for all that was read", async (target) => {
      await suiteLoads(target).load(byDay, batch([1n, "mon", "a"], [2n, "tue", "b"]));
      await using session = await openTarget(target);
      const first = await session.begin(plans("a", [byDay]));
      await first.write("t", batch([3n, "mon", "c"]));
      await first.mark("t", { seal: true, end: false });
      await first.commit(stateAt(1, first.loadId));
      equalRows(await target.read("t"), rows([1n, "mon", "a"], [2n, "tue", "b"]), "nothing yet");
      const second = await session.begin(plans("b", [byDay]));
      await second.write("t", batch([4n, "mon", "d"]));
      await second.mark("t", { seal: true, end: true });
      await second.commit(stateAt(2, second.loadId));
      equalRows(
        await target.read("t"),
        rows([2n, "tue", "b"], [3n, "mon", "c"], [4n, "mon", "d"]),
        "the rows of both loads: the second did not delete those of the first",
      );
    }),
    one("deleteInsert: a generation that starts again drops what it had staged", async (target) => {
      await suiteLoads(target).load(byDay, batch([1n, "mon", "a"], [2n, "tue", "b"]));
      await using session = await openTarget(target);
      const load = await session.begin(plans("l", [byDay]));
      await load.write("t", batch([3n, "tue", "c"]));
      await load.mark("t", { seal: true, end: false });
      await load.rollback("t", { generation: true });
      await load.write("t", batch([4n, "mon", "d"]));
      await load.mark("t", { seal: true, end: true });
      await load.commit(stateAt(1, load.loadId));
      equalRows(await target.read("t"), rows([2n, "tue", "b"], [4n, "mon", "d"]), "Tuesday was not touched");
    }),
    one("deleteInsert: partial rows are refused, and nothing is harmed", async (target) => {
      const { load } = suiteLoads(target);
      await load(byDay, batch([1n, "mon", "a"]));
      await rejects(
        () => load(byDay, changeBatch(columns, [{ op: "update", row: { id: 1n, a: "b" }, partial: true }])),
        hasCode("ALV_UNSUPPORTED"),
        "it needs whole rows",
      );
      equalRows(await target.read("t"), rows([1n, "mon", "a"]), "the row stands");
    }),
  ];
}
