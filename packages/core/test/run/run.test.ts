import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { AlluviumError, type RunEvent } from "@alluvium/core";
import { memoryDestination, memoryTables, type MemoryStore } from "@alluvium/core/testing";
import type { PipelineDefinition, RunOptions } from "../../src/run/definition.ts";
import { listParked, readHistory, readState, settleParked } from "../../src/run/manage.ts";
import { runPipeline } from "../../src/run/run.ts";
import { faultyDestination } from "./faulty-destination.ts";
import { type Script, scriptedSource } from "./scripted-source.ts";

function define(
  scripts: readonly Script[],
  store: MemoryStore,
  more: Partial<PipelineDefinition> = {},
): PipelineDefinition {
  return {
    name: "p",
    source: scriptedSource(scripts),
    destination: memoryDestination({ store }),
    leaseWait: 0,
    ...more,
  };
}

const fast: RunOptions = { retry: { minDelay: 0, maxDelay: 0 } };
const replace = { kind: "replace", allowEmpty: false } as const;

function ids(store: MemoryStore, table: string): number[] {
  return store
    .rows(table)
    .map(({ id }) => Number(id))
    .sort((left, right) => left - right);
}
const upTo = (end: number): number[] => Array.from({ length: end }, (_, i) => i);
const cursorOf = (store: MemoryStore, stream: string): unknown =>
  store.pipelines.get('["p","main"]')?.state?.streams[stream]?.cursor;

async function failure(run: Promise<unknown>): Promise<AlluviumError> {
  const error = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!AlluviumError.is(error)) throw new Error(`rejected with ${String(error)}`);
  return error;
}

