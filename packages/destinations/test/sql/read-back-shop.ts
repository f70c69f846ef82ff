import { resource, source, typed } from "@alluvium/core";

/** A row with a column of each kind that reading back tells apart. */
interface Order {
  id: number;
  orderNumber: bigint;
  state: "open" | "closed";
  placedAt: Date;
  note?: string;
  tags: string[];
  address: { city: string; zip?: string; since: Date; count: bigint } | null;
  visits: Date[];
  parts: { sku: string; at: Date }[];
  prices: ReadonlyMap<string, bigint>;
}

/** What the type tests of reading back load. */
export const shop = source("shop", () => [
  resource({
    name: "Orders",
    schema: typed<Order>(),
    primaryKey: "id",
    disposition: "merge",
    read: () => [],
  }),
  resource({
    name: "prices",
    schema: typed<{ sku: string; price: number }>(),
    primaryKey: "sku",
    disposition: { merge: "scd2" },
    read: () => [],
  }),
])();
