// #region checks
import {
  accepted,
  check,
  each,
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
  typed,
  unique,
} from "@alluvium/core";
import { memory } from "@alluvium/destinations/memory";

interface Order {
  readonly id: number;
  readonly customer: string | null;
  readonly status: string;
  readonly email: string | null;
  readonly total: number;
  readonly paid: number;
  readonly placedAt: Date;
  readonly items: readonly { readonly sku: string; readonly quantity: number }[];
}

const orders = resource({
  name: "orders",
  schema: typed<Order>(),
  primaryKey: "id",
  disposition: "merge",
  nesting: "tables",
  checks: [
    // Before the commit, row by row.
    notNull("customer"),
    accepted("status", ["open", "paid", "sent"]),
    range("total", { min: 0 }, { severity: "quarantine" }),
    pattern("email", /^[^@\s]+@[^@\s]+$/, { severity: "warn", examples: false }),
    check("what is sent is paid", (order: Order) => order.status !== "sent" || order.paid === order.total),
    ...each("items", notNull("sku"), range("quantity", { min: 1 })),
    // After the commit, the table as it stands.
    unique("id"),
    rowCount({ min: 1 }),
    freshness("placedAt", { hours: 24 }, { severity: "warn" }),
    references("customer", { table: "customers", columns: "name" }),
    reconcile({ rows: () => countOrders() }, { severity: "warn" }),
  ],
  *read() {
    yield today;
  },
});
// #endregion checks

const customers = resource({
  name: "customers",
  disposition: "replace",
  checks: [rowCount({ min: 2 }, { when: "before" })],
  *read() {
    yield [{ name: "Ada" }, { name: "Émilie" }];
  },
});

const placedAt = new Date();
const order = (id: number, more: Partial<Order> = {}): Order => ({
  id,
  customer: "Ada",
  status: "open",
  email: "ada@example.com",
  total: 20,
  paid: 0,
  placedAt,
  items: [{ sku: "lamp", quantity: 1 }],
  ...more,
});
let today: readonly Order[] = [];
const countOrders = (): number => 4;

const destination = memory();
const shop = pipeline({ name: "shop", source: source("shop", () => [customers, orders])(), destination });

today = [
  order(1),
  order(2, { status: "sent", paid: 20, customer: "Émilie" }),
  order(3, { total: -5 }),
  order(4, { email: "nobody" }),
];
// #region page
import { writeFile } from "node:fs/promises";
import { checksPage } from "@alluvium/core/checks-page";

const report = await shop.run();
console.log(report);
await writeFile("checks.html", checksPage(report));
// #endregion page

// #region failed
import { AlluviumError } from "@alluvium/core";

today = [order(5), order(6, { status: "lost" }), order(7, { status: "sent", paid: 1 })];
try {
  await shop.run();
} catch (error) {
  if (!AlluviumError.is(error) || error.code !== "ALV_CHECK_FAILED") throw error;
  console.log(error.message);
  await writeFile("checks.html", checksPage(error.report!));
}
// #endregion failed

// #region history
console.table(destination.store.rows("_alv_checks"), [
  "table_name",
  "check_name",
  "passed",
  "failed_rows",
  "value",
]);
// #endregion history
