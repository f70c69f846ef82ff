import * as v from "valibot";
import { expectTypeOf, test } from "vitest";
import * as z from "zod";
import * as zm from "zod/mini";
import { checkpoint } from "../src/checkpoint.ts";
import { redact, sha256, tokenize } from "../src/mask.ts";
import { day } from "../src/partition.ts";
import { resource } from "../src/resource.ts";
import type { NestedPath } from "../src/resource-options.ts";
import { source } from "../src/source.ts";
import type { Resource, RowOf } from "../src/transform.ts";
import { typed } from "../src/typed.ts";

interface Order {
  id: number;
  customer: string;
  total: string;
  open: boolean;
  updatedAt: Date;
  closedAt: Date | null;
  version?: bigint;
  tags: string[];
}

const schema = typed<Order>();
declare const read: () => AsyncGenerator<never>;
declare const rows: () => AsyncGenerator<{ id: number }>;
declare function page(since: Date | undefined, signal: AbortSignal): Promise<Order[]>;

const Issue = z.object({
  id: z.number(),
  title: z.string(),
  createdAt: z.date(),
  labels: z.array(z.string()).optional(),
});

const orders = resource({
  name: "orders",
  schema: typed<Order>(),
  primaryKey: "id",
  cursor: "updatedAt",
  disposition: "merge",
  async *read({ since, until, signal }) {
    expectTypeOf(since).toEqualTypeOf<Date | undefined>();
    expectTypeOf(until).toEqualTypeOf<Date | undefined>();
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
    yield await page(since, signal);
  },
});

test("a schema gives the row type, names stay literal, the disposition becomes an ability", () => {
  expectTypeOf(orders).toEqualTypeOf<Resource<"orders", Order, "upsert">>();
  const issues = resource({
    name: "issues",
    schema: Issue,
    async *read() {
      yield { id: 1, title: "a", createdAt: new Date() };
    },
  });
  expectTypeOf(issues).toEqualTypeOf<Resource<"issues", z.infer<typeof Issue>, "append">>();
  const mini = resource({
    name: "mini",
    schema: zm.object({ a: zm.string(), b: zm.number() }),
    primaryKey: ["a", "b"],
    disposition: "merge",
    async *read() {
      yield [{ a: "1", b: 2 }];
    },
  });
  expectTypeOf(mini).toEqualTypeOf<Resource<"mini", { a: string; b: number }, "upsert">>();
  const vali = resource({
    name: "vali",
    schema: v.object({ a: v.pipe(v.string(), v.transform(Number)) }),
    *read() {
      yield { a: "1" };
    },
  });
  expectTypeOf(vali).toEqualTypeOf<Resource<"vali", { a: number }, "append">>();
});

test("since has the type of the cursor column, without null", () => {
  resource({
    name: "a",
    schema: typed<Order>(),
    cursor: "closedAt",
    async *read({ since }) {
      expectTypeOf(since).toEqualTypeOf<Date | undefined>();
      yield 1;
    },
  });
  resource({
    name: "b",
    schema: typed<Order>(),
    cursor: { column: "version", initial: 5n, lag: 10n, order: "ascending", nulls: "exclude" },
    async *read({ since }) {
      expectTypeOf(since).toEqualTypeOf<bigint | undefined>();
      yield 1;
    },
  });
  resource({
    name: "c",
    schema: typed<Order>(),
    cursor: { column: "updatedAt", lag: { minutes: 5 }, initial: new Date(0) },
    async *read({ since }) {
      expectTypeOf(since).toEqualTypeOf<Date | undefined>();
      yield 1;
    },
  });
  // @ts-expect-error a lag in minutes says nothing about numbers
  resource({ name: "d", schema, cursor: { column: "id", lag: { minutes: 5 } }, read });
  // @ts-expect-error initial has the column's type
  resource({ name: "e", schema: typed<Order>(), cursor: { column: "id", initial: "5" }, async *read() {} });
});

