import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  env,
  pipeline,
  resource,
  source,
  type ErrorCode,
  type ObjectStore,
  type Pipeline,
} from "@alluvium/core";
import { fileStore } from "@alluvium/core/storage/file";
import { memoryStore } from "@alluvium/core/storage/memory";
import { faultStore } from "@alluvium/core/testing";
import { delta, deltaTable } from "@alluvium/destinations/delta";
import { parquet } from "@alluvium/destinations/parquet";
import {
  expectFailedRun,
  expectFailure,
  lakeOf,
  ownFolder,
  quick,
  tableRows,
  tableSource,
  yields,
} from "./failure.ts";

const row = (id: number): object => ({ id, note: "x".repeat(id) });
const loadOf = (url: string, id: number): Pipeline => lakeOf(tableSource(yields([row(id)])), url);

/** A lake of three loads of one row each. */
async function threeLoads(): Promise<string> {
  const url = ownFolder();
  for (const id of [1, 2, 3]) await loadOf(url, id).run();
  return url;
}

const logFile = (url: string, version: number, kind: string = "json"): string =>
  join(url, "t/_delta_log", `${String(version).padStart(20, "0")}.${kind}`);
const dataFile = (url: string): string =>
  join(
    url,
    "t",
    readdirSync(join(url, "t")).find((name) => name.endsWith(".parquet"))!,
  );
const stateFile = (url: string, pattern: RegExp): string =>
  join(
    url,
    "_alluvium",
    readdirSync(join(url, "_alluvium"), { recursive: true })
      .map(String)
      .sort()
      .findLast((name) => pattern.test(name))!,
  );
const protocol = (version: number, features?: readonly string[]): string =>
  `${JSON.stringify({
    protocol: {
      minReaderVersion: features === undefined ? version : 3,
      minWriterVersion: features === undefined ? version : 7,
      ...(features && { readerFeatures: features, writerFeatures: features }),
    },
  })}\n`;

type Harm = readonly [
  what: string,
  harm: (url: string) => void,
  code: ErrorCode,
  parts: readonly RegExp[],
  reads: "as before" | readonly [code: ErrorCode, ...parts: RegExp[]],
];

const harms: readonly Harm[] = [
  [
    "a commit that was cut off",
    (url) => truncateSync(logFile(url, 2), 40),
    "ALV_FILE_INVALID",
    [/line 1/, /0002\.json/, /backup/],
    ["ALV_FILE_INVALID", /0002\.json/],
  ],
  [
    "an empty commit",
    (url) => truncateSync(logFile(url, 2), 0),
    "ALV_FILE_INVALID",
    [/0002\.json is empty/, /backup/],
    ["ALV_FILE_INVALID", /0002\.json/],
  ],
  [
    "a commit of other bytes",
    (url) => writeFileSync(logFile(url, 2), "\0rubbish"),
    "ALV_FILE_INVALID",
    [/0002\.json/, /not a Delta action/],
    ["ALV_FILE_INVALID", /0002\.json/],
  ],
  [
    "a gap in the log",
    (url) => rmSync(logFile(url, 1)),
    "ALV_FILE_INVALID",
    [/0001\.json is missing/, /version 2 exists/],
    ["ALV_FILE_INVALID", /0001\.json/],
  ],
  [
    "a log without its beginning",
    (url) => rmSync(logFile(url, 0)),
    "ALV_FILE_INVALID",
    [/0000\.json is missing/, /backup/],
    ["ALV_FILE_INVALID", /0000\.json/],
  ],
  [
    "a log without its newest commit",
    (url) => rmSync(logFile(url, 2)),
    "ALV_FILE_INVALID",
    [/0002\.json is missing/, /0002\.crc exists/],
    ["ALV_FILE_INVALID", /0002\.json/],
  ],
  [
    "a table without its log",
    (url) => rmSync(join(url, "t/_delta_log"), { recursive: true }),
    "ALV_TABLE_NOT_FOUND",
    [/table t is gone/, /resync\("t"\)/],
    ["ALV_TABLE_NOT_FOUND", /no _delta_log/],
  ],
  [
    "a table that is gone",
    (url) => rmSync(join(url, "t"), { recursive: true }),
    "ALV_TABLE_NOT_FOUND",
    [/table t is gone/, /put it back/],
    ["ALV_TABLE_NOT_FOUND"],
  ],
  [
    "a newer protocol",
    (url) => writeFileSync(logFile(url, 3), protocol(9)),
    "ALV_TABLE_FEATURE",
    [/"t"/, /reader version 9/, /newer version/],
    ["ALV_TABLE_FEATURE", /reader version 9/],
  ],
  [
    "an unknown feature",
    (url) => writeFileSync(logFile(url, 3), protocol(3, ["quantumRows"])),
    "ALV_TABLE_FEATURE",
    [/quantumRows/, /drop the feature/],
    ["ALV_TABLE_FEATURE", /quantumRows/],
  ],
  [
    "a manifest that was cut off",
    (url) => truncateSync(stateFile(url, /\d{20}\.json$/), 30),
    "ALV_STATE_INVALID",
    [/_alluvium\/p\/main\/0*2\.json/, /damaged/, /backup/],
    "as before",
  ],
  [
    "a manifest of a newer version",
    (url) => {
      const path = stateFile(url, /\d{20}\.json$/);
      writeFileSync(
        path,
        JSON.stringify({ ...(JSON.parse(readFileSync(path, "utf8")) as object), version: 99 }),
      );
    },
    "ALV_STATE_INVALID",
    [/version 99/, /update Alluvium/],
    "as before",
  ],
  [
    "a manifest of another shape",
    (url) => writeFileSync(stateFile(url, /\d{20}\.json$/), "[]"),
    "ALV_STATE_INVALID",
    [/damaged/],
    "as before",
  ],
  [
    "a schema of the state that is gone",
    (url) => rmSync(stateFile(url, /_schemas.*\.json$/)),
    "ALV_STATE_INVALID",
    [/schema/, /missing/, /backup/],
    "as before",
  ],
  [
    "a state folder that is gone",
    (url) => rmSync(join(url, "_alluvium"), { recursive: true }),
    "ALV_STATE_LOST",
    [/_alluvium\/p\/main/, /backup/, /adopt/],
    "as before",
  ],
];

