import { describe, expect, test } from "vitest";
import { AlluviumError, pipeline, resource, source, type ObjectStore, type Pipeline } from "@alluvium/core";
import { rowsOf } from "@alluvium/core/columns";
import { s3Store } from "@alluvium/core/storage/s3";
import { memoryStore } from "@alluvium/core/storage/memory";
import { faultStore, type FaultStore } from "@alluvium/core/testing";
import { dynamoDbLogStore } from "@alluvium/destinations/aws";
import { delta, deltaTable, type LogStore } from "@alluvium/destinations/delta";
import { memoryDisk } from "../crash/lakes.ts";
import { atOnce, readPages, seed, stride } from "../crash/stopped.ts";
import { dynamoTable, type DynamoFault, type DynamoTable } from "./dynamo.ts";
import { BUCKET, startS3, type S3Fault } from "./server.ts";

const PAGES = 3;
const url = "s3://bucket/lake";
const version = (number: number): string => `${String(number).padStart(20, "0")}.json`;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function logStoreOf(client: DynamoTable, scheme?: "s3"): LogStore {
  return dynamoDbLogStore({ table: "delta_log", client, ...(scheme && { scheme }) });
}

function appender(
  store: ObjectStore,
  logStore: LogStore,
  name = "shop",
  pages = PAGES,
  shared = false,
): Pipeline {
  const rows = resource({
    name: "events",
    disposition: "append",
    read: readPages(Array.from({ length: pages }, (_, page) => [{ writer: name, page }])),
  });
  return pipeline({
    name,
    source: source("s", () => [rows])(),
    destination: delta({ store, logStore }),
    leaseWait: 0,
    ...(shared && { shared }),
  });
}

async function rowsIn(store: ObjectStore): Promise<readonly string[]> {
  const rows: string[] = [];
  for await (const batch of deltaTable({ store, path: "events" }).scan())
    for (const { writer, page } of rowsOf(batch)) rows.push([writer, page].join(" "));
  return rows.toSorted();
}

const pagesOf = (name: string, pages: number): readonly string[] =>
  Array.from({ length: pages }, (_, page) => `${name} ${page}`);

