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

/** What was asked of the log of a table. */
export interface LogRequests {
  /** Bytes of the table's checkpoint. */
  readonly checkpointBytes: number;
  /** Requests that read, of an append. The table is opened three times: when the load begins, before rows are written, and when the load is applied. */
  readonly reads: readonly { readonly operation: string; readonly key: string; readonly sent: number }[];
  /** Requests of opening the table once, and the version that was found. */
  readonly opening: number;
  readonly version: number;
}

/** Makes a table of so many files in a bucket, appends to it and opens it. */
export async function requestsOfAppend(files: number): Promise<LogRequests> {
  const local = memoryStore();
  await append(local);
  const path = `events/_delta_log/${"1".padStart(20, "0")}.json`;
  await local.put(path, new TextEncoder().encode(commitOf(files)));
  // On to a checkpoint, and further.
  for (let version = 2; version <= 12; version++) await append(local);
  await using server = await startS3();
  const store = s3Store(`s3://${BUCKET}/lake`, { endpoint: server.endpoint, credentials: server.account });
  let checkpointBytes = 0;
  for await (const info of local.list("")) {
    if (info.path.endsWith(".checkpoint.parquet")) checkpointBytes = info.size;
    await store.put(info.path, await local.get(info.path));
  }

  const from = server.requests.length;
  await append(store);
  const reads = server.requests
    .slice(from)
    .filter(({ key, prefix }) => (prefix ?? key).startsWith("lake/events/_delta_log/"))
    .filter(({ operation }) => operation !== "PutObject");
  const before = server.requests.length;
  const { version } = await deltaTable({ store, path: "events" }).snapshot();
  return { checkpointBytes, reads, opening: server.requests.length - before, version };
}
