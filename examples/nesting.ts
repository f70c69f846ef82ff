// #region orders
import { pipeline, resource, source } from "@alluvium/core";
import { memory } from "@alluvium/destinations/memory";

interface Order {
  readonly id: number;
  readonly customer: { readonly name: string; readonly city: string | null } | null;
  readonly items: readonly { readonly sku: string; readonly tags: readonly string[] }[];
}

const days: Order[][] = [
  [
    {
      id: 1,
      customer: { name: "Ada", city: "Łódź" },
      items: [
        { sku: "lamp", tags: ["new", "blue"] },
        { sku: "shoe", tags: [] },
      ],
    },
    { id: 2, customer: null, items: [] },
  ],
  [{ id: 1, customer: { name: "Ada", city: null }, items: [{ sku: "lamp", tags: ["blue"] }] }],
];
let today = 0;

const orders = resource({
  name: "orders",
  primaryKey: "id",
  disposition: "merge",
  nesting: "tables",
  *read() {
    yield days[today]!;
  },
});
// #endregion orders

// #region paths
const compact = orders.as("compact_orders", {
  nesting: { default: "tables", paths: { "items.tags": "json", customer: "native" } },
});
// #endregion paths

const destination = memory();
const shop = pipeline({ name: "shop", source: source("shop", () => [orders, compact])(), destination });
for (today = 0; today < days.length; today++) console.log(await shop.run());
for (const [table] of destination.store.tables) {
  console.log(table);
  console.table(destination.store.rows(table));
}

// #region rebuild
import { rebuildRows } from "@alluvium/core/nesting";

const { tables } = (await shop.state())!;
const rows = Object.fromEntries(Object.keys(tables).map((table) => [table, destination.store.rows(table)]));
console.dir(rebuildRows({ table: "orders", tables, rows }), { depth: 5 });
// #endregion rebuild