describe("the protocol of Delta's log store on DynamoDB", () => {
  test("is kept item for item", async () => {
    const store = memoryStore({ url });
    const table = dynamoTable("delta_log");
    const before = Math.floor(Date.now() / 1000);
    await appender(store, logStoreOf(table)).run(atOnce);
    const items = [...table.items.values()].filter(
      ({ tablePath }) => tablePath!.S === "s3a://bucket/lake/events",
    );
    expect(items.map(({ fileName }) => fileName!.S)).toEqual(
      Array.from({ length: PAGES }, (_, n) => version(n)),
    );
    for (const { fileName, tempPath, complete, expireTime, ...others } of items) {
      expect(Object.keys(others)).toEqual(["tablePath"]);
      expect(complete).toEqual({ S: "true" });
      expect(tempPath!.S).toMatch(new RegExp(`^\\.tmp/${fileName!.S}\\.[0-9a-f-]{36}$`));
      expect(Number(expireTime!.N) - before).toBeGreaterThanOrEqual(86_400);
      expect(Number(expireTime!.N) - before).toBeLessThan(86_400 + 60);
      const folder = "events/_delta_log/";
      expect(await store.get(folder + tempPath!.S!)).toEqual(await store.get(folder + fileName!.S!));
    }
    // In the order of the protocol: an incomplete item, without a time to live, then the complete one.
    const puts = table.calls.filter(
      ({ operation, item }) => operation === "PutItem" && item!["fileName"]!.S === version(1),
    );
    expect(puts.map(({ item }) => [item!["complete"]!.S, "expireTime" in item!])).toContainEqual([
      "false",
      false,
    ]);
    // Manifests and markers have items, too, in the folder of the pipeline; nothing of theirs is left behind.
    const state = [...table.items.values()].filter(({ tablePath }) => tablePath!.S!.includes("_alluvium"));
    expect(new Set(state.map(({ tablePath }) => tablePath!.S))).toEqual(
      new Set(["s3a://bucket/lake/_alluvium/shop/main"]),
    );
    expect((await Array.fromAsync(store.list("_alluvium/shop/main/_tmp/"))).length).toBe(0);
  });

  test("a table at the root of a bucket is called as Hadoop calls it", async () => {
    const table = dynamoTable("delta_log");
    const store = logStoreOf(table, "s3").over(memoryStore({ url: "s3://bucket" }));
    expect(await store.putIfAbsent(`_delta_log/${version(0)}`, text("{}"))).toBe(true);
    expect([...table.items.keys()]).toEqual([`s3://bucket/ ${version(0)}`]);
  });

  const last = `events/_delta_log/${version(PAGES - 1)}`;
  const next = `events/_delta_log/${version(PAGES)}`;
  test.each<[string, (over: ObjectStore) => Promise<unknown>, unknown]>([
    ["reader", rowsIn, pagesOf("shop", PAGES)],
    ["writer", (over) => over.putIfAbsent(next, text("{}")), true],
    ["writer of the same version", (over) => over.putIfAbsent(last, text("{}")), false],
  ])(
    "a version that another writer left incomplete is finished by the next %s",
    async (_who, use, wanted) => {
      const store = memoryStore({ url });
      const table = dynamoTable("delta_log");
      const logStore = logStoreOf(table);
      await appender(store, logStore).run(atOnce);
      // As if the writer of the last version had been stopped after it had won.
      const key = `s3a://bucket/lake/events ${version(PAGES - 1)}`;
      const { expireTime: _time, ...item } = table.items.get(key)!;
      table.items.set(key, { ...item, complete: { S: "false" } });
      const bytes = await store.get(last);
      await store.delete([last]);

      expect(await use(logStore.over(store))).toEqual(wanted);
      expect(await store.get(last)).toEqual(bytes);
      expect(table.items.get(key)!["complete"]).toEqual({ S: "true" });
      expect(table.items.get(key)!["expireTime"]).toBeDefined();
    },
  );

  test.each<DynamoFault>(["lost", "broken"])("an answer that is lost (%s) is settled", async (fault) => {
    const store = memoryStore({ url });
    let done = false;
    const table = dynamoTable("delta_log", ({ operation, item }) => {
      if (done || operation !== "PutItem" || item!["fileName"]!.S !== version(1)) return undefined;
      if (!item!["tablePath"]!.S!.endsWith("events")) return undefined;
      done = true;
      return fault;
    });
    const logStore = logStoreOf(table);
    const report = await appender(store, logStore).run(atOnce);
    expect(done).toBe(true);
    expect(report.complete).toBe(true);
    expect(await rowsIn(logStore.over(store))).toEqual(pagesOf("shop", PAGES));
  });

  test("a writer that slept until the item of its version had expired overwrites nothing", async () => {
    const store = memoryStore({ url });
    const path = `events/_delta_log/${version(0)}`;
    let awake = true;
    const table: DynamoTable = dynamoTable("delta_log", async ({ operation, item }) => {
      if (!awake || operation !== "PutItem" || item!["complete"]!.S !== "false") return undefined;
      // The sleep: another takes the version, and DynamoDB forgets it.
      awake = false;
      expect(await logStoreOf(table).over(store).putIfAbsent(path, text("theirs"))).toBe(true);
      table.items.clear();
      return undefined;
    });
    expect(await logStoreOf(table).over(store).putIfAbsent(path, text("ours"))).toBe(false);
    expect(Buffer.from(await store.get(path)).toString()).toBe("theirs");
    expect(table.items.size).toBe(0);
  });

  test("a folder that was deleted under its items is refused, and says what to do", async () => {
    const store = memoryStore({ url });
    const table = dynamoTable("delta_log");
    const over = logStoreOf(table).over(store);
    const path = `events/_delta_log/${version(0)}`;
    await over.putIfAbsent(path, text("{}"));
    await store.delete([path]);
    await expect(over.putIfAbsent(path, text("{}"))).rejects.toMatchObject({
      code: "ALV_STORE_FAILED",
      message: expect.stringMatching(
        /delete the items with tablePath s3a:\/\/bucket\/lake\/events/,
      ) as string,
    });
  });

  test("a version is not put where the one before it is missing", async () => {
    const over = logStoreOf(dynamoTable("delta_log")).over(memoryStore({ url }));
    await expect(over.putIfAbsent(`t/_delta_log/${version(3)}`, text("{}"))).rejects.toThrow(
      /0002\.json.*is not there/,
    );
  });

  test("a writer under another scheme is found", async () => {
    const store = memoryStore({ url });
    const table = dynamoTable("delta_log");
    await logStoreOf(table, "s3")
      .over(store)
      .putIfAbsent(`t/_delta_log/${version(0)}`, text("{}"));
    const over = logStoreOf(table).over(store);
    await expect(over.putIfAbsent(`t/_delta_log/${version(1)}`, text("{}"))).rejects.toMatchObject({
      code: "ALV_STORE_UNSAFE",
      message: expect.stringMatching(/scheme: "s3"/) as string,
    });
  });

  test("a table that is not there is told with how to make it", async () => {
    const over = logStoreOf(dynamoTable("another")).over(memoryStore({ url }));
    await expect(over.putIfAbsent(`t/_delta_log/${version(0)}`, text("{}"))).rejects.toThrow(
      /create-table --table-name delta_log/,
    );
  });
});