/** What a reader of the harmed table meets. */
async function expectReads(url: string, reads: Harm[4], before: readonly object[]): Promise<void> {
  const found = tableRows(`${url}/t`);
  if (reads !== "as before")
    return void (await expectFailure(reads[0], reads.slice(1) as RegExp[], () => found));
  return expect(found).resolves.toEqual(before);
}

describe("what was harmed by hand is refused, left as it is, and loaded into again when it is back", () => {
  test.each<Harm>(harms)("%s", async (_what, harm, code, parts, reads) => {
    const url = await threeLoads();
    const before = await tableRows(`${url}/t`);
    const backup = ownFolder();
    cpSync(url, backup, { recursive: true });
    harm(url);
    for (const _ of [1, 2]) await expectFailedRun(code, parts, () => loadOf(url, 4));
    await expectReads(url, reads, before);
    // What stood there is put back, over what the failed runs may have left.
    cpSync(backup, url, { recursive: true });
    if (code === "ALV_TABLE_FEATURE") rmSync(logFile(url, 3));
    await loadOf(url, 4).run();
    expect(await tableRows(`${url}/t`)).toHaveLength(4);
    expect(await tableRows(`${url}/t`)).toEqual(expect.arrayContaining([...before]));
  });

  test("a state folder that is gone: the tables are adopted", async () => {
    const url = await threeLoads();
    rmSync(join(url, "_alluvium"), { recursive: true });
    await lakeOf(tableSource(yields([row(4)])), url, { adopt: ["t"] }).run();
    await loadOf(url, 5).run();
    expect(await tableRows(`${url}/t`)).toHaveLength(5);
  });

  test("a data file that was cut off, or is gone, is named by who reads it; a load harms nothing more", async () => {
    const url = await threeLoads();
    const file = dataFile(url);
    const whole = readFileSync(file);
    truncateSync(file, 50);
    await expectFailure("ALV_FILE_INVALID", [/part-.*\.parquet/, /PAR1/], () => tableRows(`${url}/t`));
    await loadOf(url, 4).run();
    rmSync(file);
    await expectFailure("ALV_NOT_FOUND", [/part-.*\.parquet/, /gone/], () => tableRows(`${url}/t`));
    writeFileSync(file, whole);
    expect(await tableRows(`${url}/t`)).toHaveLength(4);
    const middle = Buffer.from(whole);
    middle.fill(0xff, 4, 40);
    writeFileSync(file, middle);
    await expectFailure("ALV_FILE_INVALID", [/part-.*\.parquet/], () => tableRows(`${url}/t`));
  });

  test("a folder of Parquet files with one that is none", async () => {
    const url = ownFolder();
    const load = (id: number): Pipeline =>
      pipeline({
        name: "p",
        source: tableSource(yields([row(id)])),
        destination: parquet({ url }),
      } as never) as Pipeline;
    await load(1).run();
    const first = readdirSync(join(url, "t"));
    writeFileSync(join(url, "t/part-foreign.parquet"), "no Parquet at all");
    await expectFailedRun("ALV_FILE_INVALID", [/part-foreign\.parquet/, /\bt\b/], () => load(2));
    expect(readdirSync(join(url, "t"))).toEqual(expect.arrayContaining(first));
    rmSync(join(url, "t/part-foreign.parquet"));
    await load(2).run();
    expect(readdirSync(join(url, "t")).filter((name) => name.endsWith(".parquet"))).toHaveLength(2);
  });
});

