import { describe, expect, test } from "vitest";
import {
  AlluviumError,
  pipeline,
  resource,
  source,
  type Destination,
  type ObjectStore,
  type Pipeline,
} from "@alluvium/core";
import { s3Store } from "@alluvium/core/storage/s3";
import { csv, files } from "@alluvium/destinations/files";
import { parquet } from "@alluvium/destinations/parquet";
import type { LakeUnderTest } from "../../packages/destinations/test/lake/lakes.ts";
import { csvLake, folderLake } from "../../packages/destinations/test/lake/real-lakes.ts";
import { atOnce, readPages, seed } from "../crash/stopped.ts";
import { endAtRequest } from "./ended-process.ts";
import { BUCKET, startS3, type S3Fault, type S3Request, type S3Server } from "./server.ts";

/** Of so many requests one is the last of a process. */
const stride = Number(process.env["ALLUVIUM_STRIDE"] ?? 113);
const PAGES = 3;
const PAGE = 5;

interface Folders {
  readonly name: string;
  readonly to: (store: ObjectStore) => Destination<"append" | "replace">;
  /** How its tables are read. */
  readonly lake: LakeUnderTest;
}

const kinds: readonly Folders[] = [
  { name: "Parquet", to: (store) => parquet({ store, compression: "none" }), lake: folderLake },
  { name: "CSV", to: (store) => files({ store, format: csv() }), lake: csvLake },
];

function storeOf({ endpoint, account }: S3Server, attempts = 6, timeout = 2000): ObjectStore {
  return s3Store(`s3://${BUCKET}/out`, { endpoint, credentials: account, attempts, timeout });
}

/** Rows that are appended, a page a load, and a table that each run replaces. */
function shop({ to }: Folders, store: ObjectStore, run: number): Pipeline {
  const events = resource({
    name: "events",
    disposition: "append",
    read: readPages(
      Array.from({ length: PAGES }, (_, page) =>
        Array.from({ length: PAGE }, (_row, i) => ({ id: page * PAGE + i })),
      ),
    ),
  });
  const totals = resource({
    name: "totals",
    disposition: "replace",
    async *read() {
      yield Array.from({ length: PAGE }, (_, key) => ({ key, run }));
    },
  });
  return pipeline({
    name: "shop",
    source: source("shop", () => [events, totals])(),
    destination: to(store),
    leaseWait: 0,
  });
}

async function expectComplete(
  { lake }: Folders,
  store: ObjectStore,
  run: number,
  where: string,
): Promise<void> {
  const ids = (await lake.read(store, "events")).map(({ id }) => Number(id)).toSorted((a, b) => a - b);
  expect(ids, `events ${where}`).toEqual(Array.from({ length: PAGES * PAGE }, (_, id) => id));
  const totals = (await lake.read(store, "totals")).map((row) =>
    [Number(row["key"]), Number(row["run"])].join(" "),
  );
  expect(totals.toSorted(), `totals ${where}`).toEqual(
    Array.from({ length: PAGE }, (_, key) => `${key} ${run}`),
  );
  const paths = await Array.fromAsync(store.list(""), ({ path }) => path);
  expect(paths.filter((path) => path.startsWith("totals/part-")).length, `files of totals ${where}`).toBe(1);
}

/** The code of the error that a run ends with; what is not ours is thrown. */
async function codeOf(run: Promise<unknown>): Promise<string | undefined> {
  try {
    await run;
    return undefined;
  } catch (error) {
    if (!AlluviumError.is(error)) throw error;
    return error.code;
  }
}

describe.each(kinds)(`folders of $name on S3 (seed ${seed}, stride ${stride})`, (kind) => {
  test.each<S3Fault>(["reset", "lost"])(
    "the process ends at a request (%s), another goes on, and every row is there once",
    { timeout: 300_000 },
    async (fault) => {
      let requests: readonly S3Request[] = [];
      {
        await using server = await startS3();
        await shop(kind, storeOf(server), 1).run(atOnce);
        requests = server.requests.map((request) => ({ ...request }));
        await expectComplete(kind, storeOf(server), 1, "at once");
        const left = await Array.fromAsync(storeOf(server).list(""), ({ path }) => path);
        expect(left.filter((path) => path.includes("/_staged/"))).toEqual([]);
      }
      const copies = requests.filter(({ operation }) => operation === "CopyObject");
      expect(copies.length).toBeGreaterThan(PAGES + 1);
      expect(
        requests.some(({ operation, key }) => operation === "GetObject" && key.includes("_staged")),
      ).toBe(false);
      for (let last = seed % stride; last < requests.length; last += stride)
        await endAtRequest({
          last,
          fault,
          process: (server) => shop(kind, storeOf(server, 1), 1).run(atOnce),
          async another(server) {
            await shop(kind, storeOf(server), 2).run(atOnce);
            await expectComplete(kind, storeOf(server), 2, `after ${fault} at request ${last}`);
          },
        });
    },
  );

  test("requests fail in every way, and every row is there once", { timeout: 300_000 }, async () => {
    let random = seed + 1;
    const next = (): number => (random = (random * 48_271) % 2_147_483_647) / 2_147_483_647;
    const faults: readonly S3Fault[] = ["slowDown", "reset", "lost", "failed", "cut", "slow"];
    let failing = true;
    await using server = await startS3({
      pause: 2,
      faults: ({ operation }) =>
        failing && next() < (operation === "CopyObject" ? 0.3 : 0.04)
          ? faults[Math.floor(next() * faults.length)]!
          : undefined,
    });
    const store = storeOf(server, 12);
    for (const run of [1, 2]) expect((await shop(kind, store, run).run(atOnce)).complete).toBe(true);
    failing = false;
    await expectComplete(kind, store, 2, "after failures");
  });

  test.each(["totals", "events"])(
    "a copy of %s ends when others have finished its load and gone on: it brings nothing back",
    { timeout: 300_000 },
    async (table) => {
      let later = 0;
      let woken = false;
      await using server = await startS3({
        clock: () => new Date(Date.now() + later),
        async midCopy({ key }) {
          if (woken || !key.startsWith(`out/${table}/part-`)) return;
          woken = true;
          later = 20_000;
          for (const run of [2, 3]) await shop(kind, storeOf(server), run).run(atOnce);
        },
      });
      const code = await codeOf(shop(kind, storeOf(server, 6, 60_000), 1).run(atOnce));
      expect([undefined, "ALV_CONCURRENT_RUN"]).toContain(code);
      expect(woken).toBe(true);
      await expectComplete(kind, storeOf(server), 3, `after a sleep in a copy of ${table}`);
    },
  );
});