test("with a schema read may yield anything", () => {
  resource({
    name: "x",
    schema: typed<Order>(),
    async *read({ signal }) {
      const response = await fetch("https://example.com", { signal });
      yield await response.json();
      yield checkpoint({ page: 2 });
    },
  });
});

test("the cursor names an orderable column", () => {
  // @ts-expect-error an array has no order
  resource({ name: "x", schema, cursor: "tags", read });
  // @ts-expect-error a boolean has no order
  resource({ name: "x", schema, cursor: "open", read });
  // @ts-expect-error no such column
  resource({ name: "x", schema, cursor: "updated", read });
  // @ts-expect-error no such column
  resource({ name: "x", schema, cursor: { column: "updated" }, read });
});

test("keys name columns, and a merge demands one", () => {
  // @ts-expect-error a merge needs a key
  resource({ name: "x", schema, disposition: "merge", read });
  // @ts-expect-error so does every strategy
  resource({ name: "x", schema, disposition: { merge: "scd2" }, read });
  // @ts-expect-error no such column
  resource({ name: "x", schema, primaryKey: "nope", read });
  // @ts-expect-error no such column
  resource({ name: "x", schema, primaryKey: ["id", "nope"], read });
  // @ts-expect-error a merge without schema needs a key too
  resource({ name: "x", disposition: "merge", read: rows });
});

test("unknown options do not compile", () => {
  // @ts-expect-error misspelled
  resource({ name: "x", schema, primarykey: "id", read });
  // @ts-expect-error misspelled
  resource({ name: "x", curser: "id", read: rows });
  // @ts-expect-error misspelled in the cursor
  resource({ name: "x", schema, cursor: { column: "id", ordered: true }, read });
});

test("validation can be left out only where it changes nothing", () => {
  resource({ name: "x", schema: Issue, validate: false, async *read() {} });
  const coerced = z.object({ id: z.string().transform(Number) });
  resource({ name: "x", schema: coerced, validate: true, async *read() {} });
  // @ts-expect-error rows would still have text where numbers are promised
  resource({ name: "x", schema: coerced, validate: false, async *read() {} });
});

test("without a schema the row is what read yields, and there is no since", () => {
  const raw = resource({
    name: "raw",
    primaryKey: "id",
    async *read(context) {
      // @ts-expect-error the row type is not known yet where the context is typed
      void context.since;
      yield { id: 1, ok: true };
    },
  });
  expectTypeOf(raw).toEqualTypeOf<Resource<"raw", { id: number; ok: boolean }, "append">>();
  const arrays = resource({
    name: "arrays",
    async *read() {
      yield [{ id: 1 }];
      yield checkpoint(1);
      yield [{ id: 2 }];
    },
  });
  expectTypeOf<RowOf<typeof arrays>>().toEqualTypeOf<{ id: number }>();
  const sync = resource({
    name: "sync",
    *read() {
      yield { id: 1 };
    },
  });
  expectTypeOf<RowOf<typeof sync>>().toEqualTypeOf<{ id: number }>();
  // @ts-expect-error a cursor needs a schema
  resource({ name: "x", cursor: "id", read: rows });
});

test("interfaces are rows", () => {
  const made = resource({
    name: "rows",
    async *read({ signal }) {
      yield await page(undefined, signal);
    },
  });
  expectTypeOf<RowOf<typeof made>>().toEqualTypeOf<Order>();
});

