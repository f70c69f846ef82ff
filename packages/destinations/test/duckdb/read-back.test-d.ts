import type { Kysely } from "kysely";
import { expectTypeOf, test } from "vitest";
import { pipeline, resource, source, typed } from "@alluvium/core";
import { database, duckdb, type DatabaseOf } from "../../src/duckdb/index.ts";

interface Order {
  id: number;
  orderNumber: bigint;
  state: "open" | "closed";
  placedAt: Date;
  note?: string;
  tags: string[];
  address: { city: string; zip?: string } | null;
}
const load = pipeline({
  name: "shop",
  source: source("shop", () => [
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
  ])(),
  destination: duckdb({ path: "x" }),
});
type Tables = DatabaseOf<typeof load>;

test("tables and columns have the names and values of the destination", () => {
  expectTypeOf<keyof Tables>().toEqualTypeOf<"orders" | "prices" | "_alv_loads">();
  expectTypeOf<Tables["orders"]["order_number"]>().toEqualTypeOf<bigint>();
  expectTypeOf<Tables["orders"]["id"]>().toEqualTypeOf<number | bigint>();
  expectTypeOf<Tables["orders"]["state"]>().toEqualTypeOf<"open" | "closed">();
  expectTypeOf<Tables["orders"]["placed_at"]>().toEqualTypeOf<Date>();
  expectTypeOf<Tables["orders"]["note"]>().toEqualTypeOf<string | null>();
  expectTypeOf<Tables["orders"]["tags"]>().toEqualTypeOf<readonly string[]>();
  expectTypeOf<Tables["orders"]["address"]>().toEqualTypeOf<{
    readonly city: string;
    readonly zip: string | null;
  } | null>();
  expectTypeOf<Tables["orders"]["_alv_load_id"]>().toEqualTypeOf<string>();
  expectTypeOf<Tables["prices"]["_alv_active"]>().toEqualTypeOf<boolean>();
  expectTypeOf<Tables["_alv_loads"]["sequence"]>().toEqualTypeOf<bigint>();
});

test("the database is Kysely's", () => {
  expectTypeOf(database(load)).resolves.toEqualTypeOf<Kysely<Tables>>();
  // @ts-expect-error no such table
  void database(load).then((db) => db.selectFrom("nowhere"));
  // @ts-expect-error no such column
  void database(load).then((db) => db.selectFrom("orders").select("orderNumber"));
});
