import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { SuiteCase } from "../suite.ts";
import { openTarget, plans, stateAt } from "../suite-session.ts";
import { hasCode, ids, type One } from "./case.ts";

/** State, and sessions beside one another. */
export function sessionCases(one: One): readonly SuiteCase[] {
  return [
    one("state comes back as it was committed", async (target) => {
      const plan = [plans.replace("t", ids().schema, undefined, true)];
      const state = {
        ...stateAt(0, "0198c0de-0000-7000-8000-000000000000"),
        streams: {
          'odd "name"/ü': {
            cursor: { at: "9223372036854775807", list: [1, null, true, "\u{1F980}"] },
            cursorVersion: 3,
            identity: { table: "public.orders" },
            loadId: "0198c0de-0000-7000-8000-000000000000",
            committedAt: "2026-01-02T03:04:05.678Z",
          },
        },
        tables: {
          t: {
            stream: 'odd "name"/ü',
            resource: "orders",
            schema: ids().schema,
            columns: { id: "ID" },
            primaryKey: ["id"],
            disposition: "replace",
            rows: 0,
          },
          versions: {
            stream: "versions",
            resource: "versions",
            schema: ids().schema,
            columns: {},
            primaryKey: ["id"],
            disposition: "scd2",
            validity: ["since", "until", "current"],
          },
        },
      };
      {
        await using session = await openTarget(target);
        const load = await session.begin({ ...plans("l", plan), loadId: state.loadId });
        await load.mark("t", { seal: true, end: true });
        await load.commit(state);
      }
      await using session = await target.open();
      deepEqual(await session.recover(), state, "every part of the state");
    }),
    one("of two sessions of one pipeline at most one commits", async (target) => {
      await using first = await openTarget(target);
      const load = await first.begin(plans("a", [plans.replace("t", ids().schema)]));
      await load.write("t", ids(1n));
      await load.mark("t", { seal: true, end: true });
      await using second = await target.open({ leaseWait: 50 });
      await rejects(
        async () => {
          await second.recover();
          const rival = await second.begin(plans("b", [plans.replace("t", ids().schema)]));
          await rival.write("t", ids(2n));
          await rival.mark("t", { seal: true, end: true });
          await rival.commit(stateAt(0, rival.loadId));
          await load.commit(stateAt(0, load.loadId));
        },
        hasCode("ALV_CONCURRENT_RUN"),
        "one of them is told of the other",
      );
    }),
    one("a session that is disposed leaves the pipeline free", async (target) => {
      for (let i = 0; i < 3; i++) {
        await using session = await target.open({ leaseWait: 0 });
        equal(await session.recover(), undefined);
      }
    }),
    one("describe knows no table that was never loaded", async (target) => {
      await using session = await openTarget(target);
      ok((await session.describe("nowhere")) === undefined);
    }),
  ];
}
