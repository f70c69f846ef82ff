import { expectTypeOf, test } from "vitest";
import {
  accepted,
  check,
  each,
  freshness,
  notNull,
  pattern,
  range,
  reconcile,
  references,
  resource,
  rowCount,
  sqlCheck,
  typed,
  unique,
  type ChecksOption,
} from "@alluvium/core";

interface Order {
  readonly id: number;
  readonly total?: number | null;
  readonly at: Date;
}

test("checks name columns of their rows", () => {
  const checks: ChecksOption<Order> = [
    notNull(["id", "total"]),
    unique("id"),
    accepted("id", [1, 2]),
    range("total", { min: 0 }),
    freshness("at", { hours: 1 }),
    reconcile({ rows: 3 }),
    reconcile({ sums: { total: "3.5" } }, { name: "sums" }),
    references("id", { table: "ids", columns: "id" }),
    rowCount({ min: 1 }),
    sqlCheck("nothing", "select 1 where false"),
    check("total", (row: Order) => (row.total ?? 0) >= 0),
    ...each("items", notNull("sku")),
  ];
  expectTypeOf(checks).toExtend<readonly object[]>();
  resource({
    name: "orders",
    schema: typed<Order>(),
    checks: [notNull("id"), pattern("total", /x/)],
    async *read({ signal }) {
      yield await Promise.resolve([{ id: Number(signal.aborted), at: new Date() }]);
    },
  });
  const read = (): readonly Order[][] => [[{ id: 1, at: new Date() }]];
  // @ts-expect-error there is no column name
  resource({ name: "orders", schema: typed<Order>(), checks: [notNull("name")], read });
});

test("the rows of a read are known to their checks", () => {
  resource({
    name: "plain",
    checks: [
      range("id", { min: 0 }),
      check("x", (row: { readonly id: number; readonly x: string }) => row.x !== ""),
    ],
    async *read({ position }) {
      yield await Promise.resolve([{ id: 1, x: JSON.stringify(position) }]);
    },
  });
  resource({
    name: "plain",
    // @ts-expect-error there is no column name
    checks: [range("name", { min: 0 })],
    async *read({ position }) {
      yield await Promise.resolve([{ id: 1, x: JSON.stringify(position) }]);
    },
  });
});

test("a derived resource knows its rows", () => {
  const orders = resource({
    name: "orders",
    schema: typed<Order>(),
    *read() {
      yield [{ id: 1, at: new Date() }];
    },
  });
  const mapped = orders.map(({ id }) => ({ number: id }));
  mapped.as("numbers", { checks: [notNull("number"), check("number", (row) => row.number > 0)] });
  // @ts-expect-error id is called number now
  mapped.as("numbers", { checks: [notNull("id")] });
});

test("what a check cannot be is refused", () => {
  // @ts-expect-error the table as a whole has no rows for the quarantine
  rowCount({ min: 1 }, { severity: "quarantine" });
  // @ts-expect-error references looks at committed tables
  references("id", { table: "t", columns: "id" }, { when: "before" });
  // @ts-expect-error a text is no time span
  freshness("at", "1 hour");
});
