import type { Kysely } from "kysely";
import { expectTypeOf, test } from "vitest";
import { pipeline, resource, source, typed } from "@alluvium/core";
import { database, postgres, type DatabaseOf } from "../../src/postgres/index.ts";

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
  destination: postgres({ url: "postgres://x" }),
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
    readonly since: string;
    readonly count: number | bigint;
  } | null>();
  expectTypeOf<Tables["orders"]["visits"]>().toEqualTypeOf<readonly Date[]>();
  expectTypeOf<Tables["orders"]["parts"]>().toEqualTypeOf<
    readonly { readonly sku: string; readonly at: string }[]
  >();
  expectTypeOf<Tables["orders"]["prices"]>().toEqualTypeOf<{ readonly [x: string]: number | bigint }>();
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
