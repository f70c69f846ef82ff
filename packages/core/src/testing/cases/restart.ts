import { deepEqual, ok } from "node:assert/strict";
import type { Capabilities } from "../../destination.ts";
import { batchOf, equalRows, type SuiteCase } from "../suite.ts";
import { suiteLoads } from "../suite-loads.ts";
import { openTarget, plans, stateAt } from "../suite-session.ts";
import { ids, int64, type One, rowsOfIds, string } from "./case.ts";

/** Tables that begin anew (`refresh`), and what a preview says. */
export function restartCases(one: One, { abilities }: Capabilities): readonly SuiteCase[] {
  const merges = abilities.includes("upsert");
  const planOf = (schema = ids().schema) =>
    merges ? plans.merge("t", schema, "upsert") : plans.append("t", schema);
  const wide = batchOf({ id: [int64, [1n, 2n]], old: [string, ["a", "b"]] });
  return [
    one(
      "restart: the first commit takes away the rows that were there, later ones of the session do not",
      async (target) => {
        await suiteLoads(target).load(planOf(wide.schema), wide);
        await using session = await openTarget(target);
        const plan = { ...planOf(wide.schema), restart: "data" } as const;
        const first = await session.begin(plans("a", [plan]));
        await first.write("t", batchOf({ id: [int64, [2n]], old: [string, ["B"]] }));
        await first.mark("t", { seal: true, end: false });
        equalRows(await target.read("t"), [{ id: 1n }, { id: 2n }], "nothing goes before the commit");
        await first.commit(stateAt(1, first.loadId));
        equalRows(await target.read("t"), [{ id: 2n, old: "B" }], "only rows of the load");
        const second = await session.begin(plans("b", [plan]));
        await second.write("t", batchOf({ id: [int64, [3n]], old: [string, [null]] }));
        await second.mark("t", { seal: true, end: true });
        await second.commit(stateAt(2, second.loadId));
        equalRows(
          await target.read("t"),
          [
            { id: 2n, old: "B" },
            { id: 3n, old: null },
          ],
          "the second adds to them",
        );
      },
    ),
    one("restart: a commit that does not take the table's rows leaves them", async (target) => {
      await suiteLoads(target).load(planOf(), ids(1n));
      await using session = await openTarget(target);
      const plan = [{ ...planOf(), restart: "data" } as const, plans.append("u", ids().schema)];
      const first = await session.begin(plans("a", plan));
      await first.write("t", ids(2n));
      await first.write("u", ids(9n));
      await first.mark("u", { seal: true, end: true });
      await first.commit(stateAt(1, first.loadId));
      equalRows(await target.read("t"), rowsOfIds(1n), "the old row stands");
      const second = await session.begin(plans("b", plan));
      await second.mark("t", { seal: true, end: true });
      await second.commit(stateAt(2, second.loadId));
      equalRows(await target.read("t"), rowsOfIds(2n), "until the new one is committed");
    }),
    one("restart: with its tables the columns go too", async (target) => {
      await suiteLoads(target).load(planOf(wide.schema), wide);
      await using session = await openTarget(target);
      const load = await session.begin(plans("a", [{ ...planOf(), restart: "tables" }]));
      await load.write("t", ids(5n));
      await load.mark("t", { seal: true, end: true });
      await load.commit(stateAt(1, load.loadId));
      equalRows(await target.read("t"), rowsOfIds(5n), "its rows");
      const table = await session.describe("t");
      deepEqual(
        table?.schema.fields.map(({ name }) => name),
        ["id"],
        "its columns are those of the load",
      );
    }),
    one("restart: a load that is disposed without commit leaves the table as it was", async (target) => {
      await suiteLoads(target).load(planOf(wide.schema), wide);
      {
        await using session = await openTarget(target);
        const load = await session.begin(plans("a", [{ ...planOf(), restart: "tables" }]));
        await load.write("t", ids(5n));
        await load.mark("t", { seal: true, end: true });
        await load[Symbol.asyncDispose]();
      }
      equalRows(
        await target.read("t"),
        [
          { id: 1n, old: "a" },
          { id: 2n, old: "b" },
        ],
        "rows and columns",
      );
    }),
    one("a preview says what a load would do to tables, and writes nothing", async (target) => {
      const loads = suiteLoads(target);
      await loads.load(planOf(), ids(1n));
      await using session = await target.open();
      await session.recover({ readOnly: true });
      if (session.preview === undefined) return;
      const fresh = plans.append("fresh", wide.schema);
      const previews = await session.preview(plans("l", [planOf(wide.schema), fresh]));
      const of = (table: string): string =>
        previews.find((preview) => preview.table === table)?.statements.join("\n") ?? "";
      ok(/old/.test(of("t")), "the column that is added");
      ok(/id/.test(of("fresh")) && /old/.test(of("fresh")), "all columns of a new table");
      const same = await session.preview(plans("l", [planOf()]));
      deepEqual(
        same.find(({ table }) => table === "t")?.statements ?? [],
        [],
        "nothing where nothing changes",
      );
      ok((await session.describe("fresh")) === undefined, "no table was made");
      await loads.load(planOf(), ids(2n));
      equalRows(await target.read("t"), rowsOfIds(1n, 2n), "and loads go on");
    }),
  ];
}
