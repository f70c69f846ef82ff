import { describe, expect, test } from "vitest";
import { AlluviumError, pipeline, source as sourceOf, type RunEvent, type RunOptions } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { faultStore, memoryDestination, sourceContext, type FaultStep } from "@alluvium/core/testing";
import { files, type FilesOptions, type FilesTableOptions } from "@alluvium/sources/files";
import { fakeQueue } from "./fake-queue.ts";
import { lines } from "./lines.ts";

/* Files that a queue names are read without a listing, and what it does not name is found all the same. */

const HOUR = 3600;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Options {
  readonly tables?: Readonly<Record<string, Partial<FilesTableOptions>>>;
  readonly source?: Partial<FilesOptions>;
  readonly run?: RunOptions<string>;
  /** Called before each call of the store. */
  readonly at?: (step: FaultStep) => void;
}

/** A bucket with its queue and a pipeline that loads it. The clock moves by `later`, in seconds. */
function landing(before?: (operation: string) => void) {
  let seconds = 1_700_000_000;
  const queue = fakeQueue(before);
  const store = memoryStore({ url: "s3://shop/landing", clock: () => new Date(seconds * 1000) });
  const destination = memoryDestination();

  async function load({ tables = { words: { files: "in/**" } }, source, run, at }: Options = {}) {
    const events: RunEvent[] = [];
    const watched = faultStore(store, {
      at(step) {
        at?.(step);
        return undefined;
      },
    });
    const described = Object.fromEntries(
      Object.entries(tables).map(([name, table]) => [name, { format: lines(), ...table }]),
    ) as Record<string, FilesTableOptions>;
    const made = files({ store: watched, notifications: queue.options, ...source, tables: described });
    let code: string | undefined;
    try {
      await pipeline({
        name: "p",
        source: made as never,
        destination,
        onEvent: (event) => events.push(event),
      }).run({ retry: { attempts: 1 }, ...run } as RunOptions);
    } catch (error) {
      if (!AlluviumError.is(error)) throw error;
      code = error.code;
    }
    return {
      code,
      lists: watched.steps.filter(({ call }) => call === "list").length,
      heads: watched.steps.flatMap(({ call, path }) => (call === "head" ? [path] : [])),
      warnings: events.flatMap((event) => (event.type === "warning" ? [event.message] : [])),
      commits: events.filter(({ type }) => type === "loadCommitted").length,
    };
  }

  return {
    queue,
    store,
    destination,
    load,
    later: (by: number) => (seconds += by),
    /** Uploads a file, and sends a word of it unless that is lost. */
    put: async (path: string, text: string, told = true) => {
      await store.put(path, bytes(text));
      if (told) queue.put(`landing/${path}`);
    },
    texts: (table = "words") => destination.store.rows(table).map((row) => String(row["text"])),
  };
}

test("the first run lists and does not ask, the next ones read what is named without a listing, once", async () => {
  const { queue, load, put, texts, later } = landing();
  await put("in/a", "a\n");
  const first = await load();
  expect([first.lists, queue.calls, queue.left().length]).toEqual([1, [], 1]);
  later(HOUR);
  await put("in/ü +c", "c\n");
  await put("in/b", "b1\nb2\n");
  const second = await load();
  expect(second).toMatchObject({
    code: undefined,
    lists: 0,
    heads: ["in/a", "in/b", "in/ü +c"],
    warnings: [],
  });
  expect(texts()).toEqual(["a", "b1", "b2", "c"]);
  expect(queue.left()).toEqual([]);
  const third = await load();
  expect(third).toMatchObject({ lists: 0, heads: [], commits: 0 });
  expect(texts()).toHaveLength(4);
});

test("what is named again when it is loaded is not read again, and its message goes though nothing is committed", async () => {
  const { queue, load, put, texts } = landing();
  await put("in/a", "a\n");
  await load();
  queue.put("landing/in/a");
  expect(await load()).toMatchObject({ lists: 0, heads: ["in/a"], commits: 0 });
  expect([texts(), queue.left()]).toEqual([["a"], []]);
});

