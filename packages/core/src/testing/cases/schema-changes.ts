import { deepEqual, equal } from "node:assert/strict";
import type { LoadRecord, TableReceipt } from "../../destination.ts";
import type { SchemaChange } from "../../schema/schema-change.ts";
import { batchOf, type SuiteCase } from "../suite.ts";
import { openTarget, plans, stateAt, type SuiteDestination } from "../suite-session.ts";
import { ids, int64, string, type One } from "./case.ts";

const nested = { kind: "list", element: { name: "element", type: string, nullable: true } } as const;

/** One of each kind. */
const everyChange: readonly SchemaChange[] = [
  { kind: "tableCreated" },
  { kind: "columnAdded", column: 'odd "name"', type: nested },
  { kind: "columnBound", column: "b", type: { kind: "timestamp", zone: "utc" } },
  { kind: "columnWidened", column: "n", from: { kind: "int32" }, to: int64 },
  {
    kind: "variantAdded",
    column: "n",
    variant: "n__v_decimal",
    type: { kind: "decimal", precision: 38, scale: 9 },
  },
  { kind: "columnMissing", column: "gone" },
  { kind: "dispositionChanged", from: "append", to: "upsert" },
];

/** Changes of tables are kept with the load that brought them. */
export function schemaChangeCases(one: One): readonly SuiteCase[] {
  return [
    one("changes of a table's columns are kept with their load", async (target) => {
      const plan = [plans.append("t", ids().schema), plans.append("u", ids().schema)];
      {
        await using session = await openTarget(target);
        const load = await session.begin(plans("a", plan));
        for (const table of ["t", "u"]) {
          await load.write(table, ids(1n));
          await load.mark(table, { seal: true, end: true });
        }
        const schemaChanges = new Map([
          ["t", everyChange],
          ["u", []],
        ]);
        const { tables } = await load.commit(stateAt(0, load.loadId), { schemaChanges });
        deepEqual(changesOf(tables, "t"), everyChange, "the receipt says them");
        equal(changesOf(tables, "u"), undefined, "and nothing of a table that stays as it was");
      }
      {
        await using session = await openTarget(target);
        const load = await session.begin(plans("b", plan));
        await load.write("t", ids(2n));
        await load.mark("t", { seal: true, end: true });
        const { tables } = await load.commit(stateAt(1, load.loadId));
        equal(changesOf(tables, "t"), undefined, "a load without changes has none");
      }
      const history = await historyOf(target);
      if (history === undefined) return;
      deepEqual(
        history.map(({ tables }) => changesOf(tables, "t")),
        [undefined, everyChange],
        "another session reads them, newest load first",
      );
    }),
    one("a change of a table is kept with a load that has no rows for it", async (target) => {
      const wide = batchOf({ id: [int64, [1n]], a: [string, ["a"]] });
      await using session = await openTarget(target);
      const first = await session.begin(plans("a", [plans.append("t", wide.schema)]));
      await first.write("t", wide);
      await first.mark("t", { seal: true, end: true });
      await first.commit(stateAt(0, first.loadId));
      const second = await session.begin(plans("b", [plans.append("t", wide.schema)]));
      await second.mark("t", { seal: true, end: true });
      const schemaChanges = new Map([["t", [{ kind: "columnMissing", column: "a" } as const]]]);
      const { tables } = await second.commit(stateAt(1, second.loadId), { schemaChanges });
      deepEqual(changesOf(tables, "t"), schemaChanges.get("t"));
    }),
  ];
}

function changesOf(tables: readonly TableReceipt[], table: string): readonly SchemaChange[] | undefined {
  return tables.find((receipt) => receipt.table === table)?.schemaChanges;
}

/** The loads that a new session reads, newest first; `undefined` where it cannot. */
async function historyOf(target: SuiteDestination): Promise<readonly LoadRecord[] | undefined> {
  await using session = await openTarget(target);
  if (session.history === undefined) return undefined;
  const loads: LoadRecord[] = [];
  for await (const load of session.history()) loads.push(load);
  return loads;
}
