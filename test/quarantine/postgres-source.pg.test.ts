import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { pipeline } from "@alluvium/core";
import { memoryDestination } from "@alluvium/core/testing";
import { postgres } from "@alluvium/sources/postgres";

const url = inject("pgUrl");
const client = new Client({ connectionString: url });
const schema = `drifting_${randomBytes(6).toString("hex")}`;
beforeAll(() => client.connect());
afterAll(async () => {
  await client.query(`drop schema if exists ${schema} cascade`);
  await client.end();
});

test("rows of a database that drifts are put aside with key and cursor, and replayed with their types", async () => {
  await client.query(`create schema ${schema}`);
  await client.query(
    `create table ${schema}.orders (id bigint primary key, at timestamptz not null, total numeric(12, 2), day date, data bytea)`,
  );
  const values = "'2026-01-01 10:00:00.123456+00', 12.30, '2026-01-01', '\\x00ff'";
  await client.query(`insert into ${schema}.orders values (1, ${values})`);
  const memory = memoryDestination();
  const database = postgres({
    url,
    schema,
    contract: "quarantine",
    tables: { orders: { cursor: "at", contract: { types: "freeze" }, quarantine: { maxRows: 1 } } },
  });
  const load = pipeline({ name: "p", source: database, destination: memory });
  await load.run();
  await client.query(`alter table ${schema}.orders add column coupon text`);
  await client.query(
    `insert into ${schema}.orders values (9007199254740993, '2026-01-02 10:00:00.123456+00', 99.99, '2026-01-02', '\\xff', 'SPRING')`,
  );
  const report = await load.run();
  expect(report.tables.orders).toMatchObject({ rows: 0, quarantined: 1 });
  const [waiting] = await load.quarantine({ resource: "orders" });
  expect(waiting).toMatchObject({
    stage: "write",
    column: "coupon",
    key: { id: "9007199254740993" },
    position: { cursor: { at: "2026-01-02T10:00:00.123456Z" } },
    row: {
      id: 9007199254740993n,
      total: "99.99",
      day: "2026-01-02",
      data: Uint8Array.of(255),
      coupon: "SPRING",
    },
  });
  const replayed = load.replay({ resource: "orders", contract: { columns: "evolve" } });
  expect(await replayed).toMatchObject({ replayed: 1 });
  const [, row] = memory.store.rows("orders");
  expect(row).toMatchObject({ id: 9007199254740993n, total: "99.99", day: "2026-01-02", coupon: "SPRING" });
  await client.query(
    `insert into ${schema}.orders select 10 + n, '2026-01-03Z', 0, null, null, null from generate_series(1, 2) n`,
  );
  await client.query(`alter table ${schema}.orders add column note text default 'x'`);
  await expect(load.run()).rejects.toMatchObject({ code: "ALV_QUARANTINE_LIMIT" });
  expect(memory.store.rows("orders")).toHaveLength(2);
});
