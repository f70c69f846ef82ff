import { deepEqual, equal } from "node:assert/strict";
import { batchOf, equalRows, type SuiteCase } from "../suite.ts";
import { openTarget, plans, stateAt } from "../suite-session.ts";
import { float64, ids, int64, type One, rowsOfIds, string } from "./case.ts";

/** What every append does, and how marks, rollbacks and commits cut a stream. */
export function appendCases(one: One): readonly SuiteCase[] {
  return [
    one("append adds the rows of each load", async (target) => {
      for (const [sequence, batch] of [ids(1n, 2n), ids(3n)].entries()) {
        await using session = await openTarget(target);
        const load = await session.begin(plans("l", [plans.append("t", batch.schema)]));
        await load.write("t", batch);
        await load.mark("t", { seal: true, end: true });
        const receipt = await load.commit(stateAt(sequence, load.loadId));
        equal(receipt.sequence, sequence, "the receipt names the load's number");
        equal(receipt.loadId, load.loadId, "the receipt names the load");
        equal(
          receipt.tables.find(({ table }) => table === "t")?.rows,
          batch.length,
          "the receipt counts rows",
        );
      }
      equalRows(await target.read("t"), rowsOfIds(1n, 2n, 3n), "all rows of both loads");
    }),
    one("a table that gets no rows is created with the columns that are known", async (target) => {
      await using session = await openTarget(target);
      const load = await session.begin(plans("l", [plans.append("t", ids().schema)]));
      await load.mark("t", { seal: true, end: true });
      await load.commit(stateAt(0, load.loadId));
      const table = await session.describe("t");
      deepEqual(
        table?.schema.fields.map(({ name }) => name),
        ["id"],
        "describe names its columns",
      );
      equalRows(await target.read("t"), [], "it is empty");
    }),
    one("an end that is not sealed is a savepoint", async (target) => {
      await using session = await openTarget(target);
      const plan = [plans.append("t", ids().schema), plans.append("u", ids().schema)];
      const first = await session.begin(plans("a", plan));
      await first.write("t", ids(1n));
      await first.mark("t", { seal: true, end: false });
      await first.write("t", ids(2n));
      await first.mark("t", { seal: false, end: true });
      await first.write("u", ids(3n));
      await first.mark("u", { seal: false, end: true });
      await first.commit(stateAt(0, first.loadId));
      equalRows(await target.read("t"), rowsOfIds(1n), "a commit takes what is sealed");
      equalRows(await target.read("u"), [], "and nothing where nothing is");
      const second = await session.begin(plans("b", plan));
      await second.rollback("u");
      await second.mark("t", { seal: true, end: true });
      await second.mark("u", { seal: true, end: true });
      await second.commit(stateAt(1, second.loadId));
      equalRows(await target.read("t"), rowsOfIds(1n, 2n), "the seal takes it later");
      equalRows(await target.read("u"), [], "and a rollback before it drops it");
    }),
    one("rows after a sealed mark belong to the next load", async (target) => {
      await using session = await openTarget(target);
      const plan = [plans.append("t", ids().schema)];
      const first = await session.begin(plans("a", plan));
      await first.write("t", ids(1n));
      await first.mark("t", { seal: true, end: false });
      await first.write("t", ids(2n));
      await first.commit(stateAt(0, first.loadId));
      equalRows(await target.read("t"), rowsOfIds(1n), "only what is sealed is committed");
      const second = await session.begin(plans("b", plan));
      await second.write("t", ids(3n));
      await second.mark("t", { seal: true, end: true });
      await second.commit(stateAt(1, second.loadId));
      equalRows(await target.read("t"), rowsOfIds(1n, 2n, 3n), "what was open is carried over");
    }),
    one("an unsealed stream commits nothing, and carries over through several commits", async (target) => {
      await using session = await openTarget(target);
      const plan = [plans.append("fast", ids().schema), plans.append("slow", ids().schema)];
      for (let sequence = 0; sequence < 3; sequence++) {
        const load = await session.begin(plans("l", plan));
        await load.write("slow", ids(BigInt(10 + sequence)));
        await load.mark("slow", { seal: false, end: false });
        await load.write("fast", ids(BigInt(sequence)));
        await load.mark("fast", { seal: true, end: false });
        await load.commit(stateAt(sequence, load.loadId));
        equalRows(await target.read("slow"), [], "nothing of the unsealed stream is there");
      }
      const load = await session.begin(plans("l", plan));
      await load.mark("slow", { seal: true, end: true });
      await load.commit(stateAt(3, load.loadId));
      equalRows(await target.read("fast"), rowsOfIds(0n, 1n, 2n), "each of the fast stream's rows once");
      equalRows(await target.read("slow"), rowsOfIds(10n, 11n, 12n), "each of the slow stream's rows once");
    }),
    one("rollback returns to the last sealed mark, or drops everything", async (target) => {
      await using session = await openTarget(target);
      const plan = [plans.append("t", ids().schema), plans.append("u", ids().schema)];
      const load = await session.begin(plans("l", plan));
      await load.write("t", ids(1n));
      await load.mark("t", { seal: true, end: false });
      await load.write("t", ids(2n));
      await load.mark("t", { seal: false, end: false });
      await load.write("t", ids(3n));
      await load.write("u", ids(4n));
      await load.rollback("t");
      await load.rollback("u");
      await load.write("t", ids(5n));
      await load.mark("t", { seal: true, end: true });
      await load.mark("u", { seal: true, end: true });
      await load.commit(stateAt(0, load.loadId));
      equalRows(
        await target.read("t"),
        rowsOfIds(1n, 5n),
        "rows before the sealed mark, and those after the rollback",
      );
      equalRows(await target.read("u"), [], "a stream without a mark keeps nothing");
    }),
    one("rollback with a new generation drops sealed rows too", async (target) => {
      await using session = await openTarget(target);
      const load = await session.begin(plans("l", [plans.append("t", ids().schema)]));
      await load.write("t", ids(1n));
      await load.mark("t", { seal: true, end: false });
      await load.write("t", ids(2n));
      await load.rollback("t", { generation: true });
      await load.write("t", ids(3n));
      await load.mark("t", { seal: true, end: true });
      await load.commit(stateAt(0, load.loadId));
      equalRows(await target.read("t"), rowsOfIds(3n), "only rows after the rollback");
    }),
    one(
      "rollback after a commit keeps what was committed and drops what was carried over",
      async (target) => {
        await using session = await openTarget(target);
        const plan = [plans.append("t", ids().schema)];
        const first = await session.begin(plans("a", plan));
        await first.write("t", ids(1n));
        await first.mark("t", { seal: true, end: false });
        await first.write("t", ids(2n));
        await first.commit(stateAt(0, first.loadId));
        const second = await session.begin(plans("b", plan));
        await second.rollback("t");
        await second.write("t", ids(3n));
        await second.mark("t", { seal: true, end: true });
        await second.commit(stateAt(1, second.loadId));
        equalRows(await target.read("t"), rowsOfIds(1n, 3n), "the carried row is gone");
      },
    ),
    one("a load that is disposed without commit leaves nothing", async (target) => {
      {
        await using session = await openTarget(target);
        const load = await session.begin(plans("l", [plans.append("t", ids().schema)]));
        await load.write("t", ids(1n));
        await load.mark("t", { seal: true, end: true });
        await load[Symbol.asyncDispose]();
      }
      await using session = await target.open();
      equal(await session.recover(), undefined, "there is no state");
      equalRows(await target.read("t"), [], "there are no rows");
    }),
    one("several tables and streams are committed together", async (target) => {
      await using session = await openTarget(target);
      const load = await session.begin(
        plans("l", [
          { ...plans.append("a", ids().schema), stream: "s" },
          { ...plans.append("b", ids().schema), stream: "s" },
          plans.append("c", ids().schema),
        ]),
      );
      await Promise.all([load.write("a", ids(1n)), load.write("b", ids(2n)), load.write("c", ids(3n))]);
      await load.mark("s", { seal: true, end: true });
      await load.mark("c", { seal: true, end: true });
      const receipt = await load.commit(stateAt(0, load.loadId));
      deepEqual(receipt.tables.map(({ table }) => table).sort(), ["a", "b", "c"], "the receipt names them");
      for (const [i, table] of ["a", "b", "c"].entries())
        equalRows(await target.read(table), rowsOfIds(BigInt(i + 1)), `table ${table}`);
    }),
    one("columns are added, within a load and in a later one", async (target) => {
      const wider = batchOf({ id: [int64, [2n]], name: [string, ["b"]] });
      const widest = batchOf({ id: [int64, [3n]], name: [string, ["c"]], note: [string, ["n"]] });
      await using session = await openTarget(target);
      const first = await session.begin(plans("a", [plans.append("t", ids().schema)]));
      await first.write("t", ids(1n));
      await first.write("t", wider);
      await first.mark("t", { seal: true, end: false });
      await first.commit(stateAt(0, first.loadId));
      const second = await session.begin(plans("b", [plans.append("t", widest.schema)]));
      await second.write("t", widest);
      await second.mark("t", { seal: true, end: true });
      await second.commit(stateAt(1, second.loadId));
      equalRows(
        await target.read("t"),
        [
          { id: 1n, name: null, note: null },
          { id: 2n, name: "b", note: null },
          { id: 3n, name: "c", note: "n" },
        ],
        "older rows have nulls",
      );
    }),
    one("a column that held only nulls is bound when its first value comes", async (target) => {
      const unknown = batchOf({ id: [int64, [1n]], note: [{ kind: "null" }, [null]] });
      const known = batchOf({ id: [int64, [2n]], note: [string, ["n"]] });
      await using session = await openTarget(target);
      const first = await session.begin(plans("a", [plans.append("t", unknown.schema)]));
      await first.write("t", unknown);
      await first.mark("t", { seal: true, end: false });
      await first.commit(stateAt(0, first.loadId));
      equalRows(await target.read("t"), [{ id: 1n, note: null }], "before");
      const second = await session.begin(plans("b", [plans.append("t", unknown.schema)]));
      await second.write("t", known);
      await second.mark("t", { seal: true, end: true });
      await second.commit(stateAt(1, second.loadId));
      equalRows(
        await target.read("t"),
        [
          { id: 1n, note: null },
          { id: 2n, note: "n" },
        ],
        "after",
      );
    }),
    one("a column is widened while its table is not committed", async (target) => {
      const whole = batchOf({ id: [int64, [1n]], total: [int64, [10n]] });
      const fraction = batchOf({ id: [int64, [2n]], total: [float64, [2.5]] });
      await using session = await openTarget(target);
      const load = await session.begin(plans("l", [plans.append("t", whole.schema)]));
      await load.write("t", whole);
      await load.mark("t", { seal: true, end: false });
      await load.write("t", fraction);
      await load.mark("t", { seal: true, end: true });
      await load.commit(stateAt(0, load.loadId));
      equalRows(
        await target.read("t"),
        [
          { id: 1n, total: 10 },
          { id: 2n, total: 2.5 },
        ],
        "both rows as floats",
      );
      const table = await session.describe("t");
      deepEqual(
        table?.schema.fields.find(({ name }) => name === "total")?.type,
        float64,
        "the column's type",
      );
    }),
  ];
}
