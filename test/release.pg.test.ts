import pg from "pg";
import { expect, inject, test } from "vitest";
import { pipeline, type Destination, type Source, type StreamItem } from "@alluvium/core";
import { rowsOf } from "@alluvium/core/columns";
import { memoryStore } from "@alluvium/core/storage/memory";
import { delta, deltaTable } from "@alluvium/destinations/delta";
import { postgres } from "@alluvium/sources/postgres";
import { poison } from "../packages/core/test/columns/poison.ts";
import { ownDatabase } from "./database.ts";

const rows = 60_000;
type Appended = Source<{ readonly plain: { readonly row: object; readonly ability: "append" } }>;

/** The source, but whatever it gets back is spoilt first. */
function spoiling(inner: Source, count: { released: number; batches: number }): Appended {
  return {
    specVersion: 1,
    name: inner.name,
    async open(context) {
      const session = await inner.open(context);
      return {
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
        streams: session.streams.map((stream) => ({
          ...stream,
          async *read(call: Parameters<typeof stream.read>[0]): AsyncGenerator<StreamItem> {
            for await (const item of stream.read(call)) {
              if (!("batch" in item)) {
                yield item;
                continue;
              }
              count.batches += 1;
              yield {
                ...item,
                release() {
                  count.released += 1;
                  item.batch.columns.forEach(poison);
                  item.release?.();
                },
              };
            }
          },
        })),
      };
    },
  };
}

async function load(source: Appended, keeps: boolean): Promise<string[]> {
  const store = memoryStore();
  const made = delta({ store });
  const destination: Destination<"append" | "replace"> = keeps
    ? { ...made, capabilities: { ...made.capabilities, releasesBatches: false } }
    : made;
  // So little that there are many batches.
  await pipeline({ name: "release", source, destination, budget: 4 << 20 }).run();
  const found: string[] = [];
  for (const path of ["plain", "parted"])
    for await (const batch of deltaTable({ store, path }).scan())
      for (const row of rowsOf(batch))
        found.push(
          JSON.stringify({ path, ...row, _alv_load_id: undefined }, (_, value: unknown) =>
            typeof value === "bigint" ? `${value}n` : value,
          ),
        );
  return found.sort();
}

test("a lake holds the same rows when the arrays of its batches are used again, spoilt in between", async () => {
  await using database = await ownDatabase(inject("pgUrl"));
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    for (const table of ["plain", "parted"])
      await client.query(
        `create table ${table} as select i::int8 as id, nullif(i % 7, 0)::int4 as small, (i % 3 = 0) as flag, nullif(i % 5, 0) * 1.25::numeric(12,2) as amount,
         repeat('x', i % 40) || i as text, case when i % 4 > 0 then 'abc' || i % 9 end as word, date '2020-01-01' + i % 1000 as day, i % 3 as part,
         array[i::text, null, 'é'] as list, i::float8 / 3 as ratio from generate_series(1, ${rows}) i`,
      );
  } finally {
    await client.end();
  }
  const source = (): Source =>
    postgres({
      url: database.url,
      tables: { plain: { cursor: { column: "id" } }, parted: { partitionBy: ["part"] } },
    });
  const kept = { released: 0, batches: 0 };
  const expected = await load(spoiling(source(), kept), true);
  expect(kept.released).toBe(0);
  expect(new Set(expected).size).toBe(2 * rows);
  const used = { released: 0, batches: 0 };
  const actual = await load(spoiling(source(), used), false);
  expect(used.batches).toBeGreaterThan(10);
  expect(used.released).toBe(used.batches);
  // A difference of so many rows would take minutes to print.
  const first = expected.findIndex((row, i) => row !== actual[i]);
  expect(actual[first]).toBe(expected[first]);
  expect(actual.length).toBe(expected.length);
});