describe("places that cannot be", () => {
  test("files where folders are meant", async () => {
    const url = ownFolder();
    writeFileSync(`${url}/x`, "");
    await expectFailedRun("ALV_STORE_FAILED", [/\/x\b/, /a file stands where a folder is needed/], () =>
      loadOf(`${url}/x`, 1),
    );
    await expectFailedRun("ALV_STORE_FAILED", [/a file stands where a folder is needed/], () =>
      loadOf(`${url}/x/y`, 1),
    );
    writeFileSync(`${url}/t`, "");
    await expectFailedRun("ALV_STORE_FAILED", [/\bt\b/, /a file stands where a folder is needed/], () =>
      loadOf(url, 1),
    );
    rmSync(`${url}/t`);
    await loadOf(url, 1).run();
    expect(await tableRows(`${url}/t`)).toHaveLength(1);
  });

  test.skipIf(process.getuid?.() === 0)("a folder that may not be written", async () => {
    const url = await threeLoads();
    const before = await tableRows(`${url}/t`);
    chmodSync(`${url}/t`, 0o555);
    await expectFailedRun("ALV_AUTH", [/\bt\b/, /permission denied/, /owner and mode/], () => loadOf(url, 4));
    chmodSync(`${url}/t`, 0o755);
    expect(await tableRows(`${url}/t`)).toEqual(before);
    await loadOf(url, 4).run();
    expect(await tableRows(`${url}/t`)).toHaveLength(4);
  });

  test("tables that are not there to read", async () => {
    await expectFailure("ALV_TABLE_NOT_FOUND", [/none/, /_delta_log/], () =>
      tableRows(join(ownFolder(), "none")),
    );
    await expectFailure("ALV_CONFIG", [/url is empty/], () => deltaTable(""));
    await expectFailure("ALV_CONFIG", [/path of a folder/], () => deltaTable(undefined as never));
    await expectFailure("ALV_UNSUPPORTED", [/gs: URLs/, /store/], () => deltaTable("gs://bucket/t"));
    const url = await threeLoads();
    await expectFailure("ALV_NOT_FOUND", [/version 9/, /newest is 2/], () =>
      deltaTable(`${url}/t`).snapshot({ version: 9 }),
    );
    await expectFailure("ALV_CONFIG", [/-1/], () => deltaTable(`${url}/t`).snapshot({ version: -1 }));
    await expectFailure("ALV_CONFIG", [/not both/], () =>
      deltaTable(`${url}/t`).snapshot({ version: 1, timestamp: new Date() }),
    );
  });
});

