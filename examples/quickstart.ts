// #region load
import { env, pipeline } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import { postgres } from "@alluvium/sources/postgres";

const shop = postgres({
  url: env("DATABASE_URL"),
  tables: {
    customers: {}, // no cursor: replaced whole by each run
    orders: { cursor: "placed_at" }, // a cursor: what is new is appended
  },
});

const lake = pipeline({ name: "shop", source: shop, destination: delta({ url: "./lake" }) });
console.log(await lake.run());
// #endregion load