test("a file whose message is lost is found when all are listed again, also where newer ones were read before", async () => {
  const { load, put, texts, later } = landing();
  await put("in/a", "a\n");
  await load();
  later(HOUR);
  await put("in/lost", "lost\n", false);
  // Within the window of each other they are not: only the floor of the last listing keeps the lost one in sight.
  const source = { window: { minutes: 10 } } as const;
  for (const name of ["b", "c", "d"]) {
    later(5 * HOUR);
    await put(`in/${name}`, `${name}\n`);
    expect((await load({ source })).lists).toBe(0);
  }
  expect(texts()).toEqual(["a", "b", "c", "d"]);
  later(9 * HOUR);
  expect((await load({ source })).lists).toBe(1);
  expect(texts()).toEqual(["a", "b", "c", "d", "lost"]);
  // And what was read before is not read again by the listings after it.
  later(25 * HOUR);
  await put("in/e", "e\n", false);
  expect(await load({ source })).toMatchObject({ lists: 1, heads: [] });
  expect(texts()).toEqual(["a", "b", "c", "d", "lost", "e"]);
});

test("how often all are listed is said", async () => {
  const { queue, load, put, later } = landing();
  await put("in/a", "a\n");
  const source = { notifications: { ...queue.options, sweepEvery: { hours: 2 } } };
  await load({ source });
  later(HOUR);
  expect((await load({ source })).lists).toBe(0);
  later(HOUR);
  // Nothing is new, and that it was looked for is committed.
  expect(await load({ source })).toMatchObject({ lists: 1, commits: 1 });
  later(HOUR);
  expect(await load({ source })).toMatchObject({ lists: 0, commits: 0 });
});

test("a file that is named twice is read once, one that has vanished or is not meant is left out silently", async () => {
  const { queue, load, put, store, texts } = landing();
  await load();
  await put("in/a", "a\n");
  await put("in/a", "a again\n");
  await put("in/gone", "gone\n");
  await store.delete(["in/gone"]);
  for (const path of ["in/_hidden", "in/x.tmp", "out/b"]) await put(path, "no\n");
  for (const key of ["in/a", "landing/in/folder/", "landings/in/a"]) queue.put(key);
  const source = { exclude: "**/*.tmp" };
  await load({ source });
  queue.back();
  await put("in/c", "c\n");
  expect(await load({ source })).toMatchObject({ code: undefined, lists: 0, warnings: [] });
  expect(texts()).toEqual(["a again", "c"]);
  expect(queue.left()).toEqual([]);
});

test("another version of a file that is loaded goes by the policy", async () => {
  for (const changed of ["load", "skip", "error"] as const) {
    const { load, put, texts } = landing();
    await put("in/a", "a\n");
    const source = { changed };
    await load({ source });
    await put("in/a", "new\n");
    const { code, lists } = await load({ source });
    expect([code, lists]).toEqual([changed === "error" ? "ALV_SOURCE_CHANGED" : undefined, 0]);
    expect(texts()).toEqual(changed === "load" ? ["a", "new"] : ["a"]);
  }
});

test("files of other buckets and messages of others are told, and stay", async () => {
  const { queue, load, put, texts } = landing();
  await put("in/a", "a\n");
  await load();
  queue.put("landing/in/a", "other");
  queue.send("hello");
  const { warnings } = await load();
  expect(warnings).toEqual([
    `files: the queue ${queue.options.queueUrl} holds messages that are no events of S3 (1): they stay there`,
    `files: the queue ${queue.options.queueUrl} names files of other buckets than s3://shop/landing (1): their messages stay there`,
  ]);
  expect(texts()).toEqual(["a"]);
  expect(queue.left()).toHaveLength(2);
});

test("a file that is too young for a run is named again", async () => {
  const { queue, load, put, texts, later } = landing();
  const source = { minAge: { seconds: 30 } };
  await put("in/0", "0\n");
  later(60);
  await load({ source });
  await put("in/a", "a\n");
  later(20);
  await put("in/b", "b\n");
  later(20);
  expect((await load({ source })).lists).toBe(0);
  expect([texts(), queue.left().length]).toEqual([["0", "a"], 1]);
  later(20);
  queue.back();
  expect((await load({ source })).lists).toBe(0);
  expect([texts(), queue.left().length]).toEqual([["0", "a", "b"], 0]);
});

