import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { pipeline, type ObjectStore } from "@alluvium/core";
import { s3Store } from "@alluvium/core/storage/s3";
import { memoryDestination } from "@alluvium/core/testing";
import { files } from "@alluvium/sources/files";
import { lines } from "../../packages/sources/test/files/lines.ts";
import { BUCKET, startS3, type S3Fault, type S3Server } from "./server.ts";

/* Files in a bucket, over a net that fails. */

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const pad = "x".repeat(1000);
const long = (version: string, count = 6000): Uint8Array =>
  bytes(Array.from({ length: count }, (_, i) => `${version}${i}${pad}\n`).join(""));

function storeOf({ endpoint, account }: S3Server): ObjectStore {
  return s3Store(`s3://${BUCKET}/landing`, { endpoint, credentials: account, timeout: 2000 });
}

function load(store: ObjectStore, destination = memoryDestination()) {
  const source = files({
    store,
    tables: { words: { files: "in/**/*.txt*", format: lines({ perBatch: 200 }) } },
  });
  const done = pipeline({ name: "p", source, destination }).run({ retry: { minDelay: 1 } });
  return { destination, done };
}

const textsOf = (destination: ReturnType<typeof memoryDestination>): string[] =>
  destination.store.rows("words").map((row) => String(row["text"]).replace(pad, ""));
const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${name}${i}`);

test("a bucket is asked for what the globs begin with, and files are read through failures of every kind", async () => {
  let calls = 0;
  const kinds: readonly S3Fault[] = ["slowDown", "reset", "lost", "cut", "slow"];
  let failing = false;
  await using server = await startS3({
    pause: 1,
    faults: () => (failing && ++calls % 3 === 0 ? kinds[calls % kinds.length]! : undefined),
  });
  const store = storeOf(server);
  await store.put("in/a/big.txt", long("big"));
  await store.put("in/b.txt.gz", gzipSync(long("zip")));
  await store.put("in/ä c.txt", bytes("umlaut\n"));
  await store.put("elsewhere/x.txt", bytes("no\n"));
  failing = true;
  const before = server.requests.length;
  const { destination, done } = load(store);
  await done;
  expect(textsOf(destination)).toEqual([...numbered("big", 6000), ...numbered("zip", 6000), "umlaut"]);
  const lists = server.requests.slice(before).filter(({ operation }) => operation === "ListObjectsV2");
  expect(lists.length).toBeGreaterThan(0);
});

test("an object that is overwritten while it is read is noticed by If-Match, and read again", async () => {
  await using server = await startS3();
  const store = storeOf(server);
  await store.put("in/a.txt", long("old"));
  let reads = 0;
  const changing: ObjectStore = {
    ...store,
    async get(path, call) {
      if (++reads === 2) await store.put("in/a.txt", long("new"));
      return store.get(path, call);
    },
  };
  const { destination, done } = load(changing);
  await done;
  expect(reads).toBeGreaterThan(2);
  expect(textsOf(destination)).toEqual(numbered("new", 6000));
});