test("dispositions", () => {
  const replaced = resource({
    name: "r",
    schema: typed<Order>(),
    disposition: {
      replace: { where: { customer: "x", updatedAt: { ">=": new Date(0) } } },
      allowEmpty: true,
    },
    async *read() {},
  });
  expectTypeOf(replaced).toEqualTypeOf<Resource<"r", Order, "replace">>();
  const history = resource({
    name: "h",
    schema: typed<Order>(),
    primaryKey: "id",
    disposition: { merge: "scd2" },
    async *read() {},
  });
  expectTypeOf(history).toEqualTypeOf<Resource<"h", Order, "scd2">>();
  const window = resource({
    name: "w",
    schema: typed<Order>(),
    disposition: { append: { replaceWhere: { customer: ["a", "b"] } } },
    async *read() {},
  });
  expectTypeOf(window).toEqualTypeOf<Resource<"w", Order, "append">>();
  const key = { primaryKey: "id", schema, read } as const;
  resource({
    ...key,
    name: "m",
    disposition: { merge: "upsert", orderBy: "updatedAt", deleteFlag: "customer" },
  });
  resource({ ...key, name: "m", disposition: { merge: "deleteInsert", mergeKey: ["customer", "id"] } });
  resource({
    ...key,
    name: "m",
    disposition: { merge: "scd2", boundary: "updatedAt", validFrom: "any name" },
  });
  resource({ ...key, name: "m", disposition: { merge: "scd2", boundary: new Date(), retireAbsent: true } });
  const once = resource({ ...key, name: "o", disposition: { merge: "insertOnly" } });
  expectTypeOf(once).toExtend<Resource<"o", Order, "insertOnly">>();
  // @ts-expect-error insertOnly compares nothing
  resource({ ...key, name: "m", disposition: { merge: "insertOnly", orderBy: "updatedAt" } });
  // @ts-expect-error no such column
  resource({ ...key, name: "m", disposition: { merge: "upsert", orderBy: "updated" } });
  // @ts-expect-error no such column
  resource({ ...key, name: "m", disposition: { merge: "deleteInsert", mergeKey: ["customer", "nope"] } });
  // @ts-expect-error no such column
  resource({ ...key, name: "m", disposition: { merge: "scd2", boundary: "updated" } });
  // @ts-expect-error an upsert has no merge key
  resource({ ...key, name: "m", disposition: { merge: "upsert", mergeKey: "customer" } });
  // @ts-expect-error only scd2 retires keys
  resource({ ...key, name: "m", disposition: { merge: "deleteInsert", retireAbsent: true } });
  // @ts-expect-error no such disposition
  resource({ name: "x", schema, disposition: "upsert", read });
  // @ts-expect-error no such column
  resource({ name: "x", schema, disposition: { replace: { where: { nope: 1 } } }, read });
  // @ts-expect-error wrong type of value
  resource({ name: "x", schema, disposition: { replace: { where: { id: "1" } } }, read });
});

test("layout options name columns", () => {
  resource({
    name: "x",
    schema: typed<Order>(),
    columns: { total: { type: "decimal", precision: 18, scale: 2, nullable: false } },
    partitionBy: ["customer", day("updatedAt")],
    naming: "keep",
    contract: "freeze",
    async *read() {},
  });
  // @ts-expect-error no such column
  resource({ name: "x", schema, columns: { totl: { type: "string" } }, read });
  // @ts-expect-error no such column
  resource({ name: "x", schema, partitionBy: [day("updated")], read });
  // @ts-expect-error no such column
  resource({ name: "x", schema, partitionBy: ["nope"], read });
});

test("transforms carry name, row and ability", () => {
  const open = orders
    .filter((row) => row.open)
    .map((row) => ({ id: row.id, total: row.total }))
    .as("open_orders", { primaryKey: "id" });
  expectTypeOf(open).toEqualTypeOf<Resource<"open_orders", { id: number; total: string }, "upsert">>();
  const closed = orders.filter((row): row is Order & { closedAt: Date } => row.closedAt !== null);
  expectTypeOf<RowOf<typeof closed>["closedAt"]>().toEqualTypeOf<Date>();
  const picked = orders.select("id", "updatedAt").rename({ updatedAt: "changed" });
  expectTypeOf<RowOf<typeof picked>>().toEqualTypeOf<{ id: number; changed: Date }>();
  const slow = orders.filter(async (row) => row.open, { concurrency: 4 }).map(async ({ id }) => ({ id }));
  expectTypeOf<RowOf<typeof slow>>().toEqualTypeOf<{ id: number }>();
  const flat = orders
    .flatMap((row) => row.tags.map((tag) => ({ order: row.id, tag })))
    .as("tags", { disposition: "append" });
  expectTypeOf(flat).toEqualTypeOf<Resource<"tags", { order: number; tag: string }, "append">>();
  const generated = orders.flatMap(function* (row) {
    for (const tag of row.tags) yield { tag };
  });
  expectTypeOf<RowOf<typeof generated>>().toEqualTypeOf<{ tag: string }>();
  const streamed = orders.flatMap(async function* (row) {
    yield { id: row.id };
  });
  expectTypeOf<RowOf<typeof streamed>>().toEqualTypeOf<{ id: number }>();
  // @ts-expect-error no such column
  orders.select("nope");
  // @ts-expect-error no such column
  orders.rename({ nope: "x" });
  // @ts-expect-error no such column
  orders.as("x", { primaryKey: "nope" });
  // @ts-expect-error no such column after the map
  orders.map(({ id }) => ({ id })).as("x", { primaryKey: "total" });
  // @ts-expect-error rows are objects
  orders.map((row) => row.id);
});