describe("the queue is not asked, and all are listed", () => {
  const merged = { modifiedColumn: "_at", primaryKey: "text", disposition: "merge" } as const;
  const tables = { words: { files: "in/**", ...merged }, others: { files: "out/**", ...merged } };
  test.each<[string, RunOptions<string>]>([
    ["for some tables only", { only: ["words"] }],
    ["for a sample", { limit: 10 }],
    ["for a plan", { dryRun: true }],
    ["for a backfill", { since: new Date(0) }],
  ])("%s", async (_what, run) => {
    const { queue, load, put, texts } = landing();
    await put("in/a", "a\n");
    await put("out/a", "a\n");
    await load({ tables });
    await put("in/b", "b\n");
    const { code, lists } = await load({ tables, run });
    expect([code, lists > 0]).toEqual([undefined, true]);
    expect([queue.calls, queue.left().length]).toEqual([[], 3]);
    await load({ tables });
    expect(new Set(texts())).toEqual(new Set(["a", "b"]));
    expect(queue.left()).toEqual([]);
  });
});

test("a queue that cannot be read is told, and all are listed; what is not set up is an error", async () => {
  let failure: string | undefined;
  const fail = (operation: string): void => {
    if (failure !== undefined && operation === "ReceiveMessage")
      throw Object.assign(new Error("of the test"), { name: failure });
  };
  const { queue, load, put, texts } = landing(fail);
  await load();
  for (const name of ["AccessDenied", "QueueDoesNotExist"]) {
    failure = name;
    await put(`in/${name}`, `${name}\n`);
    const { code, lists, warnings } = await load();
    expect([code, lists, warnings.length]).toEqual([undefined, 1, 1]);
    expect(warnings[0]).toMatch(/^files: cannot read the queue https:.*Everything is listed instead$/);
    expect(texts()).toContain(name);
  }
  failure = undefined;
  expect((await load()).lists).toBe(0);
  expect(queue.left()).toEqual([]);
  const table = { files: "*", format: lines() };
  const cases: readonly (readonly [unknown, string])[] = [
    [{ url: "./x", notifications: queue.options }, "url must be s3://bucket/prefix"],
    [{ url: "s3://shop", notifications: { queueUrl: "files" } }, "notifications.queueUrl"],
    [{ url: "s3://shop", notifications: { ...queue.options, hidden: 1 } }, "there is no option hidden"],
    [
      { url: "s3://shop", notifications: { ...queue.options, sweepEvery: { hours: -1 } } },
      "notifications.sweepEvery.hours",
    ],
  ];
  for (const [options, message] of cases) {
    const all = { tables: { a: table }, ...(options as object) } as Parameters<typeof files>[0];
    await expect(files(all).open(sourceContext()), message).rejects.toThrow(message);
  }
});

test("messages that cannot be deleted are told, and name what is loaded when they come back", async () => {
  let isBroken = true;
  const { queue, load, put, texts } = landing((operation) => {
    if (isBroken && operation === "DeleteMessageBatch") throw new Error("of the test");
  });
  await load();
  await put("in/z", "z\n");
  await load();
  await put("in/a", "a\n");
  const { code, warnings } = await load();
  expect([code, warnings.length]).toEqual([undefined, 1]);
  expect(warnings[0]).toContain("cannot delete messages of the queue");
  isBroken = false;
  queue.back();
  await load();
  expect([texts(), queue.left()]).toEqual([["z", "a"], []]);
});

test("after a failure that may pass, messages wait for the commit of what was read before it", async () => {
  const { queue, store, destination, load, put } = landing();
  await put("in/a", "a\n");
  await load();
  await put("in/b", "b\n");
  const made = files({
    store,
    notifications: queue.options,
    tables: { words: { files: "in/**", format: lines() } },
  });
  const [stored] = destination.store.pipelines.values();
  const first = stored!.state!.streams["words"]!;
  for (const isCommitted of [false, true]) {
    const session = await made.open(sourceContext());
    const stream = session.streams[0]!;
    const context = { signal: new AbortController().signal, budget: 1024 ** 2, emit: () => {} };
    let since = stream.cursor.decode(first.cursor, first.cursorVersion);
    for (const attempt of [1, 2])
      for await (const item of stream.read({ ...context, since, attempt }))
        if ("checkpoint" in item) since = item.checkpoint;
    if (isCommitted) await stream.acknowledge!(since, context);
    await session[Symbol.asyncDispose]();
    expect(queue.left()).toHaveLength(isCommitted ? 0 : 2);
    queue.back();
  }
});

