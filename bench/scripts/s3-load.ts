import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pipeline, type ObjectStore } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { memoryStore } from "@alluvium/core/storage/memory";
import { s3Store } from "@alluvium/core/storage/s3";
import { delta } from "@alluvium/destinations/delta";
import { batchSource } from "../batch-source.ts";
import { lineitemBatch, lineitemSchema } from "../lineitem-batches.ts";

// `s3-load.ts encode ROWS FOLDER`: lineitem into a Delta table in memory, whose files are left in FOLDER.
// `s3-load.ts upload ROWS FOLDER PLACE`: those files alone to S3. PLACE is JSON: `{ url, endpoint, account }`.
// `s3-load.ts load ROWS FOLDER PLACE`: lineitem into a Delta table on S3.
const [what, count, folder, place] = [
  process.argv[2],
  Number(process.argv[3]),
  process.argv[4]!,
  process.argv[5],
];
const BATCH = 8192;
const MIB = 1 << 20;

function bucket(): ObjectStore {
  const { url, endpoint, account } = JSON.parse(place!) as {
    readonly url: string;
    readonly endpoint: string;
    readonly account: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  return s3Store(url, { endpoint, credentials: account });
}

/** Batches that are there already, so that encoding is all that is measured. */
function batches(): readonly Batch[] {
  const distinct = Math.min(count, 32 * BATCH);
  const made: Batch[] = [];
  for (let from = 0; from < distinct; from += BATCH)
    made.push(lineitemBatch(Array.from({ length: Math.min(BATCH, distinct - from) }, (_, i) => from + i)));
  return made;
}

function* repeated(made: readonly Batch[]): Generator<Batch> {
  let left = count;
  while (left > 0)
    for (const batch of made) {
      if (left <= 0) return;
      yield batch;
      left -= batch.length;
    }
}

async function measure(run: () => Promise<{ readonly rows: number; readonly bytes: number }>): Promise<void> {
  globalThis.gc?.();
  const cpu = process.cpuUsage();
  const started = performance.now();
  const found = await run();
  const wall = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  const figures = { ...found, wall_s: wall, cpu_s: (used.user + used.system) / 1e6 };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

async function load(store: ObjectStore): Promise<void> {
  const made = batches();
  await measure(async () => {
    const report = await pipeline({
      name: "bench",
      source: batchSource(repeated(made), {
        name: "lineitem",
        schema: lineitemSchema,
        disposition: { kind: "append" },
        primaryKey: [],
      }),
      destination: delta({ store }),
    }).run();
    const { rows, bytes } = report.tables["lineitem"] as { readonly rows: number; readonly bytes: number };
    return { rows, bytes };
  });
}

async function upload(store: ObjectStore): Promise<void> {
  const files = readdirSync(folder).map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
  // As encoding gives them: one after the other, in pieces.
  await measure(async () => {
    let bytes = 0;
    for (const file of files) {
      await using writer = await store.create(`alone/${file.name}`);
      for (let at = 0; at < file.bytes.length; at += MIB)
        await writer.write(file.bytes.subarray(at, at + MIB));
      await writer.complete();
      bytes += file.bytes.length;
    }
    return { rows: count, bytes };
  });
}

if (what === "upload") await upload(bucket());
else if (what === "load") await load(bucket());
else {
  const store = memoryStore();
  await load(store);
  for await (const { path } of store.list("lineitem/"))
    if (path.endsWith(".parquet") && !path.includes("_delta_log"))
      writeFileSync(join(folder, basename(path)), await store.get(path));
}
