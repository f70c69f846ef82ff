import type { Kysely } from "kysely";
import { expectTypeOf, test } from "vitest";
import { pipeline } from "@alluvium/core";
import { database, postgres, type DatabaseOf } from "../../src/postgres/index.ts";
import { shop } from "../sql/read-back-shop.ts";

const load = pipeline({ name: "shop", source: shop, destination: postgres({ url: "postgres://x" }) });
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