describe("a run", () => {
  test("loads every stream once, and the next one only what is new", async () => {
    const store = memoryTables();
    const first = await runPipeline(
      define(
        [
          { name: "a", rows: 5 },
          { name: "b", rows: 3, every: 0, disposition: replace },
        ],
        store,
      ),
    );
    expect(first.complete).toBe(true);
    expect(first.loads).toHaveLength(1);
    expect(first.tables["a"]).toMatchObject({ table: "a", rows: 5, disposition: "append", complete: true });
    const second = await runPipeline(
      define(
        [
          { name: "a", rows: 8 },
          { name: "b", rows: 2, every: 0, disposition: replace },
        ],
        store,
      ),
    );
    expect(second.tables["a"]?.rows).toBe(3);
    expect(ids(store, "a")).toEqual(upTo(8));
    expect(ids(store, "b")).toEqual(upTo(2));
    expect(cursorOf(store, "a")).toBe(8);
  });

  test("a run that finds nothing new commits no load", async () => {
    const store = memoryTables();
    await runPipeline(define([{ name: "a", rows: 5 }], store));
    const report = await runPipeline(define([{ name: "a", rows: 5 }], store));
    expect(report).toMatchObject({ complete: true, loads: [] });
    expect(store.pipelines.get('["p","main"]')?.state?.sequence).toBe(0);
  });

  test("each row carries the id of the load that was open when it was written", async () => {
    const store = memoryTables();
    const report = await runPipeline(define([{ name: "a", rows: 6, every: 2 }], store), { commitBytes: 1 });
    expect(report.loads.length).toBeGreaterThan(1);
    const loads = new Set(store.rows("a").map((row) => row["_alv_load_id"]));
    expect([...loads]).toEqual(report.loads.map(({ loadId }) => loadId));
    const bare = memoryTables();
    await runPipeline(define([{ name: "a", rows: 1 }], bare, { loadIdColumn: false }));
    expect(bare.rows("a")).toEqual([{ id: 0n }]);
  });

  test("commits wait for the streams that offer checkpoints, not for those that do not", async () => {
    const store = memoryTables();
    const seen: string[] = [];
    const destination = faultyDestination(memoryDestination({ store }), ({ call, when }) => {
      if (call === "commit" && when === "before") seen.push("commit");
    });
    const report = await runPipeline(
      define(
        [
          { name: "often", rows: 40, every: 1 },
          { name: "seldom", rows: 40, every: 10 },
          { name: "never", rows: 40, every: 0, disposition: replace },
        ],
        store,
        { destination },
      ),
      { commitBytes: 100 },
    );
    expect(report.complete).toBe(true);
    expect(seen.length).toBeGreaterThan(2);
    for (const table of ["often", "seldom", "never"]) expect(ids(store, table)).toEqual(upTo(40));
  });

  test("what commits midway is exactly what the stored cursors say", async () => {
    const store = memoryTables();
    let counted = 0;
    const destination = faultyDestination(memoryDestination({ store }), ({ call, when }) => {
      if (call !== "commit" || when === "before") return;
      const rows = store.rows("often");
      const { loadId } = store.pipelines.get('["p","main"]')!.state!;
      for (const row of rows.slice(counted)) expect(row["_alv_load_id"]).toBe(loadId);
      counted = rows.length;
      for (const stream of ["often", "seldom"])
        expect(ids(store, stream)).toEqual(upTo(Number(cursorOf(store, stream) ?? 0)));
    });
    await runPipeline(
      define(
        [
          { name: "often", rows: 50, every: 1, batch: 3 },
          { name: "seldom", rows: 50, every: 7, batch: 2 },
        ],
        store,
        { destination },
      ),
      { commitBytes: 60 },
    );
    expect(ids(store, "often")).toEqual(upTo(50));
  });

  test("a stream that fails in passing is read again from its last sealed checkpoint", async () => {
    const store = memoryTables();
    let failed = false;
    const source = scriptedSource([
      {
        name: "a",
        rows: 10,
        onItem: (at) => {
          if (at !== 7 || failed) return;
          failed = true;
          throw new AlluviumError("ALV_CONNECTION", "gone");
        },
      },
    ]);
    const events: RunEvent[] = [];
    const report = await runPipeline(define([], store, { source }), {
      ...fast,
      commitBytes: 1,
      onEvent: (event) => events.push(event),
    });
    expect(report.complete).toBe(true);
    expect(ids(store, "a")).toEqual(upTo(10));
    expect(source.reads.slice(0, 2)).toEqual(["a from start", "a from 6"]);
    expect(events.find(({ type }) => type === "retry")).toMatchObject({ code: "ALV_CONNECTION", attempt: 2 });
  });

  test("a failed stream fails the run when the others are committed; a finished one is not read again", async () => {
    const store = memoryTables();
    const source = scriptedSource([
      { name: "good", rows: 5 },
      {
        name: "bad",
        rows: 5,
        onItem: (at) => {
          if (at === 3) throw new TypeError("cannot read page 3");
        },
      },
    ]);
    const error = await failure(runPipeline(define([], store, { source }), fast));
    expect(error).toMatchObject({ code: "ALV_SOURCE_FAILED", resource: "bad", pipeline: "p" });
    expect(error.message).toContain("cannot read page 3");
    expect(error.report).toMatchObject({ complete: false, problems: [{ stream: "bad" }] });
    expect(error.report?.tables["good"]).toMatchObject({ rows: 5, complete: true });
    expect(ids(store, "good")).toEqual(upTo(5));
    expect(ids(store, "bad")).toEqual(upTo(2));
    expect(source.reads.filter((read) => read.startsWith("good"))).toHaveLength(1);
  });

  test("what comes before a failure that stays is read once more and committed, up to the last checkpoint", async () => {
    const store = memoryTables();
    let bad = true;
    const source = scriptedSource([
      {
        name: "a",
        rows: 100,
        every: 10,
        onItem: (at) => {
          if (bad && at === 95) throw new TypeError("cannot read page 95");
        },
      },
    ]);
    const run = (options: RunOptions): Promise<unknown> =>
      runPipeline(define([], store, { source }), options);
    expect((await failure(run({ retry: { attempts: 1 } }))).message).toContain("page 95");
    expect(ids(store, "a")).toEqual([]);
    expect((await failure(run(fast))).message).toContain("page 95");
    expect(ids(store, "a")).toEqual(upTo(90));
    // Nothing is before it now.
    expect((await failure(run(fast))).message).toContain("page 95");
    expect(source.reads.filter((read) => read !== "closed")).toEqual([
      "a from start",
      "a from start",
      "a from start",
      "a from 90",
    ]);
    bad = false;
    await run(fast);
    expect(ids(store, "a")).toEqual(upTo(100));
  });

  test("a stream without checkpoints is not read again for a failure that stays", async () => {
    const store = memoryTables();
    const source = scriptedSource([
      {
        name: "a",
        rows: 10,
        every: 0,
        onItem: (at) => {
          if (at === 5) throw new TypeError("cannot read page 5");
        },
      },
    ]);
    await failure(runPipeline(define([], store, { source }), fast));
    expect(ids(store, "a")).toEqual([]);
    expect(source.reads).toEqual(["a from start", "closed"]);
  });

  test("it gives up after so many attempts without progress", async () => {
    const store = memoryTables();
    const source = scriptedSource([
      {
        name: "a",
        rows: 5,
        onItem: () => {
          throw new AlluviumError("ALV_TIMEOUT", "silence");
        },
      },
    ]);
    const error = await failure(
      runPipeline(define([], store, { source }), { retry: { attempts: 3, minDelay: 0, maxDelay: 0 } }),
    );
    expect(error.code).toBe("ALV_TIMEOUT");
    expect(source.reads.filter((read) => read.startsWith("a"))).toHaveLength(3);
  });

  test("a replace that fails midway starts again and leaves the old rows until its end", async () => {
    const store = memoryTables();
    await runPipeline(define([{ name: "r", rows: 3, every: 0, disposition: replace }], store));
    const stuck: Script = {
      name: "r",
      rows: 6,
      every: 2,
      disposition: replace,
      onItem: (at) => {
        if (at === 5) throw new AlluviumError("ALV_SNAPSHOT_LOST", "lost");
      },
    };
    await failure(runPipeline(define([stuck], store), { ...fast, commitBytes: 1 }));
    expect(ids(store, "r")).toEqual(upTo(3));
    let times = 0;
    const recovering: Script = {
      ...stuck,
      onItem: (at) => {
        if (at === 5 && times++ === 0) throw new AlluviumError("ALV_SNAPSHOT_LOST", "lost");
      },
    };
    await runPipeline(define([recovering], store), { ...fast, commitBytes: 1 });
    expect(ids(store, "r")).toEqual(upTo(6));
  });

  test("a newest-first stream that the deadline cuts commits nothing; others to their last checkpoint", async () => {
    const store = memoryTables();
    const report = await runPipeline(
      define(
        [
          { name: "newest", rows: 100_000, newestFirst: true, pace: 5 },
          { name: "ordered", rows: 100_000, pace: 5 },
          { name: "late", rows: 1 },
        ],
        store,
        { concurrency: 2 },
      ),
      { deadline: new Date(Date.now() + 250) },
    );
    expect(report.complete).toBe(false);
    expect(report.problems.map(({ stream, code }) => [stream, code])).toEqual([
      ["newest", "ALV_NO_CHECKPOINT"],
      ["ordered", "ALV_DEADLINE"],
      ["late", "ALV_DEADLINE"],
    ]);
    expect(ids(store, "newest")).toEqual([]);
    expect(cursorOf(store, "newest")).toBeUndefined();
    const read = ids(store, "ordered").length;
    expect(read).toBeGreaterThan(3);
    expect(ids(store, "ordered")).toEqual(upTo(read));
    expect(cursorOf(store, "ordered")).toBe(read);
  });

  test("a stream that the deadline cuts between checkpoints keeps what came before the last one that was sealed", async () => {
    const store = memoryTables();
    const deadline = Date.now() + 500;
    let sealed: number | undefined;
    const destination = faultyDestination(memoryDestination({ store }), ({ seal }) => {
      if (seal === true) sealed ??= Date.now();
    });
    const hangs: Script = {
      name: "a",
      rows: 100_000,
      every: 2,
      pace: 3,
      // Between two checkpoints, once one before the deadline has been sealed.
      onItem: (at, _, signal) =>
        at % 2 === 1 && sealed !== undefined
          ? new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
          : undefined,
    };
    const report = await runPipeline(define([hangs], store, { destination }), {
      deadline: new Date(deadline),
    });
    expect(sealed).toBeLessThan(deadline);
    expect(report.problems).toMatchObject([{ code: "ALV_DEADLINE" }]);
    const read = ids(store, "a").length;
    expect(read).toBeGreaterThan(0);
    expect(read % 2).toBe(0);
    expect(cursorOf(store, "a")).toBe(read);
  });

  test("a stream that hangs does not hold up the deadline", async () => {
    const store = memoryTables();
    const hangs: Script = { name: "a", rows: 5, onItem: (at) => (at === 3 ? wait(600) : undefined) };
    const started = Date.now();
    const report = await runPipeline(define([hangs], store), { deadline: new Date(Date.now() + 60) });
    expect(report.complete).toBe(false);
    expect(Date.now() - started).toBeLessThan(3000);
    expect(ids(store, "a")).toEqual(upTo(Number(cursorOf(store, "a") ?? 0)));
  });

  test("an abort rejects with its reason, commits nothing further, and tells what was", async () => {
    const store = memoryTables();
    const stop = new AbortController();
    const reason = new Error("the user said so");
    let finished: RunEvent | undefined;
    const run = runPipeline(
      define(
        [{ name: "a", rows: 1000, onItem: (at) => (at === 50 ? stop.abort(reason) : undefined) }],
        store,
      ),
      {
        signal: stop.signal,
        commitBytes: 200,
        onEvent: (event) => {
          if (event.type === "runFinished") finished = event;
        },
      },
    );
    await expect(run).rejects.toBe(reason);
    const committed = ids(store, "a");
    expect(committed.length).toBeLessThan(51);
    expect(committed).toEqual(upTo(Number(cursorOf(store, "a"))));
    expect(finished).toMatchObject({
      report: { complete: false, tables: { a: { rows: committed.length } } },
    });
    expect((await runPipeline(define([{ name: "a", rows: 1000 }], store))).complete).toBe(true);
    expect(ids(store, "a")).toEqual(upTo(1000));
  });

  test("the source is told after each commit, and a failure to tell it is only an event", async () => {
    const store = memoryTables();
    const told: number[] = [];
    const events: string[] = [];
    const report = await runPipeline(
      define(
        [
          { name: "a", rows: 4, acknowledge: (cursor) => void told.push(cursor) },
          {
            name: "b",
            rows: 1,
            acknowledge: () => {
              throw new Error("refused");
            },
          },
        ],
        store,
      ),
      { onEvent: ({ type }) => events.push(type) },
    );
    expect(report.complete).toBe(true);
    expect(told).toEqual([4]);
    expect(events).toContain("acknowledgeFailed");
    expect(events.indexOf("loadCommitted")).toBeLessThan(events.indexOf("acknowledged"));
  });

  test("events come in order, with times that never step back, and a broken handler breaks nothing", async () => {
    const store = memoryTables();
    const events: RunEvent[] = [];
    await runPipeline(
      define([{ name: "a", rows: 2 }], store, {
        onEvent: () => {
          throw new Error("the log is broken");
        },
      }),
      { onEvent: (event) => events.push(event) },
    );
    expect(events.map(({ type }) => type)).toEqual([
      "runStarted",
      "schemaChanged",
      "streamStarted",
      "batchRead",
      "checkpoint",
      "batchRead",
      "checkpoint",
      "streamFinished",
      "loadCommitted",
      "runFinished",
    ]);
    const times = events.map(({ time }) => time);
    expect(times).toEqual([...times].sort((left, right) => left - right));
  });

  test("what fails to close is a warning, and hides no failure", async () => {
    const store = memoryTables();
    const source = scriptedSource([{ name: "a", rows: 2 }]);
    const broken = {
      ...source,
      open: async (context: Parameters<typeof source.open>[0]) => ({
        ...(await source.open(context)),
        [Symbol.asyncDispose]: () => Promise.reject(new Error("it is stuck")),
      }),
    };
    const events: RunEvent[] = [];
    const report = await runPipeline(define([], store, { source: broken }), {
      onEvent: (event) => events.push(event),
    });
    expect(report.complete).toBe(true);
    expect(events.find(({ type }) => type === "warning")).toMatchObject({
      message: "closing the source failed: it is stuck",
    });
    const error = await failure(runPipeline(define([], store, { source: broken }), { only: ["b"] }));
    expect(error.code).toBe("ALV_CONFIG");
  });

  test("a table that is set aside midway stops its stream, and the others go on", async () => {
    const store = memoryTables();
    const memory = memoryDestination({ store });
    const destination = {
      ...memory,
      open: async (context: Parameters<typeof memory.open>[0]) => {
        const session = await memory.open(context);
        return {
          ...session,
          begin: async (plan: Parameters<typeof session.begin>[0]) => {
            const load = await session.begin(plan);
            return {
              ...load,
              commit: async (next: Parameters<typeof load.commit>[0]) => {
                const receipt = await load.commit(next);
                const tables = receipt.tables.map((table) =>
                  table.table === "bad" ? { ...table, parked: "dropped by somebody" } : table,
                );
                return { ...receipt, tables };
              },
            };
          },
        };
      },
    };
    const report = await runPipeline(
      define(
        [
          { name: "bad", rows: 50, pace: 1 },
          { name: "good", rows: 50, pace: 1 },
        ],
        store,
        { destination },
      ),
      { commitBytes: 40 },
    );
    expect(report.problems).toMatchObject([{ stream: "bad", code: "ALV_TABLE_PARKED" }]);
    expect(report.tables["good"]).toMatchObject({ rows: 50, complete: true });
    expect(report.tables["bad"]).toMatchObject({ rows: 0, complete: false });
    expect(ids(store, "bad").length).toBeLessThan(50);
    const state = store.pipelines.get('["p","main"]')?.state;
    expect(state?.tables["bad"]?.parked).toMatchObject({ reason: "dropped by somebody" });
  });

  test("limit samples into the report and touches nothing", async () => {
    const store = memoryTables();
    const report = await runPipeline(define([{ name: "a", rows: 100, batch: 7 }], store), { limit: 10 });
    expect(report.tables["a"]?.sample).toEqual(upTo(10).map((id) => ({ id: BigInt(id) })));
    expect(report.loads).toEqual([]);
    expect(store.tables.size + store.pipelines.size).toBe(0);
  });

  test("two runs at once: the second is told", async () => {
    const store = memoryTables();
    const slow = runPipeline(define([{ name: "a", rows: 20, pace: 5 }], store));
    await wait(20);
    const error = await failure(runPipeline(define([{ name: "a", rows: 20 }], store)));
    expect(error.code).toBe("ALV_CONCURRENT_RUN");
    expect((await slow).complete).toBe(true);
    expect(ids(store, "a")).toEqual(upTo(20));
  });
});

