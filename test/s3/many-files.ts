import { expect } from "vitest";
import { pipeline, resource, source, type ObjectStore } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { s3Store } from "@alluvium/core/storage/s3";
import { delta, deltaTable } from "@alluvium/destinations/delta";
import { BUCKET, startS3 } from "./server.ts";

async function append(store: ObjectStore): Promise<void> {
  const events = resource({
    name: "events",
    disposition: "append",
    *read() {
      yield [{ id: 1 }];
    },
  });
  await pipeline({ name: "p", source: source("s", () => [events])(), destination: delta({ store }) }).run();
}

/** A commit of files that nobody has to read. */
function commitOf(files: number): string {
  const info = { timestamp: Date.now(), operation: "WRITE", operationParameters: {}, isBlindAppend: true };
  const adds = Array.from({ length: files }, (_, i) => ({
    add: {
      path: `part-${i}.parquet`,
      partitionValues: {},
      size: 1000,
      modificationTime: Date.now(),
      dataChange: true,
      stats: JSON.stringify({
        numRecords: 1,
        minValues: { id: i },
        maxValues: { id: i },
        nullCount: { id: 0 },
      }),
    },
  }));
  return [{ commitInfo: info }, ...adds].map((action) => JSON.stringify(action)).join("\n");
}

/** Expects an append to a table of so many files, and its opening, to ask little of the table's log, whatever the size of its checkpoint. */
export async function expectFewRequests(files: number): Promise<void> {
  const local = memoryStore();
  await append(local);
  const path = `events/_delta_log/${"1".padStart(20, "0")}.json`;
  expect(await local.putIfAbsent(path, new TextEncoder().encode(commitOf(files)))).toBe(true);
  // On to a checkpoint, and further.
  for (let version = 2; version <= 12; version++) await append(local);
  await using server = await startS3();
  const store = s3Store(`s3://${BUCKET}/lake`, { endpoint: server.endpoint, credentials: server.account });
  let checkpointBytes = 0;
  for await (const info of local.list("")) {
    if (info.path.endsWith(".checkpoint.parquet")) checkpointBytes = info.size;
    await store.put(info.path, await local.get(info.path));
  }
  expect(checkpointBytes).toBeGreaterThan(50_000);

  const from = server.requests.length;
  await append(store);
  const ofTable = server.requests
    .slice(from)
    .filter(({ key, prefix }) => (prefix ?? key).startsWith("lake/events/_delta_log/"));
  // The table is opened three times: when the load begins, before rows are written, and when the load is applied; four requests each.
  const reads = ofTable.filter(({ operation }) => operation !== "PutObject");
  expect(reads.length).toBeLessThanOrEqual(12);
  expect(reads.filter(({ operation }) => operation === "GetObject").length).toBeGreaterThan(0);
  expect(
    reads.some(({ key }) => key.endsWith(".parquet")),
    "the checkpoint is not read",
  ).toBe(false);
  const bytes = reads.reduce((sum, { sent }) => sum + sent, 0);
  expect(bytes).toBeLessThan(32 * 1024);

  const opening = server.requests.length;
  const snapshot = await deltaTable({ store, path: "events" }).snapshot();
  expect(snapshot.version).toBe(13);
  expect(server.requests.length - opening).toBeLessThanOrEqual(8);
}