describe(`a lake whose commits go through DynamoDB (seed ${seed}, stride ${stride})`, () => {
  test(
    "a process ends at a step of the store or of DynamoDB, another goes on, and every row is there once",
    { timeout: 300_000 },
    async () => {
      let steps = Number.POSITIVE_INFINITY;
      for (let last = -1; last < steps; last += last < 0 ? 1 + (seed % stride) : stride) {
        const { store: disk, later } = memoryDisk();
        let count = 0;
        let items: DynamoTable["items"] | undefined;
        const next = (): boolean => last >= 0 && count++ >= last;
        const counting: FaultStore = faultStore(disk, {
          at: () => (last < 0 ? void count++ : next() ? "stop" : undefined),
        });
        // A call is two steps: before it, and before its answer.
        const table = dynamoTable("delta_log", () => {
          if (last < 0) return void (count += 2);
          if (next()) return "refused";
          return next() ? "broken" : undefined;
        });
        items = table.items;
        const run = appender(counting, logStoreOf(table)).run(atOnce);
        if (last < 0) {
          await run;
          steps = count;
          continue;
        }
        await run.catch(() => undefined);
        later(20_000);
        const after = dynamoTable("delta_log");
        for (const [key, item] of items) after.items.set(key, item);
        const logStore = logStoreOf(after);
        await appender(disk, logStore).run(atOnce);
        expect(await rowsIn(logStore.over(disk)), `after step ${last}`).toEqual(pagesOf("shop", PAGES));
      }
      expect(steps).toBeGreaterThan(100);
    },
  );

  test(
    "16 writers on a server without conditions, while requests to both fail in every way: versions without a gap, every row once",
    { timeout: 300_000 },
    async () => {
      let random = seed + 1;
      const next = (): number => (random = (random * 48_271) % 2_147_483_647) / 2_147_483_647;
      const kinds: readonly S3Fault[] = ["slowDown", "reset", "lost", "cut", "slow"];
      const lost: readonly DynamoFault[] = ["lost", "broken"];
      let failing = true;
      await using server = await startS3({
        unconditional: true,
        pause: 2,
        faults: () => (failing && next() < 0.03 ? kinds[Math.floor(next() * kinds.length)] : undefined),
      });
      const { endpoint, account: credentials } = server;
      const store = s3Store(`s3://${BUCKET}/lake`, {
        endpoint,
        credentials,
        attempts: 10,
        timeout: 2000,
        conditionalPuts: false,
      });
      // The SDK tries again what is refused, and reads whose answer is lost.
      const table = dynamoTable("delta_log", ({ operation }) => {
        if (!failing || operation !== "PutItem" || next() >= 0.1) return undefined;
        return lost[Math.floor(next() * lost.length)];
      });
      const logStore = logStoreOf(table);
      const names = Array.from({ length: 16 }, (_, name) => `w${name}`);
      const load = async (name: string, pages: number): Promise<void> => {
        const report = await appender(store, logStore, name, pages, true).run({
          commitInterval: 0,
          retry: { attempts: 20 },
        });
        expect(report.complete).toBe(true);
      };
      await Promise.all(names.map((name) => load(name, 2)));
      for (const name of names) await load(name, 3);
      failing = false;
      const over = logStore.over(store);
      expect(await rowsIn(over)).toEqual(names.flatMap((name) => pagesOf(name, 3)).toSorted());
      const paths = await Array.fromAsync(over.list("events/_delta_log/"), ({ path }) => path);
      const versions = paths.flatMap((path) => /\/(\d{20})\.json$/.exec(path)?.[1] ?? []).map(Number);
      expect(versions).toEqual(versions.map((_, i) => i));
      expect(versions.length).toBeGreaterThanOrEqual(16);
      // It was the items that decided: the server itself takes no notice of conditions.
      expect(server.requests.filter(({ conditional }) => conditional)).toEqual([]);
    },
  );

  test("without it such a server is refused by name", async () => {
    await using server = await startS3({ unconditional: true });
    const { endpoint, account: credentials } = server;
    for (const conditionalPuts of ["probe", false] as const) {
      const store = s3Store(`s3://${BUCKET}/lake`, { endpoint, credentials, conditionalPuts });
      const refused: unknown = await pipeline({
        name: "shop",
        source: source("s", () => [
          resource({ name: "t", disposition: "append", read: readPages([[{ id: 1 }]]) }),
        ])(),
        destination: delta({ store }),
      })
        .run(atOnce)
        .catch((error: unknown) => error);
      expect(AlluviumError.is(refused) && [refused.code, refused.message]).toEqual([
        "ALV_STORE_UNSAFE",
        expect.stringMatching(/dynamoDbLogStore/),
      ]);
    }
  });
});
