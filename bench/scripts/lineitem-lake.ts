import { pipeline } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { delta } from "@alluvium/destinations/delta";
import { batchSource } from "../batch-source.ts";
import { lineitemBatch, lineitemSchema } from "../lineitem-batches.ts";

// Makes a lake with the table `lineitem`: `lineitem-lake.ts FOLDER ROWS`.
const [folder, total] = [process.argv[2]!, Number(process.argv[3])];

function* batches(): Generator<Batch> {
  for (let start = 0; start < total; start += 16_384)
    yield lineitemBatch(Array.from({ length: Math.min(16_384, total - start) }, (_, i) => start + i));
}

const load = pipeline({
  name: "bench",
  source: batchSource(batches(), {
    name: "lineitem",
    schema: lineitemSchema,
    disposition: { kind: "append" },
    primaryKey: [],
  }),
  destination: delta({ url: folder }),
  loadIdColumn: false,
});
await load.run();
process.stdout.write(`${JSON.stringify({ rows: total })}\n`);
