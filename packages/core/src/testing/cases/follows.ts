import type { Batch } from "../../columns/batch.ts";
import type { TablePlan } from "../../destination.ts";
import { deepEqual } from "node:assert/strict";
import { batchOf, equalRows, type SuiteCase } from "../suite.ts";
import { openTarget, plans, stateAt } from "../suite-session.ts";
import { int64, string, type One } from "./case.ts";

const roots = (...values: readonly (readonly [id: bigint, row: string])[]): Batch =>
  batchOf({ id: [int64, values.map(([id]) => id)], row: [string, values.map(([, row]) => row)] });
const children = (...values: readonly (readonly [own: string, root: string])[]): Batch =>
  batchOf({ own: [string, values.map(([own]) => own)], root: [string, values.map(([, root]) => root)] });

const root = plans.merge("roots", roots().schema, "upsert");
const child: TablePlan = {
  ...plans.merge("children", children().schema, "insertOnly", { primaryKey: ["own"] }),
  stream: root.stream,
  follows: { table: "roots", rowId: "row", rootId: "root" },
};

/** Rows of a table that stay as long as the rows of another one do. */
export function followCases(one: One): readonly SuiteCase[] {
  return [
    one(
      "rows follow their roots: those of rows that are replaced, or lose within the load, go",
      async (target) => {
        await using session = await openTarget(target);
        const first = await session.begin(plans("a", [root]));
        await first.write("roots", roots([1n, "1a"], [2n, "2a"], [1n, "1b"]));
        await first.add(child);
        await first.write("children", children(["x", "1a"], ["y", "1b"], ["z", "2a"], ["z", "2a"]));
        await first.mark(root.stream, { seal: true, end: false });
        await first.commit(stateAt(0, first.loadId));
        const kept = [
          { own: "y", root: "1b" },
          { own: "z", root: "2a" },
        ];
        equalRows(await target.read("children"), kept, "only those of rows that stand in the table");

        const second = await session.begin(plans("b", [root, child]));
        await second.write("roots", roots([2n, "2b"], [3n, "3a"]));
        await second.write("children", children(["w", "3a"], ["v", "nowhere"]));
        await second.mark(root.stream, { seal: true, end: false });
        await second.commit(stateAt(1, second.loadId));
        const next = [
          { own: "y", root: "1b" },
          { own: "w", root: "3a" },
        ];
        equalRows(
          await target.read("children"),
          next,
          "those of a replaced row go, though no rows came for it",
        );
      },
    ),
    one("rows follow their roots in a load that brings none for them", async (target) => {
      await using session = await openTarget(target);
      const first = await session.begin(plans("a", [root, child]));
      await first.write("roots", roots([1n, "1a"], [2n, "2a"]));
      await first.write("children", children(["x", "1a"], ["y", "2a"]));
      await first.mark(root.stream, { seal: true, end: true });
      await first.commit(stateAt(0, first.loadId));
      const second = await session.begin(plans("b", [root, child]));
      await second.write("roots", roots([1n, "1b"]));
      await second.mark(root.stream, { seal: true, end: true });
      const { tables } = await second.commit(stateAt(1, second.loadId));
      equalRows(await target.read("children"), [{ own: "y", root: "2a" }], "the other row's is left");
      const counts = tables.find(({ table }) => table === "children")?.changed;
      deepEqual(counts, { inserted: 0, updated: 0, deleted: 1 }, "what went is counted");
    }),
    one(
      "rows that follow are dropped with the rest of a load, and of a stretch that is rolled back",
      async (target) => {
        await using session = await openTarget(target);
        const load = await session.begin(plans("a", [root, child]));
        await load.write("roots", roots([1n, "1a"]));
        await load.write("children", children(["x", "1a"]));
        await load.mark(root.stream, { seal: true, end: false });
        await load.write("roots", roots([1n, "1b"]));
        await load.write("children", children(["y", "1b"]));
        await load.rollback(root.stream);
        await load.commit(stateAt(0, load.loadId));
        equalRows(await target.read("children"), [{ own: "x", root: "1a" }], "as the roots are");
      },
    ),
  ];
}
