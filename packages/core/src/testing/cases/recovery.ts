import { deepEqual, equal, rejects } from "node:assert/strict";
import type { Capabilities } from "../../destination.ts";
import { AlluviumError } from "../../errors.ts";
import { changeBatch } from "../change-batch.ts";
import { batchOf, equalRows, type SuiteCase } from "../suite.ts";
import { suiteLoads } from "../suite-loads.ts";
import { openTarget, plans, stateAt } from "../suite-session.ts";
import { hasCode, int64, type One, string } from "./case.ts";

const columns = { id: int64, a: string };
const batch = (...values: readonly (readonly [bigint, string])[]) =>
  batchOf({ id: [int64, values.map(([id]) => id)], a: [string, values.map(([, a]) => a)] });

/** What a session finds after one that did not end well, and sessions beside one another. */
export function recoveryCases(one: One, { abilities }: Capabilities): readonly SuiteCase[] {
  const merges = abilities.includes("upsert");
  const planOf = () =>
    merges ? plans.merge("t", batch().schema, "upsert") : plans.append("t", batch().schema);
  return [
    one("a session that died before its commit left nothing, and its load is done anew", async (target) => {
      const loads = suiteLoads(target);
      await loads.load(planOf(), batch([1n, "a"]));
      {
        await using session = await openTarget(target);
        const load = await session.begin(plans("l", [planOf()]));
        await load.write("t", batch([2n, "lost"]));
        await load.mark("t", { seal: true, end: false });
        await load.write("t", batch([3n, "lost"]));
      }
      await using session = await target.open();
      equal((await session.recover())?.sequence, 0, "the state is that of the last commit");
      const load = await session.begin(plans("l", [planOf()]));
      await load.write("t", batch([2n, "b"]));
      await load.mark("t", { seal: true, end: true });
      await load.commit(stateAt(1, load.loadId));
      equalRows(
        await target.read("t"),
        [
          { id: 1n, a: "a" },
          { id: 2n, a: "b" },
        ],
        "each row once",
      );
    }),
    one("a session that only reads takes nothing and waits for nobody", async (target) => {
      const loads = suiteLoads(target);
      await loads.load(planOf(), batch([1n, "a"]));
      await using writer = await openTarget(target);
      const load = await writer.begin(plans("l", [planOf()]));
      await load.write("t", batch([2n, "b"]));
      await using reader = await target.open({ leaseWait: 0 });
      equal((await reader.recover({ readOnly: true }))?.sequence, 0, "it sees the newest committed state");
      deepEqual(
        (await reader.describe("t"))?.schema.fields.map(({ name }) => name).filter((name) => name in columns),
        ["id", "a"],
        "and the tables",
      );
      await load.mark("t", { seal: true, end: true });
      await load.commit(stateAt(1, load.loadId));
      equal((await reader.recover({ readOnly: true }))?.sequence, 1, "the writer was not disturbed");
    }),
    one("a run that is overtaken commits nothing more", async (target) => {
      await suiteLoads(target).load(planOf(), batch([1n, "a"]));
      await using zombie = await openTarget(target);
      const late = await zombie.begin(plans("a", [planOf()]));
      await late.write(
        "t",
        merges ? changeBatch(columns, [{ op: "delete", row: { id: 1n } }]) : batch([9n, "z"]),
      );
      await late.mark("t", { seal: true, end: true });
      await using rival = await target.open({ leaseWait: 50 });
      const isFree = await rival.recover().then(
        () => true,
        (error: unknown) => {
          if (AlluviumError.is(error) && error.code === "ALV_CONCURRENT_RUN") return false;
          throw error;
        },
      );
      if (!isFree) {
        // The first holds the pipeline, so it is the one that goes on.
        await late.commit(stateAt(1, late.loadId));
        return;
      }
      const load = await rival.begin(plans("b", [planOf()]));
      await load.write("t", batch([2n, "b"]));
      await load.mark("t", { seal: true, end: true });
      await load.commit(stateAt(1, load.loadId));
      await rejects(() => late.commit(stateAt(1, late.loadId)), hasCode("ALV_CONCURRENT_RUN"), "it is told");
      equalRows(
        await target.read("t"),
        [
          { id: 1n, a: "a" },
          { id: 2n, a: "b" },
        ],
        "and nothing of it is there",
      );
    }),
  ];
}
