import { describe, expect, test } from "vitest";
import type { ColumnType, RunEvent } from "@alluvium/core";
import { batchOf, suiteContext } from "@alluvium/core/testing";
import type { SqlConnection } from "../../src/sql/engine.ts";
import { abortIn, opener } from "./connections.ts";
import { useDatabase } from "./database.ts";

const db = useDatabase("staging");
const open = opener(db.url);
const string: ColumnType = { kind: "string" };

describe("what is staged", () => {
  const batch = batchOf({ id: [{ kind: "int64" }, [1n, 2n]], name: [string, ["a", null]] });

  async function tables(): Promise<number> {
    const [row] = await db.run(
      "select count(*)::int as n from pg_class where relname like '\\_alv\\_stage%'",
    );
    return row!["n"] as number;
  }

  test("a segment holds its rows until it is dropped", async () => {
    const connection = await open();
    const segment = await connection.stage(batch.schema);
    await segment.append(batch);
    await segment.append(batch);
    await segment.seal();
    expect(segment.bytes).toBeGreaterThan(50);
    const rows = await connection.query({
      text: `select id, name from ${segment.relation} order by id, name`,
    });
    expect(rows).toEqual([
      { id: 1, name: "a" },
      { id: 1, name: "a" },
      { id: 2, name: null },
      { id: 2, name: null },
    ]);
    await segment.drop();
    await segment.drop();
    expect(await tables()).toBe(0);
  });

  test("dead sessions are swept, living ones are not, and a session cleans up behind itself", async () => {
    const living = await open();
    const segment = await living.stage(batch.schema);
    const dead = await open();
    await dead.stage(batch.schema);
    const [{ pid }] = (await dead.query({ text: "select pg_backend_pid() as pid" })) as [{ pid: number }];
    expect(await tables()).toBe(2);
    await db.run(`select pg_terminate_backend(${pid}, 5000)`);
    const sweeper = await open();
    await sweeper.sweep();
    expect(await tables()).toBe(1);
    await segment.append(batch);
    await living[Symbol.asyncDispose]();
    expect(await tables()).toBe(0);
  });

  test("a session whose connection broke cleans up over another one", async () => {
    const connection = await open();
    await connection.stage(batch.schema);
    const [{ pid }] = (await connection.query({ text: "select pg_backend_pid() as pid" })) as [
      { pid: number },
    ];
    await db.run(`select pg_terminate_backend(${pid}, 5000)`);
    await expect(connection.query({ text: "select 1" })).rejects.toMatchObject({ code: "ALV_CONNECTION" });
    await connection[Symbol.asyncDispose]();
    expect(await tables()).toBe(0);
  });
});

describe("the lease", () => {
  const take = (
    connection: SqlConnection,
    wait: number,
    events?: RunEvent[],
  ): ReturnType<SqlConnection["lease"]> =>
    connection.lease({
      context: { ...suiteContext(), emit: (event) => events?.push(event) },
      wait,
      signal: new AbortController().signal,
    });

  test("is one connection's, and free when that gives it back or dies", async () => {
    const first = await open();
    const second = await open();
    const lease = await take(first, 0);
    expect(await lease.check()).toBe(true);
    const events: RunEvent[] = [];
    await expect(take(second, 300, events)).rejects.toMatchObject({
      code: "ALV_CONCURRENT_RUN",
      message: expect.stringMatching(/process \d+ of the server, alluvium from/) as string,
    });
    expect(events).toMatchObject([{ type: "waiting" }]);
    await lease[Symbol.asyncDispose]();
    const next = await take(second, 0);
    const [{ pid }] = (await second.query({ text: "select pg_backend_pid() as pid" })) as [{ pid: number }];
    await db.run(`select pg_terminate_backend(${pid}, 5000)`);
    await take(first, 2000);
    await second.query({ text: "select 1" }).catch(() => {});
    expect(await next.check()).toBe(false);
  });

  test("waiting for it ends with the signal", async () => {
    const first = await open();
    const second = await open();
    await take(first, 0);
    const reason = new Error("no longer");
    const waiting = second.lease({
      context: suiteContext(),
      wait: 60_000,
      signal: AbortSignal.any([abortIn(100, reason)]),
    });
    await expect(waiting).rejects.toBe(reason);
  });
});
