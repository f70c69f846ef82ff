import { pipeline } from "@alluvium/core";
import { progress } from "@alluvium/core/progress";
import { delta } from "@alluvium/destinations/delta";
import { postgres } from "@alluvium/sources/postgres";
import { createWorld } from "@alluvium/synthetic";
import pg from "pg";
import { startPostgres } from "../scripts/postgres.ts";
import { advanceShop, forgetCustomers, openShop, shopTime } from "./shop/fill.ts";
import { openLake } from "./shop/read-back.ts";

// The main job, on a real PostgreSQL server that lives in ./.shop: a shop is loaded into the Delta lake ./lake, changes, and is loaded
// again. Each start goes on where the last one stopped.
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    // Who asks twice does not want to wait; the server goes with this process all the same.
    if (stop.signal.aborted) process.exit(130);
    stop.abort(new Error("stopped"));
  });
const say = (text: string): boolean => process.stdout.write(`${text}\n`);
const title = (text: string): boolean => say(`\n\u001B[1m${text}\u001B[22m`);
const count = (value: unknown): string => Number(value).toLocaleString("en-US");

const week = 7 * 86_400_000;
const opening = new Date("2026-06-01T00:00:00Z");
const world = createWorld({ seed: 42, customers: 60_000, products: 2_000 });

async function main(): Promise<void> {
  title("PostgreSQL");
  await using server = await startPostgres({ folder: ".shop" });
  await using client = await connect(server.url);
  const known = await shopTime(client);
  if (known === undefined) {
    say(`a new server in ./.shop; filling the shop up to ${opening.toISOString().slice(0, 10)} …`);
    await openShop(client, world, opening, stop.signal);
  } else say(`the server in ./.shop; the shop stands at ${known.toISOString().slice(0, 10)}`);
  for (const table of world.tables) {
    const { rows } = await client.query(`select count(*) from "${table}"`);
    say(`  ${table.padEnd(12)} ${count(rows[0].count).padStart(9)} rows`);
  }

  const lake = pipeline({
    name: "shop",
    source: postgres({
      url: server.url,
      tables: {
        products: {},
        customers: { cursor: "updated_at", disposition: { merge: "upsert", deleteFlag: "forgotten" } },
        orders: { cursor: "updated_at", disposition: "merge" },
        order_items: { cursor: "created_at" },
        payments: { cursor: "created_at" },
      },
    }),
    destination: delta({ url: "./lake" }),
  });
  const load = async (): Promise<void> => {
    using shown = progress({ stream: process.stderr });
    const report = await lake.run({ signal: stop.signal, onEvent: shown.onEvent });
    console.log(report);
  };

  title("First load: ./lake");
  await load();

  const from = (await shopTime(client))!;
  const to = new Date(from.getTime() + week);
  title(`A week passes in the shop, until ${to.toISOString().slice(0, 10)}`);
  const added = await client.query(
    "select 1 from information_schema.columns where table_name = 'orders' and column_name = 'gift_note'",
  );
  if (added.rowCount === 0) {
    await client.query("alter table orders add column gift_note text");
    say("  orders has a new column: gift_note");
  }
  const changed = await advanceShop(client, world, to, stop.signal);
  await client.query(
    "update orders set gift_note = 'Happy birthday!' where placed_at > $1 and order_id % 12 = 0",
    [from],
  );
  for (const [table, { inserted, updated }] of changed)
    say(
      `  ${table.padEnd(12)} ${`+${count(inserted)}`.padStart(9)} rows${updated > 0 ? `, ${count(updated)} changed` : ""}`,
    );
  say(`  ${count(await forgetCustomers(client, to))} customers ask to be forgotten`);

  title("Second load: only what is new or has changed");
  await load();

  title("DuckDB reads the lake");
  await readBack();
}

async function readBack(): Promise<void> {
  using lake = await openLake("./lake");
  show(
    await lake.query(`
      select country, count(distinct order_id) as orders, sum(total) as revenue, count(gift_note) as gifts
      from orders join customers using (customer_id)
      group by country order by orders desc limit 5`),
  );
  const [totals] = await lake.query(`
    select (select count(*) from orders) as orders, (select count(distinct order_id) from orders) as "different orders",
           (select count(*) from orders where status = 'delivered') as delivered, (select count(*) from customers) as customers,
           (select count(*) from customers where forgotten) as forgotten`);
  show([totals!]);
  say(
    "Every order is there once, as it stands in the shop; who asked to be forgotten is gone. Start again to let another week pass; remove ./lake and ./.shop to begin anew.",
  );
}

/** Rows as lines: names first, numbers to the right. */
function show(rows: readonly Record<string, unknown>[]): void {
  const names = Object.keys(rows[0] ?? {});
  const isText = (name: string): boolean => rows.some((row) => Number.isNaN(Number(row[name])));
  const text = (value: unknown, name: string): string => (isText(name) ? String(value) : count(value));
  const lines = [names, ...rows.map((row) => names.map((name) => text(row[name], name)))];
  const widths = names.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  const cell = (value: string, i: number): string =>
    isText(names[i]!) ? value.padEnd(widths[i]!) : value.padStart(widths[i]!);
  for (const line of lines) say(`  ${line.map(cell).join("  ")}`);
  say("");
}

async function connect(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

try {
  await main();
} catch (error) {
  if (!stop.signal.aborted) throw error;
  say("\nStopped. The next start goes on from what is committed.");
  process.exitCode = 130;
}