describe("a disk that is full", () => {
  const wide = (count: number): object[] =>
    Array.from({ length: count }, (_, id) => ({ id, text: randomBytes(32).toString("hex") }));

  test.skipIf(process.getuid?.() !== 0 || process.platform !== "linux")(
    "a file system without room",
    async (context) => {
      const url = ownFolder();
      const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", url]).status === 0;
      if (!mounted) return context.skip();
      try {
        await lakeOf(tableSource(yields([{ id: -1, text: "a" }])), url).run();
        const before = await tableRows(`${url}/t`);
        await expectFailedRun("ALV_STORE_FULL", [/\bt\/|_alluvium/, /no space left/, /make room/], () =>
          lakeOf(tableSource(yields(wide(60_000))), url),
        );
        expect(await tableRows(`${url}/t`)).toEqual(before);
        // What the failed run wrote is gone, so that less fits again.
        await lakeOf(tableSource(yields(wide(100))), url).run();
        expect(await tableRows(`${url}/t`)).toHaveLength(101);
      } finally {
        spawnSync("umount", [url]);
      }
      return undefined;
    },
  );

  test.each(["delta", "parquet"] as const)(
    "%s: at every call that writes",
    async (kind) => {
      const into = (store: ObjectStore, id: number): Pipeline =>
        pipeline({
          name: "p",
          source: tableSource(yields([row(id)])),
          destination: (kind === "delta" ? delta : parquet)({ store }),
        } as never) as Pipeline;
      const rowsIn = async (store: ObjectStore): Promise<number> => {
        if (kind === "delta")
          return (await Array.fromAsync(deltaTable({ store, path: "t" }).scan())).reduce(
            (sum, batch) => sum + batch.length,
            0,
          );
        let files = 0;
        for await (const { path } of store.list("t/")) if (/\/part-[^/]*\.parquet$/.test(path)) files += 1;
        return files;
      };
      const counted = faultStore(await once());
      await into(counted, 2).run();
      const writes = counted.steps.filter(
        ({ call, when }) => when === "before" && /put|create|write|complete|rename/.test(call),
      );
      expect(writes.length).toBeGreaterThan(5);
      for (const { index, path } of writes) {
        const disk = await once();
        const full = faultStore(disk, { at: (step) => (step.index === index ? "full" : undefined) });
        const outcome: unknown = await into(full, 2)
          .run(quick)
          .then(
            () => "committed",
            ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
          );
        // What only helps (a hint, a checkpoint, a checksum, the lease) may be left out.
        const helps = /_lease|_newest|\.crc$|\.applied$|_last_checkpoint/.test(path);
        expect(outcome).toMatch(helps ? /^committed$|^ALV_STORE_FULL/ : /^ALV_STORE_FULL: .*no space left/);
        await into(disk, 3).run();
        // The load that ran into it is there whole or, if it was not committed, not at all.
        expect(outcome === "committed" ? [3] : [2, 3]).toContain(await rowsIn(disk));
      }

      async function once(): Promise<ObjectStore> {
        const disk = memoryStore();
        await into(disk, 1).run();
        return disk;
      }
    },
    60_000,
  );
});

describe("two on one table", () => {
  test("another pipeline, and the same one twice at once", async () => {
    const url = ownFolder();
    await loadOf(url, 1).run();
    const other = (more: object): Pipeline =>
      pipeline({
        name: "q",
        source: tableSource(yields([row(2)])),
        destination: delta({ url }),
        ...more,
      } as never) as Pipeline;
    await expectFailure("ALV_TABLE_FOREIGN", [/\bt\b/, /adopt/, /shared/], () => other({}).run());
    expect(await tableRows(`${url}/t`)).toHaveLength(1);
    await other({ shared: ["t"] }).run();
    expect(await tableRows(`${url}/t`)).toHaveLength(2);

    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const slow = lakeOf(
      tableSource({
        async *read() {
          begin();
          await gate;
          yield row(3);
        },
      }),
      url,
    );
    const running = slow.run();
    await begun;
    await expectFailedRun("ALV_CONCURRENT_RUN", [/run of p\/main/, /lane/], () =>
      lakeOf(tableSource(yields([row(4)])), url, { leaseWait: 300 }),
    );
    open();
    await running;
    expect(await tableRows(`${url}/t`)).toHaveLength(3);
  });
});

