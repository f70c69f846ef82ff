import { expectTypeOf, test } from "vitest";
import { env, pipeline, source, typed, type Destination } from "@alluvium/core";
import { postgres } from "@alluvium/sources/postgres";

// As kysely-codegen writes it.
interface ColumnType<Select, Insert, Update> {
  readonly __select__: Select;
  readonly __insert__: Insert;
  readonly __update__: Update;
}
type Generated<T> = ColumnType<T, T | undefined, T>;
interface Orders {
  order_id: Generated<number>;
  updated_at: ColumnType<Date, Date | string, Date | string>;
  total: string;
  tags: string[] | null;
}
interface Customers {
  id: number;
  email: string;
}
interface DB {
  orders: Orders;
  customers: Customers;
  "sales.targets": Customers;
}

interface OrderRow {
  order_id: number;
  updated_at: Date;
  total: string;
  tags: string[] | null;
}

const url = env("DATABASE_URL");
type TablesOf<S> = S extends { readonly $tables?: infer Tables } ? NonNullable<Tables> : never;
const lake = null as unknown as Destination<"append" | "replace">;

test("a record of options: names, rows and abilities", () => {
  const shop = postgres({
    url,
    database: typed<DB>(),
    tables: {
      orders: { primaryKey: "order_id", cursor: "updated_at" },
      customers: {},
      "sales.targets": { as: "targets" },
    },
  });
  type Tables = TablesOf<typeof shop>;
  expectTypeOf<keyof Tables>().toEqualTypeOf<"orders" | "customers" | "sales.targets">();
  expectTypeOf<Tables["orders"]["row"]>().toEqualTypeOf<OrderRow>();
  expectTypeOf<Tables["orders"]["ability"]>().toEqualTypeOf<"append">();
  expectTypeOf<Tables["customers"]["ability"]>().toEqualTypeOf<"replace">();
  const load = pipeline({ name: "shop", source: shop, destination: lake });
  const rows = async (): Promise<number> => (await load.run()).tables.orders.rows;
  expectTypeOf(rows).returns.resolves.toEqualTypeOf<number>();
});

test("a list, and all tables", () => {
  const some = postgres({ url, database: typed<DB>(), tables: ["orders", "customers"] });
  expectTypeOf<keyof TablesOf<typeof some>>().toEqualTypeOf<"orders" | "customers">();
  const all = postgres({ url, database: typed<DB>() });
  expectTypeOf<keyof TablesOf<typeof all>>().toEqualTypeOf<keyof DB>();
  const matching = postgres({ url, database: typed<DB>(), tables: ["sales.*"] });
  expectTypeOf<keyof TablesOf<typeof matching>>().toEqualTypeOf<keyof DB>();
  // @ts-expect-error no such table
  postgres({ url, database: typed<DB>(), tables: ["ordes"] });
});

test("what does not exist does not compile", () => {
  // @ts-expect-error no such table
  postgres({ url, database: typed<DB>(), tables: { orders: {}, ordes: {} } });
  // @ts-expect-error no such column
  postgres({ url, database: typed<DB>(), tables: { orders: { cursor: "updatd_at" } } });
  // @ts-expect-error a list has no order that a cursor could follow
  postgres({ url, database: typed<DB>(), tables: { orders: { cursor: "tags" } } });
  // @ts-expect-error no such column
  postgres({ url, database: typed<DB>(), tables: { orders: { primaryKey: ["order_id", "nr"] } } });
  // @ts-expect-error no such option
  postgres({ url, database: typed<DB>(), tables: { orders: { cursr: "updated_at" } } });
  // @ts-expect-error no such option
  postgres({ url, tabels: ["orders"] });
});

test("without a database type, any table and column", () => {
  const shop = postgres({
    url,
    tables: {
      orders: {
        primaryKey: "id",
        cursor: { column: "updated_at", lag: { minutes: 5 } },
        disposition: "merge",
      },
      customers: {},
    },
    queries: { totals: { sql: "select 1 as one", as: "t" } },
  });
  type Tables = TablesOf<typeof shop>;
  expectTypeOf<keyof Tables>().toEqualTypeOf<"orders" | "customers" | "totals">();
  expectTypeOf<Tables["orders"]["ability"]>().toEqualTypeOf<"upsert">();
  expectTypeOf<Tables["totals"]["row"]>().toEqualTypeOf<Record<string, unknown>>();
  // @ts-expect-error the destination cannot merge
  pipeline({ name: "shop", source: shop, destination: lake });
  // @ts-expect-error no such option
  postgres({ url, tables: { orders: { cursr: "updated_at" } } });
  // @ts-expect-error a query needs its SQL
  postgres({ url, queries: { totals: { as: "t" } } });
});

test("its tables are resources", () => {
  const shop = postgres({
    url,
    database: typed<DB>(),
    tables: { orders: { cursor: "updated_at" }, customers: {} },
  });
  const open = shop.resources.orders
    .filter((row) => row.total !== "0")
    .map(({ order_id }) => ({ order_id }))
    .as("open_orders");
  expectTypeOf<NonNullable<(typeof open)["$row"]>>().toEqualTypeOf<{ order_id: number }>();
  const mine = source("mine", () => [open, shop.resources.customers]);
  expectTypeOf<keyof TablesOf<ReturnType<typeof mine>>>().toEqualTypeOf<"open_orders" | "customers">();
  // @ts-expect-error no such table among those that are read
  expectTypeOf(shop.resources.ordes);
});

test("a client of any kind of pg fits", () => {
  const client = { query: (text: string): Promise<string> => Promise.resolve(text), end: (): void => {} };
  postgres({ client });
  postgres({ connect: () => Promise.resolve(client) });
});
