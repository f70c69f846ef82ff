import { expect, test } from "vitest";
import {
  accepted,
  AlluviumError,
  check,
  freshness,
  notNull,
  pattern,
  pipeline,
  range,
  reconcile,
  references,
  resource,
  rowCount,
  source,
  sqlCheck,
  typed,
  unique,
  type ChecksOption,
  type Destination,
  type DispositionOption,
  type RunReport,
} from "@alluvium/core";
import { rowsOf } from "@alluvium/core/columns";

/** A destination to itself, made anew by each call for the same place. */
export interface CheckedPlace extends AsyncDisposable {
  readonly destination: () => Destination<"append" | "replace">;
}

/** Options of {@link checkedLoads}. */
export interface CheckedLoadsOptions {
  /** Whether queries can be checks. */
  readonly sql: boolean;
  /** Whether tables merge. */
  readonly merges: boolean;
}

interface Order {
  readonly id: number;
  readonly status: string | null;
  readonly email: string | null;
  readonly total: string;
  readonly weight: number | null;
  readonly at: Date;
}

const at = new Date();
const order = (id: number, more: Partial<Order> = {}): Order => ({
  id,
  status: id % 2 === 0 ? "open" : "paid",
  email: `${id}@shop.ch`,
  total: `${id}.25`,
  weight: id / 4,
  at,
  ...more,
});
const rows = [1, 2, 3, 4].map((id) => order(id));

