import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  pipeline,
  resource,
  source,
  typed,
  type ColumnType,
  type DestinationSession,
  type Load,
  type PipelineState,
  type TablePlan,
} from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { batchOf, destinationSuite, suiteContext, suiteDestination } from "@alluvium/core/testing";
import { postgres } from "@alluvium/destinations/postgres";
import { useDatabase } from "./database.ts";

const db = useDatabase("destination");

describe("conformance", () => {
  destinationSuite({
    test,
    capabilities: postgres({ url: "" }).capabilities,
    async open() {
      const schema = `suite_${randomBytes(6).toString("hex")}`;
      return suiteDestination(
        postgres({ url: db.url, schema }),
        async (table) => {
          const [there] = await db.run(`select to_regclass('${schema}."${table}"') is not null as there`);
          return there!["there"] === true ? db.run(`select * from ${schema}."${table}"`) : [];
        },
        async () => void (await db.run(`drop schema if exists ${schema} cascade`)),
      );
    },
  });
});

const int64: ColumnType = { kind: "int64" };
const ids = (...values: bigint[]): Batch => batchOf({ id: [int64, values] });

function planOf(table: string, batch: Batch, more: Partial<TablePlan> = {}): TablePlan {
  return {
    table,
    stream: table,
    disposition: { kind: "append" },
    primaryKey: [],
    partitionBy: [],
    schema: batch.schema,
    ...more,
  };
}

async function begin(session: DestinationSession, ...tables: TablePlan[]): Promise<Load> {
  return session.begin({ loadId: randomBytes(8).toString("hex"), startedAt: new Date(), tables });
}

const stateAt = (sequence: number, load: Load): PipelineState => ({
  incarnation: "00",
  sequence,
  loadId: load.loadId,
  streams: {},
  tables: {},
});

async function append(session: DestinationSession, sequence: number, batch: Batch, ...tables: string[]) {
  const load = await begin(session, ...tables.map((table) => planOf(table, batch)));
  for (const table of tables) {
    await load.write(table, batch);
    await load.mark(table, { seal: true, end: true });
  }
  return load.commit(stateAt(sequence, load));
}

describe("tables that others touch", () => {
  test.for(["dropped", "replaced"])(
    "a table that was %s between staging and commit is set aside, others go on",
    async (how) => {
      const schema = `parked_${how}`;
      const destination = postgres({ url: db.url, schema });
      await using session = await destination.open(suiteContext());
      await session.recover();
      await append(session, 0, ids(1n), "a", "b");
      const load = await begin(session, planOf("a", ids()), planOf("b", ids()));
      for (const table of ["a", "b"]) {
        await load.write(table, ids(2n));
        await load.mark(table, { seal: true, end: true });
      }
      await db.run(`drop table ${schema}.a`);
      if (how === "replaced") await db.run(`create table ${schema}.a (id bigint)`);
      const receipt = await load.commit(stateAt(1, load));
      expect(receipt.tables.find(({ table }) => table === "a")?.parked).toMatch(/dropped/);
      expect(receipt.tables.find(({ table }) => table === "b")?.parked).toBeUndefined();
      expect(await db.run(`select id from ${schema}.b order by id`)).toEqual([{ id: "1" }, { id: "2" }]);
      expect(await session.parked!()).toMatchObject([{ table: "a", loadId: load.loadId }]);
      if (how === "replaced") await db.run(`drop table ${schema}.a`);
      await session.settle!("a", "skip");
      expect(await session.parked!()).toEqual([]);
      expect(
        await db.run(
          `select relname from pg_class where relname like '\\_alv\\_parked\\_%' and relkind = 'r'`,
        ),
      ).toEqual([]);
    },
  );

  test(
    "a lock that is held longer than lockTimeout fails the load, and nothing of it is there",
    { timeout: 120_000 },
    async () => {
      const destination = postgres({ url: db.url, schema: "locked", lockTimeout: 50 });
      await using session = await destination.open(suiteContext());
      await session.recover();
      await append(session, 0, ids(1n), "a", "b");
      const other = await db.connect();
      await other.query("begin; lock table locked.b in row exclusive mode");
      await expect(append(session, 1, ids(2n), "a", "b")).rejects.toMatchObject({
        code: "ALV_TABLE_CONFLICT",
        message: expect.stringContaining("lockTimeout") as string,
      });
      await other.query("rollback");
      expect(await db.run("select id from locked.a")).toEqual([{ id: "1" }]);
    },
  );

  test("readers of a replace see the old rows or the new ones, and are not kept waiting", async () => {
    const destination = postgres({ url: db.url, schema: "whole" });
    await using session = await destination.open(suiteContext());
    await session.recover();
    const replaced = planOf("r", ids(), { disposition: { kind: "replace", allowEmpty: false } });
    const replace = async (sequence: number, ...values: bigint[]) => {
      const load = await begin(session, replaced);
      await load.write("r", ids(...values));
      await load.mark("r", { seal: true, end: true });
      await load.commit(stateAt(sequence, load));
    };
    await replace(0, 1n, 2n);
    const old = await db.connect();
    await old.query("begin isolation level repeatable read");
    await old.query("select 1");
    const reader = await db.connect();
    await reader.query("set lock_timeout to '1ms'");
    let isDone = false;
    const counts = new Set<string>();
    const watching = (async () => {
      while (!isDone) {
        const { rows } = await reader.query("select array_agg(id order by id)::text as ids from whole.r");
        counts.add((rows[0] as { ids: string }).ids);
      }
    })();
    await replace(1, 3n, 4n);
    isDone = true;
    await watching;
    expect([...counts].every((found) => found === "{1,2}" || found === "{3,4}")).toBe(true);
    // A snapshot from before sees what was there before.
    expect((await old.query("select id from whole.r order by id")).rows).toEqual([{ id: "1" }, { id: "2" }]);
    await old.query("rollback");
  });
});