describe("what is refused", () => {
  const refused = async (
    scripts: readonly Script[],
    code: string,
    options: RunOptions = {},
    store: MemoryStore = memoryTables(),
    more: Partial<PipelineDefinition> = {},
  ): Promise<AlluviumError> => {
    const tables = store.tables.size;
    const error = await failure(runPipeline(define(scripts, store, more), { ...fast, ...options }));
    expect(error.code).toBe(code);
    expect(store.tables.size).toBe(tables);
    return error;
  };

  test("an unknown name in only", async () => {
    const error = await refused([{ name: "a", rows: 1 }], "ALV_CONFIG", { only: ["b"] });
    expect(error.message).toMatch(/b.*has a/);
  });
  test("an ability that the destination lacks", async () => {
    const disposition = { kind: "merge", strategy: "upsert" } as const;
    const memory = memoryDestination();
    const capabilities = { ...memory.capabilities, abilities: ["append", "replace"] } as const;
    const destination = { ...memory, capabilities };
    const error = await refused([{ name: "a", rows: 1, disposition }], "ALV_UNSUPPORTED", {}, undefined, {
      destination,
    });
    expect(error.message).toMatch(/"a": it asks for upsert.*memory.*append, replace/);
  });
  test("two resources that become one table", async () => {
    const error = await refused(
      [
        { name: "sales.orders", rows: 1 },
        { name: "salesOrders", rows: 1 },
      ],
      "ALV_NAME_COLLISION",
    );
    expect(error.message).toMatch(/"salesOrders": it and sales\.orders both become table sales_orders/);
  });
  test("columns that become one", async () => {
    const field = (name: string) => ({ name, type: { kind: "int64" }, nullable: true }) as const;
    const error = await refused(
      [{ name: "a", rows: 1, describe: { schema: { fields: [field("orderId"), field("order_id")] } } }],
      "ALV_NAME_COLLISION",
    );
    expect(error.message).toMatch(/"a": its columns "orderId" and "order_id" are both called order_id/);
  });
  test("a column with a name of ours", async () => {
    const field = { name: "_alv_x", type: { kind: "int64" }, nullable: true } as const;
    const scripts = [{ name: "a", rows: 1, describe: { schema: { fields: [field] } } }];
    const error = await refused(scripts, "ALV_NAME_COLLISION");
    expect(error.message).toMatch(/_alv_x.*reserved/);
  });
  test("a key that the table does not have", async () => {
    const error = await refused(
      [{ name: "a", rows: 1, describe: { primaryKey: ["orderId"] } }],
      "ALV_SOURCE_NOT_FOUND",
    );
    expect(error.message).toMatch(/a has no column orderId.*primary key.*id/);
  });
  test("another source behind the same name", async () => {
    const store = memoryTables();
    await runPipeline(define([{ name: "a", rows: 3, identity: "db1" }], store));
    const error = await refused([{ name: "a", rows: 3, identity: "db2" }], "ALV_STATE_MISMATCH", {}, store);
    expect(error.message).toMatch(/db1.*db2/);
    expect(ids(store, "a")).toEqual(upTo(3));
  });
  test("a table that was replaced so far and is now appended to", async () => {
    const store = memoryTables();
    await runPipeline(define([{ name: "a", rows: 3, every: 0, disposition: replace }], store));
    const error = await refused([{ name: "a", rows: 3 }], "ALV_STATE_MISMATCH", {}, store);
    expect(error.message).toMatch(/was replaced by each run so far/);
  });
  test("a replace that would empty a table, unless it is empty already or that is allowed", async () => {
    const store = memoryTables();
    const rows = (count: number, allowEmpty = false): Script => ({
      name: "a",
      rows: count,
      every: 0,
      disposition: { kind: "replace", allowEmpty },
    });
    await runPipeline(define([rows(0)], store));
    await runPipeline(define([rows(0)], store));
    await runPipeline(define([rows(3)], store));
    await refused([rows(0)], "ALV_EMPTY_REPLACE", {}, store);
    expect(ids(store, "a")).toEqual(upTo(3));
    await runPipeline(define([rows(0, true)], store));
    expect(ids(store, "a")).toEqual([]);
  });
  test("a backfill of an append without a window, of a stream without a cursor, and before the first load", async () => {
    const options = { since: 0, until: 2 };
    const cursorColumn = { cursorColumn: "id" };
    await refused([{ name: "a", rows: 1 }], "ALV_CONFIG", options);
    await refused([{ name: "a", rows: 1, describe: cursorColumn }], "ALV_CONFIG", options);
    const disposition = { kind: "append", replaceWhere: [{ column: "id", op: "<", value: 2n }] } as const;
    const error = await refused(
      [{ name: "a", rows: 1, disposition, describe: cursorColumn }],
      "ALV_CONFIG",
      options,
    );
    expect(error.message).toMatch(/has not been loaded yet/);
  });
  test("rows after the last checkpoint", async () => {
    const store = memoryTables();
    const [stream] = (await scriptedSource([{ name: "a", rows: 2 }]).open(undefined as never)).streams;
    const read = stream!.read.bind(stream);
    const loose = {
      ...stream!,
      async *read(context: Parameters<typeof read>[0]) {
        for await (const item of read(context))
          if (!("checkpoint" in item) || item.checkpoint === 1) yield item;
      },
    };
    const source = {
      specVersion: 1,
      name: "loose",
      open: async () => ({ streams: [loose], async [Symbol.asyncDispose]() {} }),
    } as const;
    const error = await failure(runPipeline(define([], store, { source }), fast));
    expect(error.code).toBe("ALV_SOURCE_FAILED");
    expect(ids(store, "a")).toEqual(upTo(1));
  });
  test("options that make no sense", async () => {
    await refused([], "ALV_CONFIG", { deadline: new Date(Number.NaN) });
    await refused([], "ALV_CONFIG", { limit: 0 });
    const error = await refused([], "ALV_CONFIG", {}, memoryTables(), { budget: 10 });
    expect(error.message).toMatch(/budget is 10/);
  });
});

