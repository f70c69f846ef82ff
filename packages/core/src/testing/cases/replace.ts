import { rejects } from "node:assert/strict";
import { equalRows, type SuiteCase } from "../suite.ts";
import { openTarget, plans, stateAt, type SuiteDestination } from "../suite-session.ts";
import { hasCode, ids, type One, rowsOfIds } from "./case.ts";

/** What a replace does, of all rows and of a window. */
export function replaceCases(one: One): readonly SuiteCase[] {
  const fill = async (target: SuiteDestination, sequence: number, ...values: bigint[]): Promise<void> => {
    await using session = await openTarget(target);
    const load = await session.begin(plans("l", [plans.replace("t", ids().schema)]));
    await load.write("t", ids(...values));
    await load.mark("t", { seal: true, end: true });
    await load.commit(stateAt(sequence, load.loadId));
  };
  return [
    one("replace puts new rows in place of all", async (target) => {
      await fill(target, 0, 1n, 2n);
      await fill(target, 1, 3n);
      equalRows(await target.read("t"), rowsOfIds(3n), "only the last load's rows");
    }),
    one("replace takes effect at the stream's end, not at a commit before", async (target) => {
      await fill(target, 0, 1n);
      await using session = await openTarget(target);
      const plan = [plans.replace("t", ids().schema), plans.append("u", ids().schema)];
      const first = await session.begin(plans("a", plan));
      await first.write("t", ids(2n));
      await first.mark("t", { seal: false, end: false });
      await first.write("u", ids(9n));
      await first.mark("u", { seal: true, end: false });
      await first.commit(stateAt(1, first.loadId));
      equalRows(await target.read("t"), rowsOfIds(1n), "the old rows stand");
      equalRows(await target.read("u"), rowsOfIds(9n), "the other stream is committed");
      const second = await session.begin(plans("b", plan));
      await second.write("t", ids(3n));
      await second.mark("t", { seal: true, end: true });
      await second.commit(stateAt(2, second.loadId));
      equalRows(await target.read("t"), rowsOfIds(2n, 3n), "the rows of both loads, and no old one");
    }),
    one("a replace that starts again drops what it had staged", async (target) => {
      await using session = await openTarget(target);
      const load = await session.begin(plans("l", [plans.replace("t", ids().schema)]));
      await load.write("t", ids(1n));
      await load.rollback("t", { generation: true });
      await load.write("t", ids(2n));
      await load.mark("t", { seal: true, end: true });
      await load.commit(stateAt(0, load.loadId));
      equalRows(await target.read("t"), rowsOfIds(2n), "only the second generation");
    }),
    one("replace with a window leaves the rows outside of it", async (target) => {
      await fill(target, 0, 1n, 2n, 3n, 4n);
      await using session = await openTarget(target);
      const where = [
        { column: "id", op: ">=", value: 2n },
        { column: "id", op: "<", value: 4n },
      ] as const;
      const load = await session.begin(plans("l", [plans.replace("t", ids().schema, where)]));
      await load.write("t", ids(2n, 2n));
      await load.mark("t", { seal: true, end: true });
      await load.commit(stateAt(1, load.loadId));
      equalRows(await target.read("t"), rowsOfIds(1n, 2n, 2n, 4n), "rows 2 and 3 are replaced");
    }),
    one("an empty replace needs consent", async (target) => {
      await fill(target, 0, 1n);
      const empty = async (allowEmpty: boolean): Promise<void> => {
        await using session = await openTarget(target);
        const plan = plans.replace("t", ids().schema, undefined, allowEmpty);
        const load = await session.begin(plans("l", [plan]));
        await load.mark("t", { seal: true, end: true });
        await load.commit(stateAt(1, load.loadId));
      };
      await rejects(() => empty(false), hasCode("ALV_EMPTY_REPLACE"), "without consent it is refused");
      equalRows(await target.read("t"), rowsOfIds(1n), "and the rows stand");
      await empty(true);
      equalRows(await target.read("t"), [], "with consent the table is emptied");
    }),
  ];
}
