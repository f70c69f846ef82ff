import { expect, test } from "vitest";
import pg from "pg";
import { postgres } from "@alluvium/sources/postgres";
import { startPostgres } from "../../../../scripts/postgres.ts";
import { readAll, sourceContext, streamOf } from "./database.ts";

test("prepared transactions hide their start: a time cursor stays ten minutes behind, a sequence cursor needs a lag", async () => {
  await using server = await startPostgres({ settings: { max_prepared_transactions: "5" } });
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    await client.query(`create table t (id serial primary key, at timestamptz not null);
      insert into t (at) values (now() - interval '20 minutes'), (now() - interval '5 minutes')`);
    await client.query(
      "begin; insert into t (at) values (now() - interval '6 minutes'); prepare transaction 'late'",
    );
    await client.query("insert into t (at) values (now())");
    const ids = async (cursor: string): Promise<readonly unknown[]> => {
      const source = postgres({ url: server.url, tables: { t: { cursor } }, settleTimeout: 200 });
      await using session = await source.open(sourceContext());
      return (await readAll(streamOf(session, "t"))).rows.map(({ id }) => id);
    };
    expect(await ids("at")).toEqual([1]);
    await expect(ids("id")).rejects.toThrow(/1 prepared transaction \(late\)/);
    await client.query("commit prepared 'late'");
    expect((await ids("at")).toSorted((a, b) => Number(a) - Number(b))).toEqual([1, 2, 3, 4]);
    expect((await ids("id")).toSorted((a, b) => Number(a) - Number(b))).toEqual([1, 2, 3, 4]);
  } finally {
    await client.end();
  }
});
