import { pipeline, resource, source, typed } from "@alluvium/core";
import { database, duckdb } from "@alluvium/destinations/duckdb";

interface Order {
  readonly id: number;
  readonly state: string;
  readonly total: number;
}

const orders = resource({
  name: "orders",
  schema: typed<Order>(),
  disposition: "replace",
  *read() {
    yield { id: 1, state: "open", total: 12.5 };
    yield { id: 2, state: "paid", total: 8 };
  },
});

const load = pipeline({
  name: "shop",
  source: source("shop", () => [orders])(),
  destination: duckdb({ path: "./shop.duckdb" }),
});
await load.run();

// #region database
await using db = await database(load);
const open = await db.selectFrom("orders").select(["id", "total"]).where("state", "=", "open").execute();
console.log(open);
// #endregion database
