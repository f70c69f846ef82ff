import {
  checkpoint,
  day,
  env,
  pipeline,
  resource,
  sha256,
  source,
  tokenize,
  typed,
} from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import * as z from "zod";

// #region schema
const Order = z.object({
  id: z.int(),
  email: z.email(),
  // An exact decimal, not a floating-point number. `columns` of the resource may say so too.
  total: z.string().meta({ column: { type: "decimal", precision: 18, scale: 2 } }),
  items: z.array(z.object({ sku: z.string(), quantity: z.int() })),
  createdAt: z.coerce.date(),
});

const orders = resource({
  name: "orders",
  schema: Order,
  primaryKey: "id",
  cursor: "createdAt",
  partitionBy: [day("createdAt")],
  async *read({ since, signal }) {
    // What the API sends. Each row is checked by the schema.
    yield await fetchOrders(since, signal);
  },
});
// #endregion schema

// #region transforms
const large = orders.filter((order) => Number(order.total) >= 100).as("large_orders");

const items = orders
  .flatMap((order) =>
    order.items.map((item, index) => ({ orderId: order.id, index, ...item })),
  )
  .as("order_items", { primaryKey: ["orderId", "index"] });

const contacts = orders
  .select("id", "email")
  .rename({ id: "orderId" })
  .map(async (row) => ({ ...row, domain: await lookUp(row.email) }), { concurrency: 8 })
  .as("contacts");

// fetchOrders is called once for all four.
const shop = source("shop", () => [orders, large, items, contacts]);
// #endregion transforms

// #region columns
const masked = orders
  .mask({
    id: tokenize({ key: env("TOKEN_KEY") }), // the same id has the same token in every table
    email: sha256({ salt: env("SALT") }),
  })
  .cast({ createdAt: { type: "string" } })
  .as("masked_orders");
// #endregion columns

// #region positions
const events = resource({
  name: "events",
  schema: typed<{ id: number; kind: string }>(),
  async *read({ position, signal }) {
    // No column tells old from new, but there are pages: their number is kept from run to run.
    for (let page = Number(position ?? 1); ; page++) {
      const rows = await fetchPage(page, signal);
      if (rows.length === 0) return;
      yield rows;
      // What came before is committed together with this position.
      yield checkpoint(page + 1);
    }
  },
});
// #endregion positions

// #region replace
const rates = resource({
  name: "exchange_rates",
  // Without allowEmpty a read of nothing is an error.
  disposition: { replace: "all", allowEmpty: true },
  async *read() {
    yield { currency: "EUR", rate: 1 };
    yield { currency: "USD", rate: 1.08 };
  },
});
// #endregion replace

process.env["SALT"] ??= "only an example";
process.env["TOKEN_KEY"] ??= "only an example";
const everything = source("all", () => [
  ...Object.values(shop().resources),
  masked,
  events,
  rates,
]);
const load = pipeline({
  name: "shop",
  source: everything(),
  destination: delta({ url: "./lake" }),
});
const report = await load.run();
console.log(report);

// #region sample
// Reads about two rows, writes nothing.
const { tables } = await load.run({ only: ["contacts"], limit: 2 });
console.log(tables.contacts.sample);
// #endregion sample

// Stand for HTTP calls.
async function fetchOrders(since: Date | undefined, signal: AbortSignal): Promise<unknown[]> {
  signal.throwIfAborted();
  const all = [
    {
      id: 1,
      email: "ada@example.com",
      total: "99.95",
      items: [{ sku: "A", quantity: 2 }],
      createdAt: "2026-01-02T10:00:00Z",
    },
    {
      id: 2,
      email: "alan@example.org",
      total: "120.00",
      items: [
        { sku: "A", quantity: 1 },
        { sku: "B", quantity: 3 },
      ],
      createdAt: "2026-01-03T09:30:00Z",
    },
  ];
  return all.filter(({ createdAt }) => since === undefined || new Date(createdAt) >= since);
}

async function fetchPage(
  page: number,
  signal: AbortSignal,
): Promise<{ id: number; kind: string }[]> {
  signal.throwIfAborted();
  return page > 3
    ? []
    : [
        { id: page * 2, kind: "opened" },
        { id: page * 2 + 1, kind: "closed" },
      ];
}

async function lookUp(email: string): Promise<string> {
  return email.slice(email.indexOf("@") + 1);
}