describe("a backfill", () => {
  test("replaces its window and moves no cursor", async () => {
    const store = memoryTables();
    const script: Script = { name: "a", rows: 6, describe: { cursorColumn: "id" } };
    await runPipeline(define([script], store));
    const load = store.rows("a")[0]?.["_alv_load_id"];
    const disposition = {
      kind: "append",
      replaceWhere: [
        { column: "id", op: ">=", value: 2n },
        { column: "id", op: "<", value: 4n },
      ],
    } as const;
    const report = await runPipeline(define([{ ...script, disposition }], store), { since: 2, until: 4 });
    expect(report).toMatchObject({
      complete: true,
      tables: { a: { rows: 2, disposition: "replace where" } },
    });
    expect(cursorOf(store, "a")).toBe(6);
    expect(ids(store, "a")).toEqual(upTo(6));
    const kept = store.rows("a").filter((row) => row["_alv_load_id"] === load);
    expect(kept.map(({ id }) => id)).toEqual([0n, 1n, 4n, 5n]);
    // An ordinary run goes on behind the cursor and appends.
    await runPipeline(define([{ ...script, rows: 8, disposition }], store));
    expect(ids(store, "a")).toEqual(upTo(8));
  });
});

describe("what is asked outside of a run", () => {
  test("state and history, and what a destination cannot do", async () => {
    const store = memoryTables();
    const definition = define([{ name: "a", rows: 4 }], store);
    expect(await readState(definition)).toBeUndefined();
    const report = await runPipeline(definition);
    expect((await readState(definition))?.streams["a"]?.cursor).toBe(4);
    expect(await readHistory(definition)).toMatchObject([
      {
        loadId: report.loads[0]?.loadId,
        sequence: 0,
        runId: report.runId,
        tables: [{ table: "a", rows: 4 }],
      },
    ]);
    expect(await readHistory(definition, { limit: 0 })).toEqual([]);
    expect(await listParked(definition)).toEqual([]);
    expect((await failure(settleParked(definition, "a", "retry"))).code).toBe("ALV_UNSUPPORTED");
  });
});
