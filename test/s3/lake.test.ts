import { describe, expect, test } from "vitest";
import { AlluviumError, pipeline, resource, source, type ObjectStore, type Pipeline } from "@alluvium/core";
import { s3Store } from "@alluvium/core/storage/s3";
import { delta, deltaTable } from "@alluvium/destinations/delta";
import { rowsOf } from "@alluvium/core/columns";
import { atOnce, readPages, seed } from "../crash/stopped.ts";
import { endAtRequest } from "./ended-process.ts";
import { BUCKET, startS3, type S3Fault, type S3Server } from "./server.ts";

/** Of so many requests one is the last of a process. */
const stride = Number(process.env["ALLUVIUM_STRIDE"] ?? 127);
const PAGES = 4;
const PAGE = 5;

function storeOf({ endpoint, account }: S3Server, attempts = 6): ObjectStore {
  return s3Store(`s3://${BUCKET}/lake`, { endpoint, credentials: account, attempts, timeout: 2000 });
}

const pagesOf = <Row extends object>(row: (page: number, i: number) => Row): readonly (readonly Row[])[] =>
  Array.from({ length: PAGES }, (_, page) => Array.from({ length: PAGE }, (_row, i) => row(page, i)));

/** Rows that are appended, and rows that are merged: each page writes all keys of the latter again. */
function shop(store: ObjectStore): Pipeline {
  const events = resource({
    name: "events",
    disposition: "append",
    read: readPages(pagesOf((page, i) => ({ id: page * PAGE + i }))),
  });
  const totals = resource({
    name: "totals",
    primaryKey: "key",
    disposition: "merge",
    read: readPages(pagesOf((page, key) => ({ key, page }))),
  });
  return pipeline({
    name: "shop",
    source: source("shop", () => [events, totals])(),
    destination: delta({ store }),
    leaseWait: 0,
  });
}

async function rowsIn(store: ObjectStore, path: string): Promise<readonly Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  try {
    for await (const batch of deltaTable({ store, path }).scan()) rows.push(...rowsOf(batch));
  } catch (error) {
    if (!(AlluviumError.is(error) && error.code === "ALV_TABLE_NOT_FOUND")) throw error;
  }
  return rows;
}

async function expectComplete(store: ObjectStore, where: string): Promise<void> {
  const ids = (await rowsIn(store, "events")).map(({ id }) => Number(id)).toSorted((a, b) => a - b);
  expect(ids, `events ${where}`).toEqual(Array.from({ length: PAGES * PAGE }, (_, id) => id));
  const totals = (await rowsIn(store, "totals")).map(({ key, page }) => [key, page].join(" ")).toSorted();
  expect(totals, `totals ${where}`).toEqual(Array.from({ length: PAGE }, (_, key) => `${key} ${PAGES - 1}`));
}

/** Numbers of the versions in a table's log. */
async function versionsOf(store: ObjectStore, table: string): Promise<readonly number[]> {
  const paths = await Array.fromAsync(store.list(`${table}/_delta_log/`), ({ path }) => path);
  return paths.flatMap((path) => {
    const version = /\/(\d{20})\.json$/.exec(path)?.[1];
    return version === undefined ? [] : [Number(version)];
  });
}

describe(`a lake on S3 (seed ${seed}, stride ${stride})`, () => {
  test.each<S3Fault>(["reset", "lost"])(
    "the process ends at a request (%s), another goes on, and every row is there once",
    { timeout: 300_000 },
    async (fault) => {
      let count = 0;
      {
        await using server = await startS3();
        await shop(storeOf(server)).run(atOnce);
        count = server.requests.length;
        await expectComplete(storeOf(server), "at once");
      }
      expect(count).toBeGreaterThan(50);
      for (let last = seed % stride; last < count; last += stride)
        await endAtRequest({
          last,
          fault,
          process: (server) => shop(storeOf(server, 1)).run(atOnce),
          async another(server) {
            await shop(storeOf(server)).run(atOnce);
            await expectComplete(storeOf(server), `after ${fault} at request ${last}`);
          },
        });
    },
  );

  test(
    "16 writers make one table and append to it while requests fail in every way: versions without a gap, every row once",
    { timeout: 300_000 },
    async () => {
      let random = seed + 1;
      const next = (): number => (random = (random * 48_271) % 2_147_483_647) / 2_147_483_647;
      const kinds: readonly S3Fault[] = ["slowDown", "reset", "lost", "cut", "slow", "conflict"];
      let failing = true;
      await using server = await startS3({
        pause: 2,
        faults({ conditional }) {
          if (!failing || next() > 0.05) return undefined;
          const kind = kinds[Math.floor(next() * kinds.length)]!;
          return kind === "conflict" && !conditional ? "slowDown" : kind;
        },
      });
      const store = storeOf(server, 10);
      const writer = (name: number, pages: number): Pipeline => {
        const rows = resource({
          name: "shared",
          disposition: "append",
          read: readPages(Array.from({ length: pages }, (_, page) => [{ writer: name, page }])),
        });
        return pipeline({
          name: `w${name}`,
          source: source("s", () => [rows])(),
          destination: delta({ store }),
          shared: true,
        });
      };
      const names = Array.from({ length: 16 }, (_, name) => name);
      const reports = await Promise.all(names.map((name) => writer(name, 2).run({ commitInterval: 0 })));
      // Each goes on with the table that one of them made.
      for (const name of names) await writer(name, 3).run({ commitInterval: 0 });
      failing = false;
      expect(reports.map(({ complete }) => complete)).toEqual(names.map(() => true));
      const found = (await rowsIn(store, "shared")).map(({ writer: name, page }) => [name, page].join(" "));
      const wanted = names.flatMap((name) => [`${name} 0`, `${name} 1`, `${name} 2`]);
      expect(found.toSorted()).toEqual(wanted.toSorted());
      const versions = await versionsOf(store, "shared");
      expect(versions).toEqual(versions.map((_, i) => i));
      expect(versions.length).toBeGreaterThanOrEqual(16);
    },
  );
});