/** Loads whose checks pass and fail, into a destination of any kind: each check sees the types that the destination stores. */
export function checkedLoads(
  name: string,
  open: () => Promise<CheckedPlace>,
  { sql, merges }: CheckedLoadsOptions,
): void {
  async function load(
    destination: Destination<"append" | "replace">,
    checks: ChecksOption<Order>,
    given: readonly Order[],
    disposition: DispositionOption<Order> = "append",
  ): Promise<{ readonly report: RunReport; readonly error: AlluviumError | undefined }> {
    const orders = resource({
      name: "orders",
      schema: typed<Order>(),
      columns: { total: { type: "decimal", precision: 18, scale: 2 }, weight: { type: "float64" } },
      primaryKey: "id",
      disposition: disposition as "append",
      checks,
      *read() {
        yield given;
      },
    });
    const states = resource({
      name: "states",
      disposition: "replace",
      *read() {
        yield [{ name: "open" }, { name: "paid" }];
      },
    });
    const shop = pipeline({ name: "shop", source: source("shop", () => [orders, states])(), destination });
    try {
      return { report: await shop.run(), error: undefined };
    } catch (error) {
      if (!AlluviumError.is(error) || error.report === undefined) throw error;
      return { report: error.report, error };
    }
  }

  async function read(destination: Destination, table: string): Promise<readonly Record<string, unknown>[]> {
    await using session = await destination.open({
      pipeline: { pipeline: "reader", lane: "main" },
      runId: "reader",
      signal: new AbortController().signal,
      budget: 2 ** 24,
      adopt: false,
      shared: false,
      emit: () => {},
    });
    await session.recover();
    if ((await session.describe(table)) === undefined) return [];
    const found: Record<string, unknown>[] = [];
    for await (const batch of session.scan!(table)) found.push(...rowsOf(batch));
    return found;
  }

  const every: ChecksOption<Order> = [
    notNull("email"),
    accepted("status", ["open", "paid"]),
    range("total", { min: "1.25", max: 4.25 }),
    pattern("email", /^\d+@shop\.ch$/),
    check("some weight", (row: Order) => row.weight! > 0),
    unique("email", { when: "before", name: "unique in the load" }),
    rowCount({ min: 4, max: 4 }, { when: "before", name: "rows of the load" }),
    notNull("email", { when: "after", name: "no email is null" }),
    accepted("status", ["open", "paid"], { when: "after", name: "states" }),
    range("total", { min: "1.25", max: 4.25 }, { when: "after", name: "totals" }),
    range("weight", { min: 0.25, max: 1n }, { when: "after", name: "weights" }),
    range("at", { min: "2020-01-01", max: new Date(Date.now() + 60_000) }, { when: "after", name: "times" }),
    pattern("email", /^\d+@shop\.ch$/, { when: "after", name: "emails" }),
    unique("id"),
    unique(["status", "total"]),
    rowCount({ min: 4, max: 4 }),
    freshness("at", { hours: 1 }),
    references("status", { table: "states", columns: "name" }),
    reconcile({ rows: 4, sums: { total: "11", weight: 2.5, id: 10n } }),
    ...(sql
      ? [
          sqlCheck(
            "no total below its number",
            "select id from {table} where total < id -- each total has .25",
          ),
        ]
      : []),
  ];

  test(`${name}: every check passes before and after the commit`, async () => {
    await using place = await open();
    const { report, error } = await load(place.destination(), every, rows);
    expect(error).toBeUndefined();
    const { checks } = report.tables["orders"]!;
    expect(checks).toHaveLength(every.length);
    expect(checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(report.loads).toHaveLength(2);
    const kept = await read(place.destination(), "_alv_checks");
    expect(kept.map((row) => String(row["check_name"])).sort()).toEqual(every.map((one) => one.name).sort());
    const [first, last] = report.loads;
    for (const row of kept) {
      expect(row["load_id"]).toBe(row["checked_when"] === "before" ? first!.loadId : last!.loadId);
      expect(row).toMatchObject({ table_name: "orders", passed: true, run_id: report.runId, lane: "main" });
    }
    // Another pipeline writes into the same table.
    const other = resource({
      name: "other",
      checks: [notNull("id")],
      *read() {
        yield [{ id: 1 }];
      },
    });
    const source2 = source("other", () => [other])();
    await pipeline({ name: "another", source: source2, destination: place.destination() }).run();
    expect(await read(place.destination(), "_alv_checks")).toHaveLength(every.length + 1);
    // And this one goes on.
    const again = await load(place.destination(), [notNull("id")], [order(9)]);
    expect(again.error).toBeUndefined();
    expect(await read(place.destination(), "_alv_checks")).toHaveLength(every.length + 2);
  });

  test(`${name}: what fails after the commit is found in the stored types`, async () => {
    await using place = await open();
    const bad = [
      ...rows,
      order(4, {
        total: "99.99",
        email: null,
        status: "lost",
        weight: NaN,
        at: new Date("2001-02-03T04:05:06Z"),
      }),
    ];
    const after = every
      .filter((one) => one.when === "after")
      .map((one) => ({ ...one, severity: "warn" as const }));
    const { report, error } = await load(
      place.destination(),
      [
        ...(after as ChecksOption<Order>),
        ...(sql
          ? [
              sqlCheck("nothing is lost", "select id, status from {table} where status = 'lost'", {
                severity: "warn",
              }),
            ]
          : []),
      ],
      bad,
    );
    expect(error).toBeUndefined();
    const found = new Map(report.tables["orders"]!.checks.map((one) => [one.name, one]));
    const failed = (check: string): unknown => {
      const { passed, failed: count, examples, value } = found.get(check)!;
      return { passed, count, shown: value ?? examples.join() };
    };
    expect(failed("no email is null")).toEqual({ passed: false, count: 1, shown: "id 4" });
    expect(failed("states")).toEqual({ passed: false, count: 1, shown: '"lost"' });
    expect(failed("totals")).toEqual({ passed: false, count: 1, shown: '"99.99"' });
    expect(failed("weights")).toEqual({ passed: false, count: 1, shown: "NaN" });
    expect(failed("times")).toEqual({ passed: false, count: 1, shown: "2001-02-03T04:05:06.000Z" });
    expect(failed("emails")).toMatchObject({ passed: true, count: 0 });
    expect(failed("unique(id)")).toEqual({ passed: false, count: 1, shown: "4" });
    expect(failed("unique(status, total)")).toMatchObject({ passed: true });
    expect(failed("rowCount")).toEqual({ passed: false, count: 0, shown: "5" });
    expect(failed("freshness(at)")).toMatchObject({ passed: true });
    expect(failed("references(status)")).toEqual({ passed: false, count: 1, shown: '"lost"' });
    expect(failed("reconcile")).toEqual({
      passed: false,
      count: 0,
      shown: "rows 5, sum of total 110.99, sum of weight NaN, sum of id 14",
    });
    const lost = { passed: false, count: 1, shown: '{"id":4,"status":"lost"}' };
    expect(found.has("nothing is lost") ? failed("nothing is lost") : lost).toEqual(lost);
    expect(await read(place.destination(), "_alv_checks")).toHaveLength(
      report.tables["orders"]!.checks.length,
    );
  });

  test(`${name}: a load that fails before the commit does not happen, and the next one does`, async () => {
    await using place = await open();
    const checks = [range("total", { max: 5 }), notNull("email", { severity: "quarantine" })];
    const failed = await load(place.destination(), checks, [...rows, order(5, { total: "5.01" })]);
    expect(failed.error).toMatchObject({ code: "ALV_CHECK_FAILED" });
    expect(failed.report.tables["states"]!.rows).toBe(2);
    expect(await read(place.destination(), "orders")).toEqual([]);
    const { report } = await load(place.destination(), checks, [
      ...rows,
      order(5, { total: "5", email: null }),
    ]);
    expect(report.tables["orders"]).toMatchObject({ rows: 4, quarantined: 1 });
    expect(await read(place.destination(), "orders")).toHaveLength(4);
    expect(await read(place.destination(), "orders__quarantine")).toMatchObject([{ rule: "notNull(email)" }]);
    expect(await read(place.destination(), "_alv_checks")).toHaveLength(2);
  });

  for (const disposition of merges ? (["merge", { merge: "scd2" }] as const) : [])
    test(`${name}: the rows that count are looked at: ${JSON.stringify(disposition)}`, async () => {
      await using place = await open();
      const checks = [
        unique("id"),
        rowCount({ min: 4, max: 4 }),
        reconcile({ sums: { total: "15.00" } }, { severity: "warn" }),
      ];
      await load(place.destination(), checks, rows, disposition);
      const changed = [order(1, { total: "5.25" })];
      const { report, error } = await load(place.destination(), checks, changed, disposition);
      expect(error).toBeUndefined();
      expect(report.tables["orders"]!.checks.map(({ passed }) => passed)).toEqual([true, true, true]);
    });
}
