import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  accepted,
  AlluviumError,
  check,
  checkpoint,
  each,
  freshness,
  notNull,
  pattern,
  pipeline,
  range,
  reconcile,
  references,
  redact,
  resource,
  rowCount,
  sha256,
  source,
  sqlCheck,
  typed,
  unique,
  type ChecksOption,
  type CheckResult,
  type DispositionOption,
  type Resource,
  type RunEvent,
  type RunReport,
} from "@alluvium/core";
import { memoryDestination, memoryTables, type MemoryStore } from "@alluvium/core/testing";

interface Order {
  readonly id: number;
  readonly status?: string | null;
  readonly email?: string | null;
  readonly total?: number | null;
  readonly at?: Date | null;
}

interface Given {
  readonly rows: readonly Order[];
  readonly checks: ChecksOption<Order>;
  readonly disposition?: DispositionOption<Order>;
  readonly store?: MemoryStore;
  readonly onEvent?: (event: RunEvent) => void;
  readonly name?: string;
}

/** One run of a pipeline of orders; gives its report, and the error that it rejected with. */
async function load({
  rows,
  checks,
  disposition = "append",
  store = memoryTables(),
  onEvent,
  name = "shop",
}: Given): Promise<{ readonly report: RunReport; readonly error: AlluviumError | undefined }> {
  const orders = resource({
    name: "orders",
    schema: typed<Order>(),
    primaryKey: "id",
    disposition: disposition as "merge",
    checks,
    *read() {
      yield rows;
    },
  });
  return run(orders, store, onEvent, name);
}

async function run(
  one: Resource | readonly Resource[],
  store: MemoryStore = memoryTables(),
  onEvent?: (event: RunEvent) => void,
  name = "shop",
): Promise<{ readonly report: RunReport; readonly error: AlluviumError | undefined }> {
  const all = Array.isArray(one) ? (one as readonly Resource[]) : [one as Resource];
  const destination = memoryDestination({ store });
  const shop = pipeline({ name, source: source("shop", () => all)(), destination, leaseWait: 0 });
  try {
    return {
      report: await shop.run({ onEvent, retry: { minDelay: 0, maxDelay: 0 } }),
      error: undefined,
    };
  } catch (error) {
    if (!AlluviumError.is(error) || error.report === undefined) throw error;
    return { report: error.report, error };
  }
}