test("a message stays until all tables that its file is for have it", async () => {
  const tables = { words: { files: "in/**" }, more: { files: "in/*", fileColumn: "_file" } };
  const { queue, load, put, texts } = landing();
  await put("in/0", "0\n");
  await load({ tables });
  await put("in/a", "a\n");
  await put("in/b/c", "c\n");
  // It cannot be read by one of them.
  const broken = { ...tables, more: { ...tables.more, format: broke(lines()) } };
  expect((await load({ tables: broken })).code).toBe("ALV_SOURCE_DATA");
  expect(texts()).toEqual(["0", "a", "c"]);
  expect(queue.left().map((body) => /landing[^"]*/.exec(body)![0])).toEqual([
    encodeURIComponent("landing/in/0"),
    encodeURIComponent("landing/in/a"),
  ]);
  queue.back();
  expect((await load({ tables })).lists).toBe(0);
  expect([texts(), texts("more"), queue.left()]).toEqual([["0", "a", "c"], ["0", "a"], []]);
});

function broke(format: ReturnType<typeof lines>): ReturnType<typeof lines> {
  return {
    ...format,
    decoder: () => ({
      // oxlint-disable-next-line require-yield
      async *read() {
        throw new AlluviumError("ALV_SOURCE_DATA", "of the test");
      },
    }),
  };
}

test("resources of a source of one's own, and tables that each run reads whole", async () => {
  const { queue, store, put, destination, texts } = landing();
  const source = files({
    store,
    notifications: queue.options,
    tables: {
      words: { files: "in/**", format: lines() },
      all: { files: "all/**", format: lines(), disposition: "replace" },
    },
  });
  const { words, all } = source.resources;
  const own = sourceOf("own", () => [words.filter((row) => row["text"] !== "no").as("some"), all.as("all")]);
  const load = pipeline({ name: "p", source: own(), destination });
  await put("in/a", "a\n");
  await put("all/a", "a\n");
  await load.run();
  await put("in/b", "b\nno\n");
  await put("all/b", "b\n");
  await load.run();
  expect([texts("some"), texts("all"), queue.left()]).toEqual([["a", "b"], ["a", "b"], []]);
});

test("a run that is stopped within a partial sweep goes on in the half-read file, and passes nothing by", async () => {
  const big = Array.from({ length: 40 }, (_, i) => `m${i}\n`).join("");
  const whole = landing();
  const count = async (world: ReturnType<typeof landing>, stopAt: number): Promise<number> => {
    const { load, put } = world;
    const options = { source: { checkpointBytes: 1 }, run: { commitInterval: 0 } } as const;
    await put("in/a", "a\n");
    await load(options);
    await put("in/m", big);
    await put("in/z", "z\n");
    await put("in/0", "0\n", false);
    let step = 0;
    await load({
      ...options,
      at() {
        if (step++ === stopAt) throw new AlluviumError("ALV_SOURCE_FAILED", "stopped");
      },
    });
    return step;
  };
  const steps = await count(whole, -1);
  expect(steps).toBeGreaterThan(5);
  const wanted = ["a", ...big.trim().split("\n"), "z"];
  for (let stopAt = 0; stopAt < steps; stopAt++)
    for (const hours of [1, 30]) {
      const world = landing();
      const { queue, load, put, texts, later } = world;
      await count(world, stopAt);
      later(hours * HOUR);
      queue.back();
      await put("in/b", "b\n");
      const { lists } = await load();
      expect(lists, `stopped at ${stopAt}`).toBe(hours === 1 ? 0 : 1);
      const there = hours === 1 ? [...wanted, "b"] : [...wanted, "b", "0"];
      expect(texts().toSorted(), `stopped at ${stopAt}`).toEqual(there.toSorted());
      expect(queue.left()).toEqual([]);
      later(30 * HOUR);
      await load();
      expect(texts().toSorted(), `stopped at ${stopAt}`).toEqual([...wanted, "b", "0"].toSorted());
    }
});