test("cast and mask change the types of their columns alone", () => {
  const cast = orders.cast({
    id: { type: "int64" },
    total: { type: "decimal", precision: 18, scale: 2 },
    closedAt: { type: "date" },
    version: { type: "int32" },
    tags: { type: "list", element: { type: "float64" } },
  });
  expectTypeOf(cast).toEqualTypeOf<
    Resource<
      "orders",
      {
        id: bigint;
        customer: string;
        total: string;
        open: boolean;
        updatedAt: Date;
        closedAt: string | null;
        version?: number;
        tags: (number | null)[];
      },
      "upsert"
    >
  >();
  const nested = orders.cast({
    closedAt: { type: "timestamp", nullable: false },
    customer: {
      type: "struct",
      fields: { a: { type: "binary" }, b: { type: "boolean", nullable: false } },
    },
    total: { type: "map", key: { type: "string" }, value: { type: "json" } },
  });
  expectTypeOf<RowOf<typeof nested>["closedAt"]>().toEqualTypeOf<Date>();
  expectTypeOf<RowOf<typeof nested>["customer"]>().toEqualTypeOf<{ a: Uint8Array | null; b: boolean }>();
  expectTypeOf<RowOf<typeof nested>["total"]>().toEqualTypeOf<Map<string, unknown>>();
  const masked = orders.mask({
    id: sha256({ salt: "s" }),
    closedAt: tokenize({ key: () => "k" }),
    version: redact(),
    customer: redact(null),
  });
  expectTypeOf<RowOf<typeof masked>>().toEqualTypeOf<{
    id: string;
    customer: null;
    total: string;
    open: boolean;
    updatedAt: Date;
    closedAt: string | null;
    version?: string;
    tags: string[];
  }>();
  // @ts-expect-error no such column
  orders.cast({ nope: { type: "string" } });
  // @ts-expect-error no such type
  orders.cast({ id: { type: "number" } });
  // @ts-expect-error no such column
  orders.mask({ nope: redact() });
  // @ts-expect-error no mask
  orders.mask({ id: "sha256" });
  // @ts-expect-error a hash needs a salt
  sha256({});
});