describe("pipelines", () => {
  interface Item {
    readonly id: number;
    readonly at: Date;
    readonly tags: readonly string[];
    readonly place: { readonly city: string; readonly zip: string | null };
    readonly total: string;
  }
  const items = (rows: () => readonly Item[]) =>
    resource({
      name: "items",
      schema: typed<Item>(),
      primaryKey: "id",
      disposition: "merge",
      columns: { total: { type: "decimal", precision: 12, scale: 2 } },
      async *read() {
        yield rows();
      },
    });

  test("objects of any shape are merged", async () => {
    let rows: readonly Item[] = [
      { id: 1, at: new Date(0), tags: ["a", "b"], place: { city: "Köln", zip: null }, total: "12.50" },
      { id: 2, at: new Date(1), tags: [], place: { city: "Oslo", zip: "0150" }, total: "-0.01" },
    ];
    const load = pipeline({
      name: "objects",
      source: source("objects", () => [items(() => rows)])(),
      destination: postgres({ url: db.url, schema: "objects" }),
    });
    await load.run();
    rows = [{ ...rows[1]!, total: "99.99" }];
    const report = await load.run();
    expect(report.tables.items.rows).toBe(1);
    expect(
      await db.run(
        "select id::int, at = to_timestamp(id::int / 1000.0 - 0.001) as same, tags, place, total::text from objects.items order by id",
      ),
    ).toEqual([
      { id: 1, same: true, tags: ["a", "b"], place: { city: "Köln", zip: null }, total: "12.50" },
      { id: 2, same: true, tags: [], place: { city: "Oslo", zip: "0150" }, total: "99.99" },
    ]);
    const [types] = await db.run(
      "select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum) as types from pg_attribute where attrelid = 'objects.items'::regclass and attnum > 0",
    );
    expect((types!["types"] as string).split(", ").toSorted()).toEqual([
      "_alv_load_id text",
      "at timestamp with time zone",
      "id bigint",
      "place jsonb",
      "tags text[]",
      "total numeric(12,2)",
    ]);
  });

  test("an abort in the middle leaves nothing, and rethrows the reason", async () => {
    const stop = new AbortController();
    const reason = new Error("enough");
    const endless = resource({
      name: "endless",
      async *read({ signal }) {
        for (let id = 0; !signal.aborted; id++) {
          yield Array.from({ length: 1000 }, (_, i) => ({ id: 1000 * id + i, text: "x".repeat(100) }));
          if (id === 20) stop.abort(reason);
        }
      },
    });
    const load = pipeline({
      name: "aborted",
      source: source("endless", () => [endless])(),
      destination: postgres({ url: db.url, schema: "aborted" }),
    });
    await expect(load.run({ signal: stop.signal })).rejects.toBe(reason);
    expect(
      await db.run(
        "select relname from pg_class where relnamespace = 'aborted'::regnamespace and relkind = 'r' and (relname like '\\_alv\\_stage%' or relname = 'endless')",
      ),
    ).toEqual([]);
  });

  test("a text with a NUL character is refused by name, and nothing of the load is there", async () => {
    const bad = resource({
      name: "bad",
      async *read() {
        yield [
          { id: 1, note: "fine" },
          { id: 2, note: "a\0b" },
        ];
      },
    });
    const load = pipeline({
      name: "bad",
      source: source("bad", () => [bad])(),
      destination: postgres({ url: db.url, schema: "bad" }),
    });
    await expect(load.run()).rejects.toMatchObject({
      code: "ALV_VALUE_UNREPRESENTABLE",
      message: expect.stringContaining('column "note"') as string,
    });
    expect(await db.run("select to_regclass('bad.bad') as found")).toEqual([{ found: null }]);
  });
});
