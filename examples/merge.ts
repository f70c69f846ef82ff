// #region orders
import { pipeline, resource, source, typed } from "@alluvium/core";
import { memory } from "@alluvium/destinations/memory";

interface Order {
  readonly id: number;
  readonly status: string;
  readonly updatedAt: Date;
  readonly deleted: boolean;
}

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 1, 12, minute));
const days: Order[][] = [
  [
    { id: 1, status: "placed", updatedAt: at(0), deleted: false },
    { id: 2, status: "placed", updatedAt: at(1), deleted: false },
  ],
  [
    { id: 1, status: "shipped", updatedAt: at(5), deleted: false },
    { id: 2, status: "placed", updatedAt: at(6), deleted: true },
    { id: 3, status: "placed", updatedAt: at(7), deleted: false },
  ],
];
let today = 0;

const orders = resource({
  name: "orders",
  schema: typed<Order>(),
  primaryKey: "id",
  disposition: { merge: "upsert", orderBy: "updatedAt", deleteFlag: "deleted" },
  *read() {
    yield days[today]!;
  },
});
// #endregion orders

// #region history
const history = orders.as("orders_history", {
  disposition: { merge: "scd2", boundary: "updatedAt", deleteFlag: "deleted" },
});
// #endregion history

const destination = memory();
const shop = pipeline({ name: "shop", source: source("shop", () => [orders, history])(), destination });
for (today = 0; today < days.length; today++) console.log(await shop.run());

console.table(destination.store.rows("orders").map(({ id, status }) => ({ id, status })));
console.table(
  destination.store
    .rows("orders_history")
    .map(({ id, status, _alv_valid_from: from, _alv_valid_to: to }) => ({ id, status, from, to })),
);