function resultOf(report: RunReport, name?: string): CheckResult {
  const { checks } = report.tables["orders"]!;
  const found = name === undefined ? checks[0] : checks.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no result ${name} in ${inspect(checks)}`);
  return found;
}

const now = new Date();
const good: readonly Order[] = [
  { id: 1, status: "open", email: "a@b.ch", total: 10, at: now },
  { id: 2, status: "paid", email: "c@d.ch", total: 0.5, at: now },
  { id: 3, status: null, email: "e@f.ch", total: null, at: now },
];

/** Each check with rows that fail it. */
const rules: readonly {
  readonly check: (options: {
    readonly severity: "error" | "warn";
    readonly when?: "before" | "after";
  }) => ChecksOption<Order>[number];
  readonly bad: readonly Order[];
  readonly failed: number;
  readonly examples?: readonly string[];
  readonly value?: string;
  readonly times: readonly ("before" | "after")[];
}[] = [
  {
    check: (options) => notNull("email", options),
    bad: [...good, { id: 4, email: null }, { id: 5 }],
    failed: 2,
    examples: ["id 4", "id 5"],
    times: ["before", "after"],
  },
  {
    check: (options) => unique("email", options),
    bad: [...good, { id: 4, email: "a@b.ch" }, { id: 5, email: "a@b.ch" }, { id: 6 }],
    failed: 2,
    examples: ['"a@b.ch"'],
    times: ["before", "after"],
  },
  {
    check: (options) => accepted("status", ["open", "paid"], options),
    bad: [...good, { id: 4, status: "lost" }],
    failed: 1,
    examples: ['"lost"'],
    times: ["before", "after"],
  },
  {
    check: (options) => range("total", { min: 0, max: "10.0" }, options),
    bad: [...good, { id: 4, total: -1 }, { id: 5, total: 10.01 }],
    failed: 2,
    examples: ["-1", "10.01"],
    times: ["before", "after"],
  },
  {
    check: (options) => pattern("email", /^[^@]+@[^@]+$/g, options),
    bad: [...good, { id: 4, email: "nobody" }, { id: 5, email: "no@o@no" }],
    failed: 2,
    examples: ['"nobody"', '"no@o@no"'],
    times: ["before", "after"],
  },
  {
    check: ({ severity }) =>
      check("paid has a total", (row: Order) => row.status !== "paid" || row.total! > 0, { severity }),
    bad: [...good, { id: 4, status: "paid", total: 0 }],
    failed: 1,
    examples: ["id 4"],
    times: ["before"],
  },
  {
    check: (options) => rowCount({ min: 3, max: 3 }, options),
    bad: good.slice(1),
    failed: 0,
    value: "2",
    times: ["before", "after"],
  },
  {
    check: (options) => freshness("at", { hours: 1 }, options),
    bad: [
      { id: 1, at: new Date("2020-01-01T12:00:00Z") },
      { id: 2, at: null },
    ],
    failed: 0,
    value: "2020-01-01T12:00:00Z",
    times: ["before", "after"],
  },
  {
    check: (options) => reconcile({ rows: () => 3, sums: { total: "10.5" } }, options),
    bad: [...good.slice(1), { id: 9, total: 1 }],
    failed: 0,
    value: "rows 3, sum of total 1.5",
    times: ["before", "after"],
  },
  {
    check: ({ severity }) => references("status", { table: "states", columns: "name" }, { severity }),
    bad: [...good, { id: 4, status: "lost" }],
    failed: 1,
    examples: ['"lost"'],
    times: ["after"],
  },
];

async function withStates(): Promise<MemoryStore> {
  const store = memoryTables();
  const states = resource({
    name: "states",
    *read() {
      yield [{ name: "open" }, { name: "paid" }];
    },
  });
  await run(states, store, undefined, "states");
  return store;
}

for (const rule of rules)
  for (const when of rule.times) {
    const {
      name,
      rule: { kind },
    } = rule.check({ severity: "error" });
    describe(`${name} ${when} the commit`, () => {
      test("passes what is good", async () => {
        const store = await withStates();
        const { report, error } = await load({
          rows: good,
          checks: [rule.check({ severity: "error", when })],
          store,
        });
        expect(error).toBeUndefined();
        expect(resultOf(report)).toMatchObject({ name, kind, when, passed: true, failed: 0, examples: [] });
        expect(store.rows("orders")).toHaveLength(3);
        expect(store.rows("_alv_checks")).toHaveLength(1);
        expect(store.rows("_alv_checks")[0]).toMatchObject({
          table_name: "orders",
          check_name: name,
          kind,
          severity: "error",
          checked_when: when,
          passed: true,
          failed_rows: 0n,
          pipeline: "shop",
          load_id: report.loads.at(-1)!.loadId,
        });
      });

      test("stops the run, and says what it found", async () => {
        const store = await withStates();
        const events: RunEvent[] = [];
        const { report, error } = await load({
          rows: rule.bad,
          checks: [rule.check({ severity: "error", when })],
          store,
          onEvent: (event) => events.push(event),
        });
        expect(error).toMatchObject({ code: "ALV_CHECK_FAILED", resource: "orders" });
        expect(error!.message).toContain(name);
        const found = resultOf(report);
        expect(found).toMatchObject({
          passed: false,
          failed: rule.failed,
          examples: rule.examples ?? [],
          value: rule.value,
        });
        expect(error!.message).toContain(
          rule.failed > 0
            ? `${rule.failed} of ${found.rows} rows`
            : `found ${found.value}, wanted ${found.wanted}`,
        );
        expect(events.filter(({ type }) => type === "checkFinished")).toMatchObject([
          { table: "orders", check: found },
        ]);
        expect(report.complete).toBe(false);
        expect(report.problems).toMatchObject([{ code: "ALV_CHECK_FAILED" }]);
        // Before the commit nothing of it is there; after it all is.
        expect(store.rows("orders")).toHaveLength(when === "before" ? 0 : rule.bad.length);
        expect(store.rows("_alv_checks").map(({ passed }) => passed)).toEqual(
          when === "before" ? [] : [false],
        );
      });

      test("only warns where that is asked", async () => {
        const store = await withStates();
        const { report, error } = await load({
          rows: rule.bad,
          checks: [rule.check({ severity: "warn", when })],
          store,
        });
        expect(error).toBeUndefined();
        expect(report.complete).toBe(true);
        expect(resultOf(report)).toMatchObject({ passed: false, failed: rule.failed, severity: "warn" });
        expect(store.rows("orders")).toHaveLength(rule.bad.length);
        expect(store.rows("_alv_checks")).toMatchObject([
          { passed: false, failed_rows: BigInt(rule.failed), value: rule.value ?? null },
        ]);
      });
    });
  }

describe("rows that fail", () => {
  test("go into the quarantine with the check's name, and the others are loaded", async () => {
    const store = memoryTables();
    const rows: readonly Order[] = [
      ...good,
      { id: 4, status: "lost", total: -1, email: "x" },
      { id: 5, status: "open", total: 1, email: "a@b.ch" },
      { id: 6, status: "paid", total: 0, email: "g@h.ch" },
    ];
    const { report, error } = await load({
      rows,
      store,
      checks: [
        range("total", { min: 0 }, { severity: "quarantine" }),
        unique("email", { severity: "quarantine" }),
        check("paid has a total", (row: Order) => row.status !== "paid" || row.total! > 0, {
          severity: "quarantine",
        }),
        rowCount({ min: 3, max: 3 }, { when: "before" }),
        pattern("email", /@/, { severity: "warn" }),
      ],
    });
    expect(error).toBeUndefined();
    expect(report.complete).toBe(true);
    expect(report.tables["orders"]).toMatchObject({ rows: 3, quarantined: 3 });
    expect(store.rows("orders").map(({ id }) => id)).toEqual([1n, 2n, 3n]);
    const log = store.rows("orders__quarantine");
    expect(log.map(({ rule, reason, column_name: column }) => [rule, reason, column])).toEqual([
      ["range(total)", "ALV_CHECK_FAILED", "total"],
      ["unique(email)", "ALV_CHECK_FAILED", "email"],
      ["paid has a total", "ALV_CHECK_FAILED", null],
    ]);
    expect(JSON.parse(String(log[0]!["row"]))).toMatchObject({ id: 4, status: "lost" });
    expect(
      report.tables["orders"]!.checks.map((one) => [one.name, one.passed, one.rows, one.failed]),
    ).toEqual([
      ["range(total)", false, 6, 1],
      ["unique(email)", false, 6, 1],
      ["paid has a total", false, 6, 1],
      ["pattern(email)", false, 6, 1],
      ["rowCount", true, 3, 0],
    ]);
    expect(store.rows("_alv_checks")).toHaveLength(5);
  });

  test("in a batch that the contract refuses rows of are found as well", async () => {
    const store = memoryTables();
    const first = [{ id: 1, total: 1 }];
    const orders = (rows: readonly object[]) =>
      resource({
        name: "orders",
        schema: typed<Order>(),
        columns: { total: { type: "int32" } },
        contract: { types: "quarantine" },
        checks: [
          range("total", { max: 5 }, { severity: "quarantine" }),
          check("odd", (row: Order) => Number(row.id) % 2 === 1, { severity: "quarantine" }),
        ],
        *read() {
          yield rows as readonly Order[];
        },
      });
    await run(orders(first), store);
    const { report } = await run(
      orders([
        { id: 2, total: "x" },
        { id: 3, total: 9 },
        { id: 4, total: 1 },
        { id: 5, total: "y" },
        { id: 6, total: 2 },
        { id: 7, total: 3 },
      ]),
      store,
    );
    expect(store.rows("orders").map(({ id }) => id)).toEqual([1n, 7n]);
    expect(
      store
        .rows("orders__quarantine")
        .map(({ rule }) => String(rule))
        .sort(),
    ).toEqual(["odd", "odd", "range(total)", "type", "type"]);
    expect(resultOf(report, "odd")).toMatchObject({ rows: 4, failed: 2 });
  });

  test("are counted once where a stream is read again, and stop it only at its next point to commit", async () => {
    const store = memoryTables();
    let failures = 0;
    const pages = [[1, -2], [3, -4], [5, -6], [7]];
    const orders = resource({
      name: "orders",
      checks: [
        range("id", { min: 0 }, { severity: "quarantine" }),
        unique("id", { when: "before", severity: "warn" }),
        rowCount({ min: 4, max: 4 }, { when: "before" }),
      ],
      async *read({ position }) {
        for (let page = Number(position ?? 0); page < pages.length; page++) {
          yield pages[page]!.map((id) => ({ id }));
          if (page === 2 && failures++ < 2) throw new AlluviumError("ALV_CONNECTION", "away");
          yield checkpoint(page + 1);
        }
      },
    });
    for (const commitBytes of [1, 2 ** 30]) {
      store.tables.clear();
      store.pipelines.clear();
      failures = 0;
      const destination = memoryDestination({ store });
      const shop = pipeline({ name: "shop", source: source("shop", () => [orders])(), destination });
      const report = await shop.run({ commitBytes, retry: { minDelay: 0, maxDelay: 0 } });
      expect(store.rows("orders").map(({ id }) => id)).toEqual([1n, 3n, 5n, 7n]);
      expect(report.tables["orders"]!.checks).toMatchObject([
        { name: "range(id)", rows: 7, failed: 3, examples: ["-2", "-4", "-6"] },
        { name: "unique(id)", rows: 7, failed: 0 },
        { name: "rowCount", passed: true, value: "4" },
      ]);
      const rows = store.rows("_alv_checks").filter((row) => row["check_name"] === "range(id)");
      expect(rows.reduce((sum, row) => sum + Number(row["failed_rows"]), 0)).toBe(3);
      // Results are part of the load that they are about.
      const loads = new Set(store.rows("orders__quarantine").map((row) => row["_alv_load_id"]));
      const failed = rows.filter((row) => Number(row["failed_rows"]) > 0);
      expect(new Set(failed.map((row) => row["load_id"]))).toEqual(loads);
    }
  });

  test("keep what came before the last committed checkpoint, and nothing after it", async () => {
    const store = memoryTables();
    const orders = resource({
      name: "orders",
      checks: [range("id", { min: 0 })],
      async *read({ position }) {
        for (let page = Number(position ?? 0); page < 4; page++) {
          yield [{ id: page === 2 ? -1 : page }, { id: 10 + page }];
          yield checkpoint(page + 1);
        }
      },
    });
    const destination = memoryDestination({ store });
    const shop = pipeline({ name: "shop", source: source("shop", () => [orders])(), destination });
    const error = await shop.run({ commitBytes: 1 }).then(
      () => undefined,
      (reason: unknown) => reason as AlluviumError,
    );
    expect(error?.code).toBe("ALV_CHECK_FAILED");
    expect(error?.message).toContain("1 of 2 rows");
    expect(error?.report?.tables["orders"]?.checks).toMatchObject([{ passed: false, rows: 6, failed: 1 }]);
    expect(store.rows("orders").map(({ id }) => id)).toEqual([0n, 10n, 1n, 11n]);
    expect(store.rows("_alv_checks").map(({ passed }) => passed)).toEqual([true, true]);
  });
});

describe("checks of several tables", () => {
  test("fail by themselves: what other streams read is committed", async () => {
    const store = memoryTables();
    const events: RunEvent[] = [];
    const one = (name: string, checks: ChecksOption<{ id: number }>) =>
      resource({
        name,
        checks,
        *read() {
          yield [{ id: 1 }, { id: 2 }];
        },
      });
    const { report, error } = await run(
      [
        one("fine", [range("id", { min: 1 })]),
        one("bad", [range("id", { min: 2 }), notNull("id"), range("id", { max: 1 }, { name: "small" })]),
        one("late", [range("id", { min: 2 }, { when: "after" })]),
        one("none", []),
      ],
      store,
      (event) => events.push(event),
    );
    expect(error?.resource).toBe("bad");
    expect(error?.message).toContain("small failed too");
    expect(report.problems.map(({ stream, code }) => [stream, code])).toEqual([
      ["bad", "ALV_CHECK_FAILED"],
      ["late", "ALV_CHECK_FAILED"],
    ]);
    expect(report.tables["bad"]!.checks.map(({ passed }) => passed)).toEqual([false, true, false]);
    expect(report.tables["none"]!.checks).toEqual([]);
    expect(store.rows("fine")).toHaveLength(2);
    expect(store.rows("late")).toHaveLength(2);
    expect(store.tables.has("bad")).toBe(false);
    expect(
      store.rows("_alv_checks").map((row) => [row["table_name"], row["passed"], row["checked_when"]]),
    ).toEqual([
      ["fine", true, "before"],
      ["late", false, "after"],
    ]);
    expect(report.loads).toHaveLength(2);
    expect(inspect(report)).toContain("range(id)");
  });

  test("write into one table, also from several pipelines and lanes", async () => {
    const store = memoryTables();
    for (const name of ["a", "b"]) {
      await load({
        rows: good,
        checks: [notNull("id"), rowCount({ min: 1 })],
        store,
        name,
        disposition: "replace",
      }).catch((error: unknown) => {
        throw error;
      });
    }
    expect(store.rows("_alv_checks").map(({ pipeline: by }) => by)).toEqual(["a", "a", "b", "b"]);
  });
});

describe("tables that merge and replace", () => {
  test("rows and figures before the commit are those of the load, after it those of the table", async () => {
    const store = memoryTables();
    const checks = [
      rowCount({ max: 2 }, { when: "before", name: "new rows" }),
      rowCount({ min: 1, max: 3 }, { name: "all rows" }),
      unique("id"),
      range("total", { min: 0 }),
    ];
    await load({
      rows: [
        { id: 1, total: 1 },
        { id: 2, total: 2 },
      ],
      checks,
      disposition: "merge",
      store,
    });
    const { report, error } = await load({
      rows: [
        { id: 2, total: 3 },
        { id: 3, total: 4 },
      ],
      checks,
      disposition: "merge",
      store,
    });
    expect(error).toBeUndefined();
    expect(resultOf(report, "new rows").value).toBe("2");
    expect(resultOf(report, "all rows").value).toBe("3");
    expect(resultOf(report, "unique(id)")).toMatchObject({ rows: 3, failed: 0 });
  });

  test("of a history only its active versions count", async () => {
    const store = memoryTables();
    const checks = [
      unique("id"),
      rowCount({ max: 2 }),
      reconcile({ sums: { total: 7 } }, { severity: "warn" }),
    ];
    const disposition = { merge: "scd2" } as const;
    await load({
      rows: [
        { id: 1, total: 1 },
        { id: 2, total: 2 },
      ],
      checks,
      disposition,
      store,
    });
    const { report, error } = await load({ rows: [{ id: 1, total: 5 }], checks, disposition, store });
    expect(store.rows("orders")).toHaveLength(3);
    expect(error).toBeUndefined();
    expect(report.tables["orders"]!.checks).toMatchObject([
      { passed: true, rows: 2 },
      { passed: true, value: "2" },
      { passed: true, value: "sum of total 7" },
    ]);
  });

  test("a replacement that fails leaves the rows that are there", async () => {
    const store = memoryTables();
    const checks = [rowCount({ min: 3 }, { when: "before" }), unique("id", { when: "before" })];
    await load({ rows: good, checks, disposition: "replace", store });
    for (const rows of [good.slice(1), [...good, good[0]!]]) {
      const { error } = await load({ rows, checks, disposition: "replace", store });
      expect(error?.code).toBe("ALV_CHECK_FAILED");
      expect(store.rows("orders").map(({ id }) => id)).toEqual([1n, 2n, 3n]);
    }
  });

  test("a run that finds nothing new still looks at the table", async () => {
    const store = memoryTables();
    const at = new Date("2020-01-01");
    const checks = [freshness("at", { days: 1 }, { severity: "warn" })];
    await load({ rows: [{ id: 1, at }], checks, store });
    const { report } = await load({ rows: [], checks, store });
    expect(resultOf(report)).toMatchObject({ passed: false, value: "2020-01-01T00:00:00Z", rows: 1 });
    expect(store.rows("_alv_checks")).toHaveLength(2);
  });
});

describe("values that must not be shown", () => {
  test("those of masked columns, of checks that say so, and keys that are masked", async () => {
    const secret = "secret-7";
    const orders = resource({
      name: "orders",
      schema: typed<Order>(),
      primaryKey: "email",
      disposition: "merge",
      checks: [
        pattern("email", /^x/, { severity: "warn" }),
        accepted("status", ["open"], { severity: "warn", examples: false }),
        notNull("total", { severity: "warn" }),
        unique("email", { severity: "warn" }),
      ],
      *read() {
        yield [{ id: 1, email: secret, status: "hidden-1" }];
      },
    }).mask({ email: sha256({ salt: "salt-of-test-pipelines" }) });
    const { report } = await run(orders);
    expect(report.tables["orders"]!.checks.map(({ failed, examples }) => [failed, examples])).toEqual([
      [1, []],
      [1, []],
      [1, []],
      [0, []],
    ]);
    expect(JSON.stringify(report)).not.toMatch(/secret-7|hidden-1/);
    const hidden = orders.as("orders", { checks: [pattern("email", /^x/)] });
    const { error } = await run(hidden);
    expect(error?.code).toBe("ALV_CHECK_FAILED");
    expect(error?.message).not.toMatch(/such as/);
    expect(redact().kind).toBe("redact");
  });
});

describe("child tables", () => {
  interface Basket {
    readonly id: number;
    readonly customer: { readonly name: string } | null;
    readonly items: readonly {
      readonly sku: string | null;
      readonly quantity: number;
      readonly tags: readonly string[];
    }[];
  }
  const basket = (id: number, sku: string | null, quantity: number, ...tags: string[]): Basket => ({
    id,
    customer: { name: "Ada" },
    items: [
      { sku: "lamp", quantity: 1, tags: [] },
      { sku, quantity, tags },
    ],
  });
  const baskets = [
    basket(1, "shoe", 1, "new"),
    basket(2, null, 1),
    basket(3, "hat", 0, "new", "odd"),
    basket(4, "cap", 2),
  ];
  const declared = (checks: ChecksOption<Basket>, disposition: "append" | "merge" = "append") =>
    resource({
      name: "baskets",
      schema: typed<Basket>(),
      primaryKey: "id",
      disposition: disposition as "merge",
      nesting: "tables",
      checks,
      *read() {
        yield baskets;
      },
    });

  test("their checks send whole rows into the quarantine", async () => {
    const store = memoryTables();
    const { report, error } = await run(
      declared([
        notNull("customer"),
        ...each(
          "items",
          notNull("sku", { severity: "quarantine" }),
          range("quantity", { min: 1 }, { severity: "warn" }),
        ),
        ...each(
          "items.tags",
          accepted("value", ["new"], { severity: "quarantine" }),
          unique("value", { when: "before", severity: "warn" }),
        ),
      ]),
      store,
    );
    expect(error).toBeUndefined();
    expect(store.rows("baskets").map(({ id }) => id)).toEqual([1n, 4n]);
    expect(store.rows("baskets__items").map(({ sku }) => sku)).toEqual(["lamp", "shoe", "lamp", "cap"]);
    expect(store.rows("baskets__quarantine").map(({ rule }) => rule)).toEqual([
      "items: notNull(sku)",
      "items.tags: accepted(value)",
    ]);
    expect(report.tables["baskets.items"]!.checks).toMatchObject([
      { name: "items: notNull(sku)", passed: false, rows: 8, failed: 1 },
      { name: "items: range(quantity)", passed: false, failed: 1, examples: ["0"] },
    ]);
    expect(report.tables["baskets.items.tags"]!.checks).toMatchObject([
      { failed: 1, examples: ['"odd"'] },
      { name: "items.tags: unique(value)", failed: 1, examples: ['"new"'] },
    ]);
  });

  test("are looked at after the commit, too", async () => {
    for (const disposition of ["append", "merge"] as const) {
      const { report, error } = await run(
        declared(
          [
            rowCount({ min: 4, max: 4 }),
            ...each(
              "items",
              notNull("sku", { when: "after" }),
              rowCount({ min: 8, max: 8 }),
              reconcile({ sums: { quantity: 8 } }),
            ),
            ...each("items.tags", pattern("value", /^n/, { when: "after", severity: "warn" })),
          ],
          disposition,
        ),
      );
      expect(error?.message).toContain("items: notNull(sku)");
      expect(report.tables["baskets.items"]!.checks.map(({ passed, value }) => [passed, value])).toEqual([
        [false, undefined],
        [true, "8"],
        [true, "sum of quantity 8"],
      ]);
      expect(report.tables["baskets.items.tags"]!.checks).toMatchObject([{ failed: 1, examples: ['"odd"'] }]);
    }
  });

  test("stop all of their rows, and what they do not have is refused", async () => {
    const store = memoryTables();
    const stopped = await run(declared(each("items", range("quantity", { min: 1 }))), store);
    expect(stopped.error?.message).toContain('resource "baskets.items": check items: range(quantity)');
    expect([...store.tables.keys()]).toEqual([]);
    const { error } = await run(declared([notNull("items", { when: "after" })]), store);
    expect(error).toMatchObject({ code: "ALV_CONFIG", message: expect.stringContaining("each()") as string });
    const native = declared([...each("items", notNull("sku"))]).as("native", { nesting: "native" });
    expect((await run(native)).error?.message).toMatch(/nesting "tables"/);
  });
});

describe("options that cannot be", () => {
  const read = function* (): Generator<Order[]> {
    yield [{ id: 1 }];
  };
  test.each<[make: () => unknown, message: RegExp]>([
    [() => accepted("a", []), /accepted\(a\): values is \[\]; it must be a list of at least one value/],
    [() => range("a", {}), /range\(a\): its bounds is undefined/],
    [() => pattern("a", "x" as never), /its expression is "x"; it must be a RegExp/],
    [() => rowCount({ min: -1 }), /min is -1/],
    [() => rowCount({}), /its bounds/],
    [() => freshness("a", { hours: -1 }), /time span/],
    [() => freshness("a", {}), /time span/],
    [() => references("a", { table: "t", columns: ["x", "y"] }), /its target .* with 1 column/],
    [
      () => references("a", { table: "t", columns: "x" }, { when: "before" } as object),
      /looks at committed tables/,
    ],
    [() => reconcile({} as { rows: number }), /its figures/],
    [() => reconcile({ rows: 1, tolerance: -1 }), /tolerance is -1/],
    [() => notNull([]), /names of columns, each once/],
    [() => unique(["a", "a"]), /names of columns, each once/],
    [() => notNull("a", { severity: "fatal" as never }), /severity is "fatal"/],
    [() => notNull("a", { when: "later" as never }), /when is "later"/],
    [() => notNull("a", { severity: "quarantine", when: "after" }), /are not taken out of their table/],
    [
      () => rowCount({ min: 1 }, { severity: "quarantine" as never }),
      /about the table, not about single rows/,
    ],
    [() => check("", () => true), /its name is ""/],
    [() => check("x", 1 as never), /its condition is 1/],
    [
      () => check("x", () => true, { when: "after" } as object),
      /rows of a table are not those that its function takes/,
    ],
    [() => sqlCheck("x", " "), /its query/],
    [() => each("items", check("x", () => true) as never), /a function of rows sees their lists/],
    [() => resource({ name: "r", checks: [{}] as never, read }), /must be a list of checks/],
    [() => resource({ name: "r", checks: notNull("id") as never, read }), /must be a list of checks/],
    [
      () => resource({ name: "r", checks: [notNull("id"), notNull("id")], read }),
      /two of its checks are called "notNull\(id\)"/,
    ],
  ])("%s", (make, message) => {
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ code: "ALV_CONFIG" }) as Error);
  });

  test.each<[checks: ChecksOption<Order>, message: RegExp, code: string]>([
    [[range("id", { min: "x" })], /"x" cannot be compared with it/, "ALV_CONFIG"],
    [[accepted("id", ["x"])], /"x" is no value of it/, "ALV_CONFIG"],
    [[pattern("id", /x/)], /column id is int64, and a pattern is for texts/, "ALV_CONFIG"],
    [[freshness("id", { hours: 1 })], /freshness is that of dates/, "ALV_CONFIG"],
    [[reconcile({ sums: { email: 1 } })], /only numbers have sums/, "ALV_CONFIG"],
    [[reconcile({ rows: "many" })], /the source's rows is many/, "ALV_CONFIG"],
    [[references("id", { table: "gone", columns: "id" })], /there is no table gone/, "ALV_CONFIG"],
    [
      [
        check("broken", () => {
          throw new Error("oh");
        }),
      ],
      /check broken failed to look at the row .*: oh/,
      "ALV_SOURCE_FAILED",
    ],
  ])("of the types that come: %o", async (checks, message, code) => {
    const { error } = await load({ rows: [{ id: 1, email: "a" }], checks });
    expect(error?.message).toMatch(message);
    expect(error).toMatchObject({ code, resource: "orders" });
  });

  test("for the resource and destination", async () => {
    const orders = (checks: ChecksOption<Order>, more: object = {}) =>
      resource({ name: "orders", schema: typed<Order>(), primaryKey: "id", checks, read, ...more });
    expect(
      (await run(orders([unique("id", { when: "before" })], { disposition: "merge" }))).error?.message,
    ).toMatch(/several may be versions of one row/);
    expect((await run(orders([sqlCheck("x", "select 1")]))).error?.message).toMatch(
      /which memory does not run/,
    );
    expect(
      (await run(orders([check("x", () => true)], { disposition: "merge", partial: true }))).error?.message,
    ).toMatch(/its rows are partial/);
    expect(() => source("s", () => [orders([notNull("id")]).map((row) => row)])().name).toThrow(
      /its check notNull\(id\) is about rows as they were before map/,
    );
    const derived = orders([notNull("id"), range("total", { min: 0 }, { severity: "warn" })])
      .rename({ id: "number" })
      .select("number", "email")
      .filter(() => true);
    const { report } = await run(derived);
    expect(report.tables["orders"]!.checks).toMatchObject([
      { name: "notNull(id)", column: "number", rows: 1 },
    ]);
  });
});
