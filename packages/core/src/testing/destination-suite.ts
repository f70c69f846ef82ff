import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { Capabilities } from "../destination.ts";
import { AlluviumError } from "../errors.ts";
import { batchOf, equalRows, type SuiteCase } from "./suite.ts";
import { openTarget, plans, type Rows, stateAt, type SuiteDestination } from "./suite-session.ts";

/** What the suite is told of a destination. */
export interface DestinationSuiteOptions {
  /** Takes one case: `test` of vitest, jest, `node:test` … */
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** What the destination says of itself: it decides which cases there are. */
  readonly capabilities: Capabilities;
  /** Opens a new, empty place. Called once a case. */
  readonly open: () => Promise<SuiteDestination>;
}

const int64 = { kind: "int64" } as const;
const float64 = { kind: "float64" } as const;
const string = { kind: "string" } as const;

const ids = (...values: bigint[]) => batchOf({ id: [int64, values] });
const rowsOfIds = (...values: bigint[]): Rows => values.map((id) => ({ id }));

/**
 * What every destination must do, by its capabilities: each case opens sessions, loads, and reads back what stands there.
 *
 * @example
 * ```ts
 * destinationSuite({
 *   test,
 *   capabilities: memoryDestination().capabilities,
 *   async open() {
 *     const memory = memoryDestination();
 *     return suiteDestination(memory, async (table) => memory.store.rows(table));
 *   },
 * });
 * ```
 */
export function destinationSuite(options: DestinationSuiteOptions): void {
  const { capabilities } = options;
  const can = (ability: Capabilities["abilities"][number]): boolean =>
    capabilities.abilities.includes(ability);
  const one = (name: string, run: (target: SuiteDestination) => Promise<void>): SuiteCase => ({
    name,
    async run() {
      const target = await options.open();
      try {
        await run(target);
      } finally {
        await target[Symbol.asyncDispose]?.();
      }
    },
  });
  const cases = [
    ...(can("append") ? appendCases(one) : []),
    ...(can("replace") ? replaceCases(one) : []),
    ...sessionCases(one),
  ];
  for (const { name, run } of cases) options.test(name, run);
}

type One = (name: string, run: (target: SuiteDestination) => Promise<void>) => SuiteCase;

function appendCases(one: One): readonly SuiteCase[] {
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

function replaceCases(one: One): readonly SuiteCase[] {
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
      await rejects(
        () => empty(false),
        (error) => AlluviumError.is(error) && error.code === "ALV_EMPTY_REPLACE",
        "without consent it is refused",
      );
      equalRows(await target.read("t"), rowsOfIds(1n), "and the rows stand");
      await empty(true);
      equalRows(await target.read("t"), [], "with consent the table is emptied");
    }),
  ];
}

function sessionCases(one: One): readonly SuiteCase[] {
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
        (error) => AlluviumError.is(error) && error.code === "ALV_CONCURRENT_RUN",
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