describe("options", () => {
  const from = (): ReturnType<typeof tableSource> => tableSource(yields([row(1)]));
  const into = (destination: unknown): Pipeline =>
    pipeline({ name: "p", source: from(), destination } as never) as Pipeline;

  test.each<[object | string | undefined, ErrorCode, readonly RegExp[]]>([
    [undefined, "ALV_CONFIG", [/url: "\.\/lake"/]],
    ["./lake", "ALV_CONFIG", [/"\.\/lake"/, /url/]],
    [{}, "ALV_CONFIG", [/either `url`/]],
    [{ url: "" }, "ALV_CONFIG", [/url is empty/]],
    [{ url: 5 }, "ALV_CONFIG", [/url is 5/, /path of a folder/]],
    [{ url: "./x", store: memoryStore() }, "ALV_CONFIG", [/either/]],
    [{ store: {} }, "ALV_CONFIG", [/store is \{\}/, /ObjectStore/]],
    [{ url: "./x", ulr: 1 }, "ALV_CONFIG", [/no option ulr/, /url, store, compression, targetFileBytes/]],
    [{ url: "./x", compression: "brotli" }, "ALV_CONFIG", [/compression is "brotli"/, /"zstd"/]],
    [{ url: "./x", targetFileBytes: "1MB" }, "ALV_CONFIG", [/targetFileBytes is "1MB"/, /bytes/]],
    [{ url: "gs://bucket/lake" }, "ALV_UNSUPPORTED", [/gs: URLs/, /store/]],
    [{ url: "s3://UPPER/lake" }, "ALV_CONFIG", [/UPPER/, /s3:\/\/bucket\/prefix/]],
    [{ url: "file://elsewhere/lake" }, "ALV_CONFIG", [/elsewhere/, /path/]],
  ])("of a destination: %j", async (options, code, parts) => {
    await expectFailedRun(code, [/^delta|fileStore|s3Store/, ...parts], () => into(delta(options as never)));
    await expectFailedRun(code, [/^parquet|fileStore|s3Store/, ...parts], () =>
      into(parquet(options as never)),
    );
    expect(existsSync("./x")).toBe(false);
  });

  test.each<[object, readonly RegExp[]]>([
    [{ name: "" }, [/needs a name/]],
    [{ source: undefined }, [/source is no source/, /postgres\(\)/]],
    [{ source: source("s", () => []) }, [/source is no source/, /a call of what source\(\) returns/]],
    [{ source: resource({ name: "t", read: () => [] as object[] }) }, [/source is no source/]],
    [{ destination: "./lake" }, [/destination is no destination/, /delta\(/]],
    [{ budget: 1000 }, [/budget is 1000/, /1048576/]],
    [{ budget: "64MB" }, [/budget is 64MB/, /number/]],
    [{ concurrency: Number.NaN }, [/concurrency is NaN/]],
    [{ lane: "" }, [/lane/]],
  ])("of a pipeline: %o", async (options, parts) => {
    await expectFailure("ALV_CONFIG", parts, () =>
      (
        pipeline({
          name: "p",
          source: from(),
          destination: delta({ store: memoryStore() }),
          ...options,
        } as never) as Pipeline
      ).run(),
    );
  });

  test.each<[object, readonly RegExp[]]>([
    [{ only: ["tt"] }, [/only names tt/, /has t\b/]],
    [{ only: "t" }, [/only is t/, /list/]],
    [{ limit: 0 }, [/limit is 0/]],
    [{ deadline: "2026-01-01" }, [/deadline is 2026-01-01/, /Date/]],
    [{ deadline: new Date("x") }, [/deadline is Invalid Date/]],
    [{ signal: 5 }, [/signal is 5/, /AbortSignal/]],
    [{ retry: { attempts: 0 } }, [/retry\.attempts is 0/]],
    [{ dealine: 5 }, [/dealine/, /deadline/]],
    [{ refresh: "rows" }, [/refresh is/, /rows/, /"?data"?/, /tables/, /state/]],
  ])("of a run: %o", async (options, parts) => {
    await expectFailedRun("ALV_CONFIG", parts, () => into(delta({ store: memoryStore() })), options);
  });

  test("a listener that throws stops nothing; a budget that is small holds a row that is large", async () => {
    const url = ownFolder();
    const large = lakeOf(tableSource(yields([{ id: "x".repeat(4 << 20) }])), url, { budget: 1 << 20 });
    await large.run({
      onEvent: () => {
        throw new Error("a broken log");
      },
    });
    expect(await tableRows(`${url}/t`)).toHaveLength(1);
  });

  test("a variable that is not set is named when it is used", async () => {
    await expectFailure("ALV_CONFIG", [/ALLUVIUM_NOT_SET/, /not set/], () =>
      env("ALLUVIUM_NOT_SET").reveal(),
    );
  });

  test("a store that cannot put conditionally", async () => {
    const store = {
      ...fileStore(ownFolder()),
      capabilities: { putIfAbsent: false, rename: true },
    } as ObjectStore;
    await expectFailedRun("ALV_STORE_UNSAFE", [/file:/], () => into(delta({ store })));
  });
});
