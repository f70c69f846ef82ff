import { deepEqual, equal, rejects } from "node:assert/strict";
import { rowsOf } from "../../columns/rows.ts";
import { batchOf, equalRows, type SuiteCase } from "../suite.ts";
import { openTarget, plans, stateAt, type Rows } from "../suite-session.ts";
import { hasCode, ids, int64, rowsOfIds, string, type One } from "./case.ts";

/** Tables that turn up while a load is under way, and the reading of committed rows. */
export function addedTableCases(one: One): readonly SuiteCase[] {
  return [
    one("a table that turns up midway is part of the load", async (target) => {
      await using session = await openTarget(target);
      const load = await session.begin(plans("l", [plans.append("t", ids().schema)]));
      await load.write("t", ids(1n));
      // Of the same stream, as a child table would be.
      await load.add({ ...plans.append("late", ids().schema), stream: "t" });
      await load.write("late", ids(2n, 3n));
      await load.mark("t", { seal: true, end: false });
      await load.write("late", ids(4n));
      await load.rollback("t");
      const { tables } = await load.commit(stateAt(0, load.loadId));
      deepEqual(tables.map(({ table, rows }) => `${table} ${rows}`).sort(), ["late 2", "t 1"]);
      equalRows(await target.read("late"), rowsOfIds(2n, 3n), "it is cut where its stream is");
    }),
    one("a table that turned up goes on in the session's next load", async (target) => {
      await using session = await openTarget(target);
      const table = plans.append("t", ids().schema);
      const late = { ...plans.append("late", ids().schema), stream: "t" };
      const first = await session.begin(plans("a", [table]));
      await first.add(late);
      await first.write("late", ids(1n));
      await first.mark("t", { seal: true, end: false });
      await first.write("late", ids(2n));
      await first.commit(stateAt(0, first.loadId));
      const second = await session.begin(plans("b", [table, late]));
      await second.mark("t", { seal: true, end: true });
      await second.commit(stateAt(1, second.loadId));
      equalRows(await target.read("late"), rowsOfIds(1n, 2n), "what was open is carried over");
    }),
    one("a load that is dropped leaves nothing of a table that turned up", async (target) => {
      {
        await using session = await openTarget(target);
        await using load = await session.begin(plans("l", [plans.append("t", ids().schema)]));
        await load.add({ ...plans.append("late", ids().schema), stream: "t" });
        await load.write("late", ids(1n));
        await load.mark("t", { seal: true, end: true });
      }
      await using session = await openTarget(target);
      equal(await session.describe("late"), undefined);
      equalRows(await target.read("late"), [], "no rows");
    }),
    one("scan gives the committed rows, with the columns that were asked for", async (target) => {
      await using session = await openTarget(target);
      if (session.scan === undefined) return;
      const scan = session.scan.bind(session);
      const read = async (table: string, columns?: readonly string[]): Promise<Rows> => {
        const rows: Rows[number][] = [];
        for await (const batch of scan(table, { columns }))
          rows.push(...([...rowsOf(batch)] as Rows[number][]));
        return rows;
      };
      const first = batchOf({ id: [int64, [1n, 2n]] });
      const second = batchOf({ id: [int64, [3n]], name: [string, ["c"]] });
      for (const [sequence, batch] of [first, second].entries()) {
        const load = await session.begin(plans("l", [plans.append("t", batch.schema)]));
        await load.write("t", batch);
        await load.mark("t", { seal: true, end: true });
        await load.commit(stateAt(sequence, load.loadId));
      }
      const open = await session.begin(plans("l", [plans.append("t", second.schema)]));
      await open.write("t", batchOf({ id: [int64, [4n]], name: [string, ["d"]] }));
      const all = [{ id: 1n }, { id: 2n }, { id: 3n, name: "c" }];
      equalRows(await read("t"), all, "what is not committed is not read");
      equalRows(await read("t", ["name"]), [{ name: null }, { name: null }, { name: "c" }], "one column");
      const [row] = await read("t", ["name", "id"]);
      deepEqual(Object.keys(row!), ["name", "id"], "in the order that was asked for");
      await rejects(read("nowhere"), hasCode("ALV_TABLE_NOT_FOUND"));
    }),
  ];
}