test("rows of a partial resource may leave out all but their key", () => {
  const partial = resource({
    name: "p",
    schema: typed<Pick<Order, "id" | "total" | "closedAt" | "version">>(),
    primaryKey: "id",
    disposition: "merge",
    partial: true,
    cursor: "version",
    async *read({ since }) {
      expectTypeOf(since).toEqualTypeOf<bigint | undefined>();
      yield { id: 1 };
    },
  });
  expectTypeOf(partial).toEqualTypeOf<
    Resource<"p", { id: number; total?: string; closedAt?: Date | null; version?: bigint }, "upsert">
  >();
  const keys = resource({
    name: "k",
    schema: typed<{ a: number; b: string; c: boolean }>(),
    primaryKey: ["a", "b"],
    disposition: { merge: "scd2", validFrom: "since" },
    partial: true,
    read,
  });
  expectTypeOf<RowOf<typeof keys>>().toEqualTypeOf<{ a: number; b: string; c?: boolean }>();
  const plain = resource({
    name: "plain",
    primaryKey: "id",
    disposition: { merge: "upsert" },
    partial: true,
    async *read() {
      yield { id: 1, total: 5 };
    },
  });
  expectTypeOf<RowOf<typeof plain>>().toEqualTypeOf<{ id: number; total?: number }>();
  const Row = z.object({ id: z.int(), note: z.string(), total: z.number() });
  const checked = resource({
    name: "checked",
    schema: Row.partial().required({ id: true }),
    primaryKey: "id",
    disposition: "merge",
    partial: true,
    read,
  });
  expectTypeOf<RowOf<typeof checked>["id"]>().toEqualTypeOf<number>();
  const whole = resource({ name: "w", schema, primaryKey: "id", disposition: "merge", partial: false, read });
  expectTypeOf(whole).toEqualTypeOf<Resource<"w", Order, "upsert">>();
  // @ts-expect-error what is left out is taken from the row that is there: only a merge has one
  resource({ name: "x", schema, partial: true, read });
  const keyed = { name: "x", schema, primaryKey: "id", read } as const;
  resource({ ...keyed, disposition: "merge", partial: true });
  // @ts-expect-error a replace has none
  resource({ ...keyed, disposition: "replace", partial: true });
  // @ts-expect-error nor is one looked at
  resource({ ...keyed, disposition: { merge: "insertOnly" }, partial: true });
  // @ts-expect-error nor is one left
  resource({ ...keyed, disposition: { merge: "deleteInsert" }, partial: true });
});

test("a source is typed by name without as const", () => {
  const open = orders.filter((row) => row.open).as("open");
  const crm = source("crm", (config: { token: string }) => {
    void config;
    return [
      orders,
      open,
      resource({
        name: "inline",
        async *read() {
          yield { id: 1 };
        },
      }),
    ];
  });
  const made = crm({ token: "t" });
  type Tables = NonNullable<(typeof made)["$tables"]>;
  expectTypeOf<keyof Tables>().toEqualTypeOf<"orders" | "open" | "inline">();
  expectTypeOf<Tables["orders"]>().toEqualTypeOf<{ readonly row: Order; readonly ability: "upsert" }>();
  expectTypeOf<Tables["inline"]>().toEqualTypeOf<{
    readonly row: { id: number };
    readonly ability: "append";
  }>();
  expectTypeOf(made.resources.open).toEqualTypeOf(open);
  // @ts-expect-error the configuration is needed
  crm();
  const plain = source("plain", () => [orders]);
  plain();
  // @ts-expect-error there is none
  plain({ token: "t" });
});

test("paths of nesting are those of lists and objects in the rows", () => {
  interface Shipment {
    id: number;
    note: string | null;
    sentAt: Date;
    customer: { name: string; address?: { city: string } } | null;
    items: readonly { sku: string; tags?: string[]; parts: Map<string, { name: string; codes: number[] }> }[];
    anything: unknown;
  }
  expectTypeOf<NestedPath<Shipment>>().toEqualTypeOf<
    | "customer"
    | "customer.address"
    | "items"
    | "items.tags"
    | "items.parts"
    | "items.parts.codes"
    | "anything"
    | `anything.${string}`
  >();
  const shipments = typed<Shipment>();
  resource({ name: "a", schema: shipments, nesting: "tables", read });
  resource({ name: "b", schema: shipments, nesting: { depth: 2, paths: { "items.tags": "json" } }, read });
  // @ts-expect-error a value that is neither list nor object has no choice
  resource({ name: "c", schema: shipments, nesting: { paths: { "items.sku": "json" } }, read });
  // @ts-expect-error there is no such mode
  resource({ name: "d", schema: shipments, nesting: { paths: { items: "list" } }, read });
  // @ts-expect-error there is no such mode
  resource({ name: "e", schema: shipments, nesting: "flat", read });
  source("s", () => [resource({ name: "f", schema: shipments, read })], {
    nesting: { paths: { items: "tables" } },
  });
});
